import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { machineOf } from './machine.mjs'
import { cli, compilePrograms, fifoMaker, findMakes, script, scrubbedEnvironment } from './prepare.mjs'
import { findTools, measuredVersion, peerVersions } from './versions.mjs'

/** Measures the rows, one after the other. Returns all that there is to tell of it: see README.md. */
export async function measure(rows, { quick }) {
  const begin = performance.now()
  const scratch = mkdtempSync(join(tmpdir(), 'jobslot-bench-'))
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))
  const program = compilePrograms(scratch)
  const makes = findMakes()
  const tools = findTools()
  const hasTool = (name) => tools.found.some((tool) => tool.name === name)
  const env = scrubbedEnvironment(join(scratch, 'state'))
  const machine = machineOf(scratch)
  const loadBefore = loadavg()
  const measured = []
  for (const [i, { name, title, about, measure }] of rows.entries()) {
    const dir = join(scratch, name)
    mkdirSync(dir)
    const { makeFifo, close } = fifoMaker()
    const onProgress = dots(`${i + 1} of ${rows.length}, ${name}`)
    const tables = await measure({ quick, dir, env, makes, hasTool, makeFifo, program, script, cli, onProgress })
    close()
    rmSync(dir, { recursive: true, force: true })
    measured.push({ name, title, about, tables })
  }
  return {
    commit: measuredVersion(),
    date: new Date().toISOString().slice(0, 10),
    seconds: Math.round((performance.now() - begin) / 1000),
    quick,
    machine: { ...machine, loadBefore, loadAfter: loadavg() },
    versions: peerVersions({ makes, tools }),
    missing: tools.missing,
    rows: measured,
  }
}

/** Ten dots on standard error for the whole of a row. */
function dots(what) {
  let told = 0
  const begin = performance.now()
  process.stderr.write(`bench: row ${what} `)
  return (share) => {
    for (; told < Math.floor(share * 10 + 1e-9); told++) process.stderr.write('.')
    if (share === 1) process.stderr.write(` ${Math.round((performance.now() - begin) / 1000)} s\n`)
  }
}
