import { setImmediate as breathe } from 'node:timers/promises'
import type { Lines, ReadFile } from '../disk/disk.ts'
import { FRAME } from '../format/format.ts'
import type { JobLine } from '../format/line.ts'
import { areOptions, isError, isValue, isWhole, objectOf } from '../format/line.ts'
import { QuickLines } from '../format/quick-line.ts'
import { restoreJob } from '../state/restore.ts'
import type { State } from '../state/state.ts'
import type { Damage } from './journal.ts'
import { LineReader } from './line-reader.ts'

export interface SnapshotHeader {
  format: number
  snapshot: number
  n: number
  jobs: number
  paused: boolean
}

const STATES = ['pending', 'active', 'fulfilled', 'failed', 'cancelled']

/** Restores the jobs of a snapshot. What is damaged is told; of a damaged header all is 0. */
export async function readSnapshot(
  file: ReadFile,
  number: number,
  lines: Lines,
  state: State,
  damage: Damage[],
  name: string,
): Promise<SnapshotHeader> {
  let header: SnapshotHeader = { format: 0, snapshot: 0, n: 0, jobs: 0, paused: false }
  let ended = false
  let jobs = 0
  const before = damage.length
  const restore = (job: JobLine, offset: number, length: number) => {
    jobs++
    restoreJob(state, job, { file: number, offset, length })
  }
  const size = file.size()
  const reader = new LineReader(file, lines)
  const onLine = (json: string, offset: number, length: number) => {
    const object = objectOf(json)
    if (offset === 0 && object && isWhole(object.snapshot) && isWhole(object.n)) {
      header = object as unknown as SnapshotHeader
      state.paused = header.paused === true
      state.snapshot = header.snapshot
    } else if (object?.end === true) {
      ended = true
      // A line that is gone as a whole is missed by nothing else.
      if (object.jobs !== jobs && damage.length === before) damage.push({ file: name, offset, bytes: 0 })
    } else if (object && isJob(object)) restore(object as unknown as JobLine, offset, length)
    else damage.push({ file: name, offset, bytes: length })
  }
  const quick = new QuickLines()
  const onBytes = (bytes: Buffer, at: number, offset: number): number => {
    const job = quick.job(bytes, at)
    if (!job) return 0
    const length = quick.at - at
    restore(job, offset, FRAME + length)
    return length
  }
  while (reader.at < size) {
    const offset = reader.at
    if (reader.read(size, onLine, onBytes) === 'broken') {
      reader.skip(size)
      damage.push({ file: name, offset, bytes: reader.at - offset })
    }
    await breathe()
  }
  if (!ended) damage.push({ file: name, offset: size, bytes: 0 })
  return header
}

// Made once: a snapshot may have a million lines.
const NUMBERS = [
  'version',
  'attempt',
  'failures',
  'lost',
  'at',
  'claim',
  'w',
  'pid',
  'claimed',
  'finished',
  'notifyAt',
  'tries',
]

type Loose = Record<string, unknown>

export function isJob(line: Loose): boolean {
  return (
    isWhole(line.id) &&
    isWhole(line.t) &&
    STATES.includes(line.state as string) &&
    'request' in line &&
    areOptions(line) &&
    NUMBERS.every((name) => line[name] === undefined || isWhole(line[name])) &&
    (line.state !== 'fulfilled' || isValue(line)) &&
    (line.error === undefined || isError(line.error)) &&
    (line.targets === undefined || Array.isArray(line.targets)) &&
    (line.notify === undefined || isClaim(line.notify))
  )
}

const isClaim = (claim: unknown): boolean =>
  typeof claim === 'object' &&
  claim !== null &&
  isWhole((claim as Loose).c) &&
  isWhole((claim as Loose).w) &&
  isWhole((claim as Loose).pid)
