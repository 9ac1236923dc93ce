import { closeSync, writeSync } from 'node:fs'
import type { Client } from '../../client/client.ts'
import { connectTo } from '../../client/connect.ts'
import { recipeOf } from '../../client/recipe.ts'
import { JobslotError } from '../../errors.ts'
import { processEnd } from '../../pool/process-end.ts'
import { ownPid, readProcess } from '../../proc.ts'
import { parseAcquire } from '../acquire/acquire-words.ts'
import { CLOSE_VARIABLE, HANDED } from '../acquire/keeper.ts'
import { keeperId } from '../acquire/slot-id.ts'
import { UsageError } from '../exit-codes.ts'
import { type Holding, holdSlots } from '../limit/hold.ts'
import { oneSlot, patienceOf } from '../limit/limit-in-force.ts'
import { tell } from '../messages.ts'
import { Signals } from '../signals.ts'

/** `jobslot keep`, which only `jobslot acquire --for` starts, with its own words: `keeper.ts` says what it is. */
export async function main(words: string[]): Promise<void> {
  const asked = parseAcquire(words)
  if (!asked?.forPid) throw new UsageError('keep: for whom?')
  const { forPid } = asked
  const user = readProcess(forPid)
  const self = readProcess(ownPid())
  const signals = new Signals()
  closeOthers()
  endUnlessHanded()
  const client = connectTo({}, false) ?? oneSlot()
  // No file system is kept from being unmounted.
  process.chdir('/')

  const holding = await hold(client, asked, signals, self?.parent)
  const released = new AbortController()
  await signals.during(
    () => released.abort(),
    async () => {
      try {
        writeSync(1, `${keeperId(self?.pid ?? process.pid, self?.startTime ?? '0')}\n`)
        await processEnd(forPid, user?.startTime ?? '', { signal: released.signal, ref: true })
      } catch {
        // Released, or nobody is there to be told the id.
      }
    },
  )
  holding.release()
  process.exit(0)
}

/** What was handed down without being meant for it. */
function closeOthers(): void {
  for (const fd of (process.env[CLOSE_VARIABLE] ?? '').split(',').filter(Boolean)) {
    try {
      closeSync(Number(fd))
    } catch {
      // It was closed at the start already.
    }
  }
}

/** Until the asker has printed the slot's id, its end is the keeper's: nobody would know of the slot. */
function endUnlessHanded(): void {
  let heard = ''
  process.stdin
    .setEncoding('utf8')
    .on('data', (text: string) => {
      heard += text
    })
    .on('end', () => {
      if (heard !== HANDED) process.kill(process.pid, 'SIGHUP')
    })
}

async function hold(
  client: Client,
  asked: NonNullable<ReturnType<typeof parseAcquire>>,
  signals: Signals,
  asker: number | undefined,
): Promise<Holding> {
  const { min, max, forPid, timeoutStatus } = asked
  try {
    const recipe = recipeOf(client.identity, asker, forPid)
    return await holdSlots(client, { min, max, timeout: patienceOf(asked) }, signals, recipe)
  } catch (error) {
    if (!(error instanceof JobslotError && error.code === 'ERR_JOBSLOT_TIMEOUT')) throw error
    tell(error.message)
    process.exit(timeoutStatus)
  }
}
