import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import type { TestContext } from 'vitest'
import { compiled } from './compile.ts'

export type Tool = 'make43' | 'make44' | 'ninja113' | 'cargo' | 'gcc' | 'cmake' | 'makeparallel'

/** What a test's context needs to have, to be skipped. */
export type Skippable = Pick<TestContext, 'skip'>

/** A folder whose bin/ holds newer tools than the system's. */
export const toolsDir = resolve(process.env.JOBSLOT_TEST_TOOLS ?? join(import.meta.dirname, '../../.tools'))

interface Wanted {
  candidates(): (string | null)[]
  accepts(version: number): boolean
  cure: string
}

const newer = (name: string): string => join(toolsDir, 'bin', name)
const fromScript = 'run scripts/real-build-tools.sh .tools, or name such a folder in JOBSLOT_TEST_TOOLS'
const onPath = (name: string): Wanted => ({
  candidates: () => [which(name)],
  accepts: () => true,
  cure: `install ${name}`,
})

const wanted: Record<Exclude<Tool, 'makeparallel'>, Wanted> = {
  make43: {
    candidates: () => [which('make')],
    accepts: (version) => version >= versionNumber(4, 2) && version < versionNumber(4, 4),
    cure: 'install GNU make 4.2 or 4.3',
  },
  make44: {
    candidates: () => [newer('make'), which('make')],
    accepts: (version) => version >= versionNumber(4, 4),
    cure: fromScript,
  },
  ninja113: {
    candidates: () => [newer('ninja'), which('ninja')],
    accepts: (version) => version >= versionNumber(1, 13),
    cure: fromScript,
  },
  cargo: onPath('cargo'),
  gcc: onPath('gcc'),
  cmake: onPath('cmake'),
}

const found = new Map<Tool, string | null>()

export function findTool(name: Tool): string | null {
  const known = found.get(name)
  if (known !== undefined) return known
  const path = name === 'makeparallel' ? compiled(name) : firstAccepted(wanted[name])
  found.set(name, path)
  return path
}

/** The tool's path. Where it is missing: the test is skipped, loudly; in CI it fails. */
export function requireTool(name: Tool, ctx: Skippable): string {
  const path = findTool(name)
  if (path !== null) return path
  const message = `${name} is missing: ${name === 'makeparallel' ? 'install a C compiler' : wanted[name].cure}`
  if (process.env.CI) throw new Error(message)
  console.warn(`SKIPPED: ${message}`)
  return ctx.skip(message)
}

/** Comparable: 4.10 is above 4.9. Null where the output of --version names none. */
export function parseVersion(output: string): number | null {
  const match = /(\d+)\.(\d+)/.exec(output)
  return match ? versionNumber(Number(match[1]), Number(match[2])) : null
}

export function versionNumber(major: number, minor: number): number {
  return major * 1000 + minor
}

function firstAccepted({ candidates, accepts }: Wanted): string | null {
  for (const path of candidates()) {
    const version = path && versionOf(path)
    if (version && accepts(version)) return path
  }
  return null
}

function versionOf(path: string): number | null {
  try {
    return parseVersion(execFileSync(path, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch {
    return null
  }
}

function which(name: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not in this folder.
    }
  }
  return null
}
