import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { JobslotError } from '../errors.ts'
import type { Binding } from './binding.ts'

let loaded: Binding | undefined

/**
 * The addon, loaded at the first call and not before: a program that only imports jobslot needs none.
 *
 * @throws JobslotError `ERR_JOBSLOT_NO_ADDON` where this platform has no prebuilt addon and none was compiled.
 */
export function native(): Binding {
  loaded ??= load()
  return loaded
}

function load(): Binding {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  if (process.platform === 'win32') {
    throw new JobslotError(
      'ERR_JOBSLOT_NO_ADDON',
      'jobslot cannot share slots on Windows: its addon is written for Linux and macOS',
    )
  }
  const require = createRequire(import.meta.url)
  try {
    // Where it is nearly always; node-gyp-build, which knows the rarer places, takes ten times as long to look.
    const usual = process.env.JOBSLOT_PREBUILD ? undefined : usualFiles(root).find((file) => existsSync(file))
    if (usual) return require(usual) as Binding
    const nodeGypBuild = require('node-gyp-build') as (root: string) => Binding
    return nodeGypBuild(root)
  } catch (cause) {
    throw new JobslotError(
      'ERR_JOBSLOT_NO_ADDON',
      `jobslot's addon cannot be loaded on ${process.platform}-${process.arch}: compile it in a clone of jobslot, with ` +
        `"npm ci && npm run build:native", and copy build/Release/jobslot.node into ${root}/build/Release`,
      { cause },
    )
  }
}

/** Compiled here, or prebuilt: the order of node-gyp-build. */
function usualFiles(root: string): string[] {
  return [
    join(root, 'build/Release/jobslot.node'),
    join(root, `prebuilds/${process.platform}-${process.arch}/jobslot.node`),
  ]
}
