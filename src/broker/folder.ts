import { closeSync, constants, fstatSync, openSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { type FifoPlace, makeFifo } from '../pool/fifo-place.ts'
import { privateFolder, stateDirError } from '../state-dir.ts'
import { fifoOf, ledgerOf, type PoolPlace } from './place.ts'

/** The folder of a pool with members. All of this is only for who has the lock of its broker. */

/** @throws JobslotError `ERR_JOBSLOT_STATE_DIR` */
export function makeFolder({ dir, fifos }: PoolPlace): void {
  privateFolder(dir, 'this pool')
  if (fifos === dir) return
  privateFolder(dirname(fifos), 'FIFOs')
  privateFolder(fifos, 'FIFOs')
}

/** Removes what a broker makes, and nothing else that may lie there. What cannot be removed stays for the next sweep. */
export function removeFolder(place: PoolPlace): void {
  const { dir, fifos } = place
  for (const file of [ledgerOf(place), `${ledgerOf(place)}.new`])
    remove(() => rmSync(file, { force: true, recursive: true }))
  remove(() => {
    for (const name of readdirSync(fifos)) if (/^\d+$/.test(name)) rmSync(`${fifos}/${name}`, { recursive: true })
  })
  for (const folder of fifos === dir ? [dir] : [dir, fifos, dirname(fifos)]) remove(() => rmdirSync(folder))
}

/** The FIFOs of the pool's members, in a folder that all who know its name can find. */
export function poolFifos(place: PoolPlace): FifoPlace {
  return {
    make(id) {
      const path = fifoOf(place, id)
      try {
        // Of a member that a broker before could not write down.
        rmSync(path, { force: true, recursive: true })
        // Somebody may have removed the folder of a pool that runs.
        makeFolder(place)
        return { path, fd: makeFifo(path) }
      } catch (error) {
        throw stateDirError(path, error)
      }
    },
    remove(path) {
      rmSync(path, { force: true })
    },
  }
}

/** A member's FIFO, for reads and writes that do not block. Null where there is none at its path. */
export function openFifo(place: PoolPlace, id: number): number | null {
  const { O_RDWR, O_NONBLOCK, O_NOFOLLOW } = constants
  let fd: number
  try {
    fd = openSync(fifoOf(place, id), O_RDWR | O_NONBLOCK | O_NOFOLLOW)
  } catch {
    return null
  }
  if (fstatSync(fd).isFIFO()) return fd
  closeSync(fd)
  return null
}

/** Whether any of its FIFOs is open somewhere. */
export function hasOpenFifo({ fifos }: PoolPlace, isOpen: (fifo: string) => boolean): boolean {
  try {
    return readdirSync(fifos).some((name) => /^\d+$/.test(name) && isOpen(`${fifos}/${name}`))
  } catch {
    return false
  }
}

function remove(what: () => void): void {
  try {
    what()
  } catch {
    // It is gone, or not ours to remove.
  }
}
