import { existsSync } from 'node:fs'
import { join } from 'node:path'
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
  const root = join(import.meta.dirname, '../..')
  if (process.platform === 'win32') {
    throw new JobslotError(
      'ERR_JOBSLOT_NO_ADDON',
      'jobslot cannot share slots on Windows: its addon is written for Linux and macOS',
    )
  }
  try {
    // Where it is nearly always; node-gyp-build, which knows the rarer places, takes ten times as long to look.
    const usual = process.env.JOBSLOT_PREBUILD ? undefined : usualFiles(root).find((file) => existsSync(file))
    if (usual) {
      const addon = { exports: {} as Binding }
      process.dlopen(addon, usual)
      return addon.exports
    }
    // Not imported: hardly any start needs it, and it takes a while to load.
    const { createRequire } = process.getBuiltinModule('node:module')
    const nodeGypBuild = createRequire(import.meta.filename)('node-gyp-build') as (root: string) => Binding
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
