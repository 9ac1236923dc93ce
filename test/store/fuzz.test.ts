import fc from 'fast-check'
import { expect, test } from 'vitest'
import { realLines } from '../../src/store/disk/real-disk.ts'
import { isDeeper } from '../../src/store/format/depth.ts'
import { lineOf, objectOf } from '../../src/store/format/line.ts'
import { QuickLines } from '../../src/store/format/quick-line.ts'
import { isJob } from '../../src/store/journal/snapshot.ts'
import { applyLine } from '../../src/store/state/fold.ts'
import { State } from '../../src/store/state/state.ts'
import { isThere } from '../../src/store/state/table.ts'
import { edited, edits, forAll, fuzzTimeout } from '../support/fuzz.ts'
import { hostileLines, stamped } from './hostile-lines.ts'
import { simLines } from './sim-machine.ts'

const quick = new QuickLines()
const SAMPLES = [
  ...[
    '{}',
    '"a\\"\\n"',
    '[1,2.5,-3,{"a":[null,true]}]',
    '""',
    '-0',
    '1e3',
    '[[[[]]]]',
    '"\\u0041"',
    '12345678901234567',
  ],
].flatMap((json) => [
  `{"n":12,"t":1700000000000,"op":"create","request":${json}}\n`,
  `{"n":12,"d":77,"t":1700000000000,"op":"create","request":${json}}\n`,
  `{"id":3,"t":1700000000000,"state":"pending","request":${json}}\n`,
  `{"id":3,"t":17,"state":"fulfilled","attempt":1,"finished":18,"value":"x\\\\","request":${json}}\n`,
  '{"n":13,"t":1700000000000,"op":"claim","id":12,"w":281474976710655,"pid":4194304}\n',
  '{"n":14,"d":9,"t":1700000000000,"op":"fulfill","id":12,"c":13,"value":"done \\"well\\""}\n',
])

test(
  'the quick reader of lines takes nothing that the slow one does not, and reads the same',
  () => {
    forAll(8000, fc.tuple(fc.constantFrom(...SAMPLES), edits(3)), ([sample, changes]) => {
      const bytes = edited(Buffer.from(sample), changes)
      const end = bytes.indexOf(10)
      const json = bytes.toString('utf8', 0, end < 0 ? bytes.length : end)
      const line = quick.line(bytes, 0)
      if (line) {
        if (quick.at !== end + 1) throw new Error(`ends at ${quick.at}`)
        const { request, value, ...known } = (lineOf(json) ?? {}) as Record<string, unknown>
        if (known.d === 0) delete known.d
        expect(line).toEqual(known.op === 'create' ? { ...known, request: null } : known)
      }
      const job = quick.job(bytes, 0)
      if (job) {
        if (quick.at !== end + 1) throw new Error(`ends at ${quick.at}`)
        const object = objectOf(json)!
        expect(isJob(object)).toBe(true)
        const { request, value, ...known } = object
        expect(job).toEqual(known)
      }
    })
  },
  fuzzTimeout,
)

test(
  "the addon's check of lines and the simulated machine's find the same",
  () => {
    const sample = stamped([
      { n: 1, t: 2, op: 'pause' },
      { n: 2, t: 3, op: 'create', request: 'ü\u2028' },
      {},
      { a: 1 },
    ])
    forAll(5000, edits(), (changes) => {
      const bytes = edited(sample, changes)
      const whole = realLines.whole(bytes, 0, bytes.length)
      if (whole !== simLines.whole(bytes, 0, bytes.length)) throw new Error(`${whole}`)
      const [own, simulated] = [Buffer.from(bytes), Buffer.from(bytes)]
      if (bytes.includes(10, 9) && bytes.at(-1) === 10 && !/\n[^\n]{0,9}\n/.test(bytes.toString('latin1'))) {
        realLines.stamp(own, own.length)
        simLines.stamp(simulated, simulated.length)
        if (!own.equals(simulated)) throw new Error('stamped in two ways')
      }
    })
  },
  fuzzTimeout,
)

test('how deep JSON nests is told as by reading it', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0
  forAll(3000, fc.jsonValue({ maxDepth: 8, stringUnit: 'binary' }), (value) => {
    const json = JSON.stringify(value)
    for (const most of [0, 1, 2, 5]) {
      if (json.length > 2 * most && isDeeper(json, most) !== depthOf(value) > most) throw new Error(`${most}`)
    }
  })
})

test(
  'any lines leave a state that is one',
  () => {
    forAll(800, hostileLines, (lines) => {
      const state = new State()
      for (const [i, written] of lines.entries()) {
        const line = lineOf(JSON.stringify(written))
        if (line) applyLine(state, line, { file: 1, offset: i, length: 1 }, i + 1)
        if (i % 5 === 4) state.tidy()
      }
      state.due(1e15)
      state.nextReady()
      const { table, counts } = state
      const found = [0, 0, 0, 0, 0]
      for (let row = 0; row < table.count; row++) if (isThere(table.phase[row]!)) found[table.phase[row]!]!++
      expect(counts).toEqual(found)
      expect(table.live).toBe(found.reduce((sum, count) => sum + count, 0))
      state.freeze()
    })
  },
  fuzzTimeout,
)
