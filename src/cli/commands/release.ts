import { placeOfMark } from '../../broker/place.ts'
import { JobslotError } from '../../errors.ts'
import { parseSlotId, type SlotId } from '../acquire/slot-id.ts'
import { splitArguments } from '../arguments.ts'
import { EXIT, UsageError } from '../exit-codes.ts'
import { helpFor } from '../help.ts'
import { tell } from '../messages.ts'
import { Signals } from '../signals.ts'

const OPTIONS = { help: { type: 'boolean', short: 'h' } } as const

export async function main(words: string[]): Promise<void> {
  const { values, command } = splitArguments(words, OPTIONS)
  if (values.help) return console.log(helpFor('release'))
  if (command.length === 0) throw new UsageError('release: no slot was named, which jobslot acquire --for prints')
  // All are looked at before the first is given back: a slip of the pen gives back nothing.
  const ids = command.map(parseSlotId)
  const signals = new Signals()
  let failed = false
  for (const id of ids) {
    try {
      await release(id, signals)
    } catch (error) {
      if (!(error instanceof JobslotError)) throw error
      tell(error.message)
      failed = true
    }
  }
  if (failed) process.exitCode = EXIT.unavailable
}

async function release(id: SlotId, signals: Signals): Promise<void> {
  if (id.kind === 'keeper') {
    const { endKeeper } = await import('../acquire/keeper.ts')
    return endKeeper(id.pid, id.startTime)
  }
  const { openNamed } = await import('../limit/pools.ts')
  const host = await openNamed(placeOfMark(id.pool), signals)
  try {
    await host.release(id.id)
  } finally {
    await host.close()
  }
}
