import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build, cli, compilePrograms, fifoMaker, findMakes, script, scrubbedEnvironment } from './prepare.mjs'
import { asText } from './report.mjs'
import { backlog } from './rows/backlog.mjs'
import { churn } from './rows/churn.mjs'
import { handOver } from './rows/hand-over.mjs'
import { jobAdd } from './rows/job-add.mjs'
import { lock } from './rows/lock.mjs'
import { make } from './rows/make.mjs'
import { pool } from './rows/pool.mjs'
import { start } from './rows/start.mjs'
import { store } from './rows/store.mjs'
import { token } from './rows/token.mjs'
import { wait } from './rows/wait.mjs'
import { worker } from './rows/worker.mjs'

const ROWS = {
  ...{ token, 'hand-over': handOver, make, start, wait, lock, worker, pool },
  ...{ store, backlog, churn, 'job-add': jobAdd },
}

const USAGE = `npm run bench -- [--only ROW]... [--json FILE] [--quick]

  --only ROW    measure this row alone; may be given more than once: ${Object.keys(ROWS).join(', ')}
  --json FILE   write the figures to FILE too
  --quick       fewer rounds: to see that it works, not to compare
`

// What was started ends by itself, when its standard input does; the scratch folder is removed on `exit` alone.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

const options = readOptions()
if (typeof options === 'string') {
  process.stderr.write(`bench: ${options}\n\n${USAGE}`)
  process.exitCode = 64
} else if (options.help) {
  process.stdout.write(USAGE)
} else {
  const result = await measure(options)
  process.stdout.write(asText(result.rows))
  if (options.json) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`)
}

/** The options, or what is wrong with them. */
function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: Object.keys(ROWS) },
        json: { type: 'string' },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const unknown = values.only.find((name) => !Object.hasOwn(ROWS, name))
    return unknown === undefined ? values : `there is no row "${unknown}"`
  } catch (error) {
    return error.message
  }
}

async function measure({ only, quick }) {
  build()
  const scratch = mkdtempSync(join(tmpdir(), 'jobslot-bench-'))
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))
  const program = compilePrograms(scratch)
  const env = scrubbedEnvironment(join(scratch, 'state'))
  const makes = findMakes()
  const loadBefore = loadavg()
  const rows = []
  for (const name of new Set(only)) {
    const dir = join(scratch, name)
    mkdirSync(dir)
    const { makeFifo, close } = fifoMaker()
    const tables = await ROWS[name]({ quick, dir, env, makes, makeFifo, program, script, cli, onProgress: dots(name) })
    close()
    rows.push({ row: name, tables })
  }
  const machine = {
    processors: cpus().map(({ model }) => model),
    kernel: release(),
    node: process.version,
    loadBefore,
    loadAfter: loadavg(),
  }
  return { machine, quick, rows }
}

/** Ten dots on standard error for the whole of a row. */
function dots(name) {
  let told = 0
  process.stderr.write(`bench: ${name} `)
  return (share) => {
    for (; told < Math.floor(share * 10); told++) process.stderr.write('.')
    if (share === 1) process.stderr.write('\n')
  }
}
