import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { summary } from '../spans.mjs'
import { metered } from './metered.mjs'
import { complaintsIn, script } from './modes.mjs'
import { outputsOf } from './outputs.mjs'

const POOL = 'bench'

/** All projects built once in this mode, and what that took. Throws where a build fails. */
export async function measureMode(mode, sites, { dir, cli, limit, job, spans, env, meter, signal }) {
  for (const site of sites) site.reset()
  const [builds, state, file, log] = ['builds', 'state', 'script', 'log'].map((name) => join(dir, name))
  for (const path of [spans, builds, state]) rmSync(path, { recursive: true, force: true })
  mkdirSync(state, { mode: 0o700 })
  const options = { cwd: dir, env: { ...env, JOBSLOT_DIR: state }, log, signal }
  if (mode.pool) await metered(meter, [...cli, 'resize', '--pool', POOL, String(limit)], options)

  const run = [...cli, 'run', '--pool', POOL]
  writeFileSync(file, script(mode, sites, { run, jobs: limit, record: [job, builds, '0'] }))
  const figures = await metered(meter, ['/bin/sh', file], options)
  if (figures.status !== 0) {
    const tails = sites.map(({ name, logTail }) => `--- ${name}\n${logTail()}`).join('\n')
    throw new Error(`${mode.name}: a build failed, the logs end so:\n${tails}`)
  }
  const ends = summary(readFileSync(builds, 'utf8')).ends.map(({ label, at }) => [label, at])
  const { jobs, peak, average } = summary(readFileSync(spans, 'utf8'))
  const outputs = sites.flatMap(({ name, dir }) => outputsOf(dir).map(([path, hash]) => [`${name}/${path}`, hash]))
  return {
    ...{ mode, jobs, peak, average, ends: new Map(ends), outputs: new Map(outputs) },
    ...figures,
    complaints: complaints(sites, figures),
  }
}

function complaints(sites, { left }) {
  const lines = sites.flatMap(({ name, log }) =>
    complaintsIn(readFileSync(log, 'utf8')).map((line) => `${name}: ${line}`),
  )
  return left === 0 ? lines : [...lines, `${left} processes were left 10 s after the builds' end`]
}
