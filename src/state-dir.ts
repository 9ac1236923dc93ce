import { accessSync, constants, lstatSync, mkdirSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute } from 'node:path'
import { JobslotError } from './errors.ts'

/**
 * The folder in which this user's state lies, made where it does not exist: `$JOBSLOT_DIR`, else /tmp/jobslot-UID.
 * XDG_RUNTIME_DIR and TMPDIR are not asked: they differ between a login, cron and a CI job.
 *
 * @throws JobslotError `ERR_JOBSLOT_STATE_DIR` where it cannot be made or others could write into it.
 */
export function stateDir(env: NodeJS.ProcessEnv = process.env): string {
  const chosen = env.JOBSLOT_DIR
  const uid = process.getuid?.() ?? 0
  const dir = chosen || `/tmp/jobslot-${uid}`
  if (!isAbsolute(dir)) throw unusable(dir, 'its path is not absolute')
  try {
    // Not `recursive`: in a folder that takes no entries, /proc for one, Node's tries for ever.
    mkdirSync(dir, { mode: 0o700 })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== 'EEXIST') throw unusable(dir, `it cannot be made (${code})`, cause)
  }
  const why = chosen ? whyNotChosen(dir) : whyNotOwn(dir, uid)
  if (why) throw unusable(dir, why)
  return dir
}

/**
 * A folder inside, made where it does not exist; nobody else may have rights in it.
 *
 * @param what what lies in it, for the message
 * @throws JobslotError `ERR_JOBSLOT_STATE_DIR`
 */
export function privateFolder(dir: string, what: string): string {
  try {
    mkdirSync(dir, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw stateDirError(dir, error)
  }
  const why = whyNotOwn(dir, process.getuid?.() ?? 0)
  if (!why) return dir
  throw new JobslotError(
    'ERR_JOBSLOT_STATE_DIR',
    `the folder of ${what} ${dir} cannot be used: ${why}; remove it, or set JOBSLOT_DIR to a folder of your own`,
  )
}

/** A folder that the user chose may be a link, and its group's rights are the user's business. */
function whyNotChosen(dir: string): string | null {
  try {
    const { mode } = statSync(dir)
    if ((mode & constants.S_IFMT) !== constants.S_IFDIR) return 'it is no folder'
    if ((mode & 0o002) !== 0) return 'anyone can write into it'
    accessSync(dir, constants.W_OK | constants.X_OK)
    return null
  } catch (error) {
    return `nothing can be made in it (${(error as NodeJS.ErrnoException).code})`
  }
}

/** In /tmp anyone could have put it there. */
function whyNotOwn(dir: string, uid: number): string | null {
  const found = lstatSync(dir)
  if (!found.isDirectory()) return 'it is no folder'
  if (found.uid !== uid) return `it belongs to user ${found.uid}`
  return (found.mode & 0o077) !== 0 ? 'others have rights in it' : null
}

/** What to throw where a file in the folder cannot be made or used. */
export function stateDirError(path: string, error: unknown): JobslotError {
  const { code, message } = error as NodeJS.ErrnoException
  if (isFull(code)) return unusable(dirname(path), `its disk is full (${code})`, error, 'make room, or ')
  return unusable(dirname(path), `${basename(path)} cannot be made in it (${code ?? message})`, error)
}

/** Whether a system call failed as there is no room for what it was to write. */
export const isFull = (code: string | undefined): boolean => code === 'ENOSPC' || code === 'EDQUOT'

function unusable(dir: string, why: string, cause?: unknown, cure = ''): JobslotError {
  return new JobslotError(
    'ERR_JOBSLOT_STATE_DIR',
    `jobslot's state folder ${dir} cannot be used: ${why}; ${cure}set JOBSLOT_DIR to a folder of your own`,
    { cause },
  )
}
