import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

const here = import.meta.dirname
const cache = join(here, '../../node_modules/.cache/jobslot-test')

export type Helper = 'job' | 'makeparallel' | 'pipeserver'

/** The path of a C program of this folder, compiled when its source is new here. */
export function compiled(name: Helper): string {
  return compile(name, [])
}

/** As `compiled`: a library for LD_PRELOAD. */
export function compiledLibrary(name: 'faults'): string {
  return compile(name, ['-shared', '-fPIC', '-ldl'])
}

function compile(name: string, options: readonly string[]): string {
  const source = join(here, `${name}.c`)
  const hash = createHash('sha256').update(readFileSync(source)).update(process.arch).digest('hex').slice(0, 16)
  const program = join(cache, hash, name)
  if (existsSync(program)) return program

  // Renamed into place: another test process that compiles it too never sees half a program.
  mkdirSync(dirname(program), { recursive: true })
  const own = mkdtempSync(join(cache, 'new-'))
  try {
    execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-o', join(own, name), source, ...options], { stdio: 'inherit' })
    renameSync(join(own, name), program)
  } catch (cause) {
    throw new Error(`test/support/${name}.c does not compile: the tests need a C compiler called cc`, { cause })
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
  return program
}
