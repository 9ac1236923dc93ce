import { constants, type Stats } from 'node:fs'
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY, O_DIRECTORY, O_RDONLY } = constants

/** The new file, until it has the old one's name. One name for all, so that a crash leaves one file and not many. */
export function newFileOf(path: string): string {
  return `${path}.jobslot-new`
}

/**
 * Puts a new file in the place of `path`, all of it or nothing, and on disk when this resolves. Only one process may do
 * so at a time. Whoever has the old file open keeps reading that.
 *
 * @param old what is there now: its rights are kept, and its owner and group where this process may give files away
 * @returns null; or why the new file, which is in place, might be gone again after a power cut
 */
export async function replaceFile(path: string, bytes: Buffer, old: Stats | null): Promise<unknown> {
  // Opened first: a folder that cannot be opened fails while the old file is there.
  const folder = await open(dirname(path), O_RDONLY | O_DIRECTORY)
  try {
    await writeNew(newFileOf(path), bytes, old)
    await rename(newFileOf(path), path)
    return await folder.sync().then(
      () => null,
      (error) => error,
    )
  } finally {
    // All is done or has failed by now, and the descriptor is gone in any case.
    await folder.close().catch(() => {})
  }
}

async function writeNew(path: string, bytes: Buffer, old: Stats | null): Promise<void> {
  const file = await create(path, old ? 0o600 : 0o666)
  try {
    if (old) await giveAccessOf(old, file)
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A file of our own: whatever a crash, or somebody in a folder of all, has put there is not written into. */
async function create(path: string, mode: number): Promise<FileHandle> {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
  try {
    return await open(path, flags, mode)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  await unlink(path)
  return open(path, flags, mode)
}

async function giveAccessOf(old: Stats, file: FileHandle): Promise<void> {
  const made = await file.stat()
  let { uid, gid } = made
  if (uid !== old.uid && (await chown(file, old.uid, gid))) uid = old.uid
  if (gid !== old.gid && (await chown(file, uid, old.gid))) gid = old.gid
  // What one group might do is not for another.
  await file.chmod(old.mode & (gid === old.gid ? 0o777 : 0o707))
}

/** Whether this process may: mostly only root, and no one where the owner is unknown in this user namespace. */
async function chown(file: FileHandle, uid: number, gid: number): Promise<boolean> {
  try {
    await file.chown(uid, gid)
    return true
  } catch (error) {
    if (codeOf(error) === 'EPERM' || codeOf(error) === 'EINVAL') return false
    throw error
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code
