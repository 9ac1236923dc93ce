import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { metered } from './metered.mjs'
import { filled } from './projects.mjs'

/**
 * A project configured and ready to be built, again and again from the same state and in the same folder: paths stand
 * in what is built.
 *
 * @param context.job the program that records a job
 * @param context.spans where it does
 */
export async function prepareSite(project, source, { dir, needs, job, spans, env, meter, signal }) {
  const { name } = project
  const build = join(dir, 'build', name)
  const pristine = join(dir, 'configured', name)
  const log = join(dir, `${name}.log`)
  const recorded = (tool, program) => {
    const path = join(dir, 'bin', name, tool)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `#!/bin/sh\nexec '${job}' '${spans}' 0 ${name} '${program}' "$@"\n`)
    chmodSync(path, 0o755)
    return path
  }
  const words = {
    ...{ cc: recorded('cc', needs.cc), 'c++': recorded('c++', needs.cxx), ar: recorded('ar', needs.ar) },
    ...{ cmake: needs.cmake, make: needs.make, ninja: needs.ninja },
  }
  const site = {
    ...{ name, log, dir: build },
    argv: filled(project.build, words),
    reset: () => copied(pristine, build),
    /** The end of what it has printed: why it failed stands there. */
    logTail: () => readFileSync(log, 'utf8').trimEnd().split('\n').slice(-15).join('\n'),
  }
  copied(source, build)
  if (project.configure) {
    const { status } = await metered(meter, filled(project.configure, words), { cwd: build, env, log, signal })
    if (status !== 0) throw new Error(`${name} cannot be configured:\n${site.logTail()}`)
  }
  copied(build, pristine)
  return site
}

/** With the times of its files, by which make knows that nothing has to be configured anew. */
function copied(from, to) {
  rmSync(to, { recursive: true, force: true })
  mkdirSync(dirname(to), { recursive: true })
  cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
}
