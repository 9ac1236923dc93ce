import { mkdirSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { JobslotError } from '../../errors.ts'
import { UsageError } from '../exit-codes.ts'

/** Of each command that has to do with a store. */
export const PLACE_OPTIONS = {
  dir: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

/**
 * The store's folder: what `--dir` says, else `$JOBSLOT_STORE`, else `~/.local/state/jobslot`. Not in the state folder
 * of pools: /tmp does not outlive a boot.
 *
 * @throws UsageError
 */
export function storeDir(option: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  if (option === '') throw new UsageError('--dir has an empty name')
  return resolve(option ?? (env.JOBSLOT_STORE || ownDir()))
}

const ownDir = (): string => join(homedir(), '.local', 'state', 'jobslot')

/**
 * The folder for who may make a store there. The place that nobody has named is made with all that is above it, and for
 * this user alone: requests are nobody else's business.
 */
export function dirForNew(option: string | undefined): string {
  const dir = storeDir(option)
  if (dir !== ownDir()) return dir
  for (const folder of [dirname(dirname(dir)), dirname(dir), dir]) makeFolder(folder, dir)
  return dir
}

function makeFolder(folder: string, dir: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    const message = `the job store ${dir} cannot be made (${code}): name another folder by --dir or JOBSLOT_STORE`
    throw new JobslotError('ERR_JOBSLOT_STORE', message, { cause })
  }
}

/**
 * The folder of a store that is there: who only looks makes none where a name is mistyped.
 *
 * @throws JobslotError `ERR_JOBSLOT_STORE`
 */
export function dirOfStore(option: string | undefined): string {
  const dir = storeDir(option)
  if (hasStore(dir)) return dir
  const how = 'jobslot job add makes one'
  const which = option === undefined ? `${how}; --dir DIR and JOBSLOT_STORE name another folder` : `${how}, with --dir`
  throw new JobslotError('ERR_JOBSLOT_STORE', `there is no job store in ${dir}: ${which}`)
}

export function hasStore(dir: string): boolean {
  try {
    return readdirSync(dir).some((name) => /^(journal|snapshot)-\d{10}$/.test(name))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // What else is wrong with it is told when it is opened.
    return code !== 'ENOENT' && code !== 'ENOTDIR'
  }
}
