import { native } from '../../native/load.ts'
import { checked } from '../../native/system-error.ts'

/** A pipe that the addon's thread always empties; what comes is handed over as the event loop finds time. */
export interface Drain {
  /** For a child's `stdio`; to be closed here as soon as the child has it. */
  readonly writeEnd: number
  /** Hands over what is in the pipe now. */
  pump(): void
}

export interface DrainEvents {
  onBytes(bytes: Buffer): void
  /** So much came and was not kept, between what was handed over and what will be. */
  onDropped(lines: number, bytes: number): void
  onEnd(): void
}

const CAPACITY = 256 * 1024
const chunk = 64 * 1024
const drains = new Map<number, DrainEvents>()
const counts = new Float64Array(3)
let listening = false

export function openDrain(events: DrainEvents): Drain {
  const binding = native()
  if (!listening) {
    checked(binding.listenDrains(takeAll), 'listenDrains')
    listening = true
    // Before the listener that stops the addon's threads, if that is there already.
    process.prependListener('exit', pumpAll)
  }
  const writeEnd = new Int32Array(1)
  const id = checked(binding.openDrain(CAPACITY, writeEnd), 'pipe')
  drains.set(id, events)
  return {
    writeEnd: writeEnd[0] as number,
    pump: () => pump(id),
  }
}

function pump(id: number): void {
  native().pumpDrain(id)
  take(id)
}

function pumpAll(): void {
  for (const id of [...drains.keys()]) pump(id)
}

function takeAll(): void {
  for (const id of [...drains.keys()]) take(id)
}

/** Takes what fits in the addon's memory; where more came meanwhile, the rest in a later turn of the event loop. */
function take(id: number): void {
  const binding = native()
  for (let taken = 0; taken < CAPACITY; taken += chunk) {
    const events = drains.get(id)
    if (!events) return
    const buffer = Buffer.allocUnsafe(chunk)
    const n = binding.takeDrained(id, buffer, counts)
    if (n < 0) return
    const [lines, bytes, ended] = counts as unknown as [number, number, number]
    if (bytes > 0) events.onDropped(lines, bytes)
    if (n > 0) events.onBytes(buffer.subarray(0, n))
    if (ended) {
      drains.delete(id)
      binding.closeDrain(id)
      events.onEnd()
    }
    if (n < chunk) return
  }
  setImmediate(() => take(id)).unref()
}
