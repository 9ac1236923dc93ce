import { setTimeout as sleep } from 'node:timers/promises'
import type { Job, JobStore } from '../../../store.ts'
import { tell } from '../../messages.ts'
import { graceOf } from '../grace.ts'
import { jobHelp } from '../help.ts'
import { parseOneId } from '../ids.ts'
import { whyOf } from '../job-text.ts'
import { LogReader } from '../log-reader.ts'
import { LogWatch } from '../log-watch.ts'
import { logPath, makeLogFolder } from '../logs.ts'
import { found, withStore } from '../open.ts'
import { PLACE_OPTIONS } from '../place.ts'
import { print } from '../print.ts'
import { isRunning } from '../runner/request-file.ts'
import { splitWords } from '../words.ts'

const OPTIONS = { ...PLACE_OPTIONS, follow: { type: 'boolean', short: 'f' } } as const

export async function main(words: string[]): Promise<void> {
  const { values, operands } = splitWords(words, OPTIONS)
  if (values.help) return console.log(jobHelp('log'))
  const id = parseOneId(operands, 'job log')
  await withStore(values.dir, async (store) => {
    const job = await found(store, id)
    const reader = new LogReader(logPath(store.dir, job))
    try {
      if (!reader.isThere) tell(whyNone(job, values.follow ?? false))
      if (values.follow) await follow(store, id, reader)
      else await printNew(reader)
    } finally {
      reader[Symbol.dispose]()
    }
  })
}

function whyNone(job: Job, follows: boolean): string {
  const { id, state } = job
  const isOver = state === 'fulfilled' || state === 'failed' || state === 'cancelled'
  if (!isOver) return `job ${id} has no output yet: it is ${state}${follows ? '; what it prints will appear here' : ''}`
  const why = whyOf(job)
  return `job ${id} has no log: it is ${state}${why ? `: ${why}` : ', and jobslot job work has not run it'}`
}

/** Until the job is at its end, and its run: what was written before that is there by then. */
async function follow(store: JobStore, id: number, reader: LogReader): Promise<void> {
  // Where the first job of all is yet to print something, there is no folder to be watched.
  if (!reader.isThere) makeLogFolder(store.dir)
  const watch = new LogWatch(reader.path)
  let isOver = false
  const end = store
    .wait(id)
    .then((job) => untilRunOver(store.dir, job))
    .finally(() => {
      isOver = true
      watch.stir()
    })
  end.catch(() => {})
  try {
    for (let isLast = false; !isLast; ) {
      isLast = isOver
      watch.aim(reader.isThere)
      await printNew(reader)
      if (!isLast) await watch.stirred()
    }
    await end
  } finally {
    watch[Symbol.dispose]()
  }
}

const LOOK_MS = 100
/** For its worker to be told that it is to end, and for KILL. */
const ENDING_MS = 1000

/**
 * A cancelled job, or one that took too long, is at its end at once, and its processes later. Ends after their grace at
 * the latest: the worker that would tell of their end may have been killed.
 */
async function untilRunOver(dir: string, job: Job): Promise<void> {
  const latest = performance.now() + graceOf(job) + ENDING_MS
  while (isRunning(dir, job.id) && performance.now() < latest) await sleep(LOOK_MS)
}

async function printNew(reader: LogReader): Promise<void> {
  for (let part = reader.next(); part; part = reader.next()) await print(part)
}
