import { parseArgs } from 'node:util'
import { ROWS } from './rows/index.mjs'

const NAMES = ROWS.map(({ name }) => name)

export const USAGE = `npm run bench -- [--report] [--only ROW]... [--json FILE] [--quick]
npm run bench -- --render FILE

  --report         measure all rows, and write docs/benchmarks.md with its pictures from that
  --only ROW       measure this row alone; may be given more than once:
                   ${NAMES.join(', ')}
  --json FILE      write the figures to FILE too
  --quick          fewer rounds: to see that it works, not to compare
  --render FILE    measure nothing, and write docs/benchmarks.md from figures that --json has written
  --projects FILE  with --report or --render: the figures of real projects (docs/benchmarks/projects.json, where it is)
`

/** The options, or what is wrong with them. */
export function readOptions(args) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        report: { type: 'boolean', default: false },
        render: { type: 'string' },
        projects: { type: 'string' },
        only: { type: 'string', multiple: true, default: [] },
        json: { type: 'string' },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    return wrongWith(values) ?? values
  } catch (error) {
    return error.message
  }
}

function wrongWith({ report, render, projects, only, json, quick }) {
  const unknown = only.find((name) => !NAMES.includes(name))
  if (unknown !== undefined) return `there is no row "${unknown}": give one of ${NAMES.join(', ')}`
  const part = quick ? '--quick' : only.length > 0 ? '--only' : null
  if (report && part) return `--report is of all rows, each in full: leave ${part} out`
  if (render !== undefined && (report || part || json !== undefined)) {
    return '--render measures nothing: give it alone, or with --projects'
  }
  if (projects !== undefined && !report && render === undefined) {
    return '--projects adds to a report: give --report or --render too'
  }
  return null
}
