import { setImmediate as breathe } from 'node:timers/promises'
import type { Lines } from '../disk/disk.ts'
import { FORMAT, LineBuffer } from '../format/format.ts'
import type { JobLine } from '../format/line.ts'
import type { Frozen } from '../state/state.ts'
import { ACTIVE, FULFILLED, isFinished, isThere, PENDING } from '../state/table.ts'
import type { Files } from './files.ts'
import { endLineOf } from './stored-lines.ts'

const PART = 1 << 18

const STATES = ['pending', 'active', 'fulfilled', 'failed', 'cancelled']

/** Writes what a state is, a part at a time; the names of the values' files that it speaks of. */
export async function writeSnapshot(
  { state, files, lines }: { state: Frozen; files: Files; lines: Lines },
  { segment, n }: { segment: number; n: number },
  append: (bytes: Buffer) => Promise<void>,
  signal: AbortSignal,
): Promise<Set<string>> {
  const { table } = state
  const values = new Set<string>()
  const buffer = new LineBuffer()
  const flush = async () => {
    lines.stamp(buffer.bytes, buffer.length)
    await append(buffer.view)
    buffer.clear()
    signal.throwIfAborted()
    await breathe()
  }
  buffer.add(JSON.stringify({ format: FORMAT, snapshot: segment, n, jobs: table.live, paused: state.paused }))
  for (let row = 0; row < table.count; row++) {
    if (!isThere(table.phase[row]!)) continue
    buffer.add(jobText(state, files, row, values))
    if (buffer.length > PART) await flush()
  }
  buffer.add(JSON.stringify({ end: true, jobs: table.live }))
  await flush()
  return values
}

/** What stands before the options and request of a new job, and before the value of a fulfilled one. */
const CREATION = /^\{"n":\d+,(?:"d":\d+,)?"t":(\d+),"op":"create",/
const FULFILMENT = /^\{"n":\d+,(?:"d":\d+,)?"t":\d+,"op":"fulfill","id":\d+,(?:"c":\d+,)?(?=")/

function jobText(state: Frozen, files: Files, row: number, values: Set<string>): string {
  const { table } = state
  const id = table.id[row]!
  const text = files.text({ file: table.file[row]!, offset: table.offset[row]!, length: table.length[row]! })
  // As the snapshot before has it.
  if (table.changed[row] === 0) {
    const file = table.phase[row] === FULFILLED ? /"file":"(value-\d+-\d+)"/.exec(text)?.[1] : undefined
    if (file !== undefined) values.add(file)
    return text
  }
  const plain = state.extras.has(id) ? undefined : plainText(state, files, row, text)
  if (plain !== undefined) return plain
  return JSON.stringify(jobLine(state, files, row, JSON.parse(text), values))
}

/** Of most jobs no part has to be understood: those that wait for their first run, and those that were fulfilled. */
function plainText(state: Frozen, files: Files, row: number, text: string): string | undefined {
  const { table } = state
  const found = CREATION.exec(text)
  if (!found) return undefined
  const start = `{"id":${table.id[row]},"t":${found[1]}`
  const rest = text.slice(found[0].length)
  const phase = table.phase[row]
  if (phase === PENDING && table.attempt[row] === 0) return `${start},"state":"pending",${rest}`
  if (phase !== FULFILLED) return undefined
  const end = files.text({ file: table.endFile[row]!, offset: table.endOffset[row]!, length: table.endLength[row]! })
  const value = FULFILMENT.exec(end)
  if (!value || end.includes('"file":')) return undefined
  const about = `"state":"fulfilled","attempt":${table.attempt[row]},"finished":${table.at[row]}`
  return `${start},${about},${end.slice(value[0].length, -1)},${rest}`
}

function jobLine(
  state: Frozen,
  files: Files,
  row: number,
  base: JobLine & { created?: number },
  values: Set<string>,
): JobLine {
  const { table } = state
  const id = table.id[row]!
  const phase = table.phase[row]!
  const extra = state.extras.get(id)
  const { priority, runAt, attempts, losses, backoff, key, ttl, timeout, retention, after } = base
  const options = { priority, runAt, attempts, losses, backoff, after, key, ttl, timeout, retention }
  const about: Record<string, unknown> = {
    id,
    t: base.created ?? base.t,
    state: STATES[phase]!,
    version: table.version[row],
    attempt: table.attempt[row],
    failures: extra?.failures || undefined,
    lost: extra?.lost || undefined,
    error: extra?.error,
    progress: extra?.progress,
    targets: extra?.targets,
    notifyAt: extra?.notifyAt || undefined,
    tries: extra?.tries || undefined,
  }
  if (phase === PENDING && table.at[row]! > 0) about.at = table.at[row]
  if (phase === ACTIVE) {
    const w = table.worker[row]!
    Object.assign(about, { claim: table.claim[row], w, pid: state.pids.get(w) ?? 0, claimed: table.at[row] })
  }
  if (isFinished(phase)) {
    const { error, value, base64, file, bytes, crc } = endLineOf(state, files, row)
    if (file !== undefined) values.add(file)
    const { c = 0, w = 0 } = extra?.notify ?? {}
    const notify = extra?.notify && { c, w, pid: state.pids.get(w) ?? 0 }
    Object.assign(about, { finished: table.at[row], error, value, base64, file, bytes, crc, notify })
  }
  return { ...about, ...options, request: base.request } as unknown as JobLine
}
