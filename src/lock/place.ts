import { mkdirSync, type Stats, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { JobslotError } from '../errors.ts'
import { fileNameOf } from '../names.ts'
import { stateDir, stateDirError } from '../state-dir.ts'

/** Where a lock's file lies, and for whom it is made. */
export interface LockPlace {
  /** The lock's name, or its path. */
  readonly name: string
  readonly path: string
  readonly mode: number
  /** -1: as the process makes it. */
  readonly uid: number
  readonly gid: number
}

/** This user's folder of locks, and the places in it: to look for them takes as long as to take a lock. */
let ownFolder: string | undefined
const ownPlaces = new Map<string, LockPlace>()
const MOST_PLACES = 1000

/**
 * The folder of this user's locks, made where it does not exist. JOBSLOT_DIR is asked at the first call.
 *
 * @throws JobslotError `ERR_JOBSLOT_STATE_DIR`
 */
export function lockFolder(): string {
  if (ownFolder !== undefined) return ownFolder
  const folder = join(stateDir(), 'locks')
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw stateDirError(folder, error)
  }
  ownFolder = folder
  return folder
}

/** The place of a lock by name: in this user's folder, or in `dir`, which several users may share. */
export function placeOfName(name: string, dir: string | undefined): LockPlace {
  if (typeof name !== 'string') throw new TypeError(`the name of a lock must be a string, not ${typeof name}`)
  if (dir !== undefined && typeof dir !== 'string')
    throw new TypeError(`dir must be the path of a folder, not ${typeof dir}`)
  if (dir !== undefined) return { ...placeIn(resolve(dir), fileNameOf(name)), name }
  let place = ownPlaces.get(name)
  if (!place) {
    place = { name, path: join(lockFolder(), fileNameOf(name)), mode: 0o600, uid: -1, gid: -1 }
    if (ownPlaces.size >= MOST_PLACES) ownPlaces.clear()
    ownPlaces.set(name, place)
  }
  return place
}

/** The place of a lock that is a file. */
export function placeOfFile(file: string): LockPlace {
  if (typeof file !== 'string' || file === '')
    throw new TypeError('the path of a lock must be a string that names a file')
  const path = resolve(file)
  return { ...placeIn(dirname(path), path.slice(path.lastIndexOf('/') + 1)), name: file }
}

/**
 * Files get the folder's permission bits, so that whoever may write in the folder may lock, and its group, and, where
 * root makes them, its owner: one of two who share a lock often runs under sudo.
 */
function placeIn(folder: string, fileName: string): Omit<LockPlace, 'name'> {
  const path = join(folder, fileName)
  const found = statOf(folder)
  if (!found?.isDirectory()) throw lockFolderError(folder, found ? 'it is no folder' : 'there is no such folder')
  const mode = found.mode & 0o666
  // What everyone may do, as in /tmp, needs no group.
  const groupMatters = (mode & 0o060 & ~(mode << 3)) !== 0
  const group = groupMatters && found.gid !== process.getegid?.() ? found.gid : -1
  return { path, mode, uid: process.geteuid?.() === 0 && found.uid !== 0 ? found.uid : -1, gid: group }
}

function statOf(folder: string): Stats | undefined {
  try {
    return statSync(folder, { throwIfNoEntry: false })
  } catch (error) {
    throw lockFolderError(folder, (error as NodeJS.ErrnoException).code ?? String(error), error)
  }
}

/** Makes this user's folder anew, where the place is in it. */
export function makeFolderOf(place: LockPlace): boolean {
  if (ownFolder === undefined || dirname(place.path) !== ownFolder) return false
  ownFolder = undefined
  return dirname(place.path) === lockFolder()
}

export function lockFolderError(folder: string, why: string, cause?: unknown): JobslotError {
  return new JobslotError('ERR_JOBSLOT_LOCK_FOLDER', `locks cannot be kept in ${folder}: ${why}`, { cause })
}
