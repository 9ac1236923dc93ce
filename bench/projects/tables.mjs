import { figure, ratio } from '../statistics.mjs'
import { MODES } from './modes.mjs'

/**
 * The figures as tables of the report.
 *
 * @param rounds of each round the result of each mode, in the order of MODES
 */
export function tables(rounds, names, limit) {
  const series = (value) => MODES.map((_, mode) => rounds.map((results) => value(results[mode])))
  const table = (title, unit, value, ratios = () => []) => {
    const [pool, free, turn] = series(value)
    return {
      title,
      unit,
      figures: MODES.map(({ name }, i) => figure(name.replace('-jN', `-j${limit}`), [pool, free, turn][i])),
      ratios: ratios(pool, free, turn),
    }
  }
  const against = (what, targets) => (pool, free, turn) => [
    ratio(`${what}: pool / at once`, [pool, free], { target: targets.free ?? null }),
    ratio(`${what}: pool / in turn`, [pool, turn], { target: targets.turn ?? null }),
  ]
  return [
    table(
      'Time until all are built',
      'ns',
      ({ wallNs }) => wallNs,
      against('time', { free: { atMost: 1.05 }, turn: { atMost: 1.05 } }),
    ),
    table('Compilers, linkers and archivers at once, at most', 'jobs', ({ peak }) => peak),
    table('The same on average', 'jobs', ({ average }) => average),
    table(
      'Memory of all processes at once, at most',
      'bytes',
      ({ peakBytes }) => peakBytes,
      against('memory', { free: { atMost: 1 } }),
    ),
    table('Processor time', 'ns', ({ cpuNs }) => cpuNs, against('processor time', {})),
    ...names.map((name) => table(`Time until ${name} is built`, 'ns', ({ ends }) => ends.get(name))),
  ]
}
