import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileNameOf, nameOfFile } from '../names.ts'
import { privateFolder, stateDir } from '../state-dir.ts'

/** Where a named pool lies. */
export interface PoolPlace {
  name: string
  /** The name as a file's; in marks and in the ids of slots it stands before the slash. */
  mark: string
  /** While it has members: what is written of them, and their FIFOs. */
  dir: string
  /** Where the FIFOs are instead if `dir` has a space in its path, which ninja and cargo cannot read. */
  fifos: string
  /** What outlives the broker: how many slots it has. */
  settings: string
  /** The broker's name as a shared worker. */
  worker: string
}

export const DEFAULT_POOL = 'default'
const POOLS = 'pools'
const SETTINGS = '.json'

/** @throws JobslotError `ERR_JOBSLOT_STATE_DIR` where the folder of pools is not this user's alone */
export function placeOfPool(name: string): PoolPlace {
  if (typeof name !== 'string') throw new TypeError(`the name of a pool must be a string, not ${typeof name}`)
  return placeOfMark(fileNameOf(name), name)
}

/** By what stands in ids of slots and in the folder of pools. */
export function placeOfMark(mark: string, name = nameOfFile(mark)): PoolPlace {
  const pools = poolsFolder()
  const dir = join(pools, mark)
  const fifos = /\s/.test(pools) ? join(stateDir({}), `${POOLS}-${hash(pools)}`, mark) : dir
  return { name, mark, dir, fifos, settings: `${dir}${SETTINGS}`, worker: `pool ${mark}` }
}

/** The pools that this user has, running or not. */
export function allPools(): PoolPlace[] {
  const names = readdirSync(poolsFolder())
  const marks = names.map((name) => (name.endsWith(SETTINGS) ? name.slice(0, -SETTINGS.length) : name))
  return [...new Set(marks)]
    .filter(isMark)
    .sort()
    .map((mark) => placeOfMark(mark))
}

export const ledgerOf = ({ dir }: PoolPlace) => join(dir, 'ledger')
export const fifoOf = ({ fifos }: PoolPlace, id: number) => join(fifos, String(id))

const poolsFolder = () => privateFolder(join(stateDir(), POOLS), POOLS)

/** Other files may lie there, too. A name that was cut has a point. */
const isMark = (name: string) => fileNameOf(nameOfFile(name)) === name || /^[\w%-]{100}\.[0-9a-f]{64}$/.test(name)

/** Loaded where it is needed, which is hardly ever. */
function hash(text: string): string {
  const { createHash } = process.getBuiltinModule('node:crypto')
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
