import type { JobStore } from '../../../store.ts'
import { tell } from '../../messages.ts'
import { jobHelp } from '../help.ts'
import { parseOneId } from '../ids.ts'
import { LogReader } from '../log-reader.ts'
import { LogWatch } from '../log-watch.ts'
import { logPath, makeLogFolder } from '../logs.ts'
import { found, withStore } from '../open.ts'
import { PLACE_OPTIONS } from '../place.ts'
import { print } from '../print.ts'
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
      if (!reader.isThere) tell(whyNone(id, job.state, values.follow ?? false))
      if (values.follow) await follow(store, id, reader)
      else await printNew(reader)
    } finally {
      reader[Symbol.dispose]()
    }
  })
}

function whyNone(id: number, state: string, follows: boolean): string {
  const isOver = state === 'fulfilled' || state === 'failed' || state === 'cancelled'
  if (isOver) return `job ${id} has no log: it is ${state}, and jobslot job work has not run it`
  return `job ${id} has no output yet: it is ${state}${follows ? '; what it prints will appear here' : ''}`
}

/** Until the job is at its end: what was written before that is there by then. */
async function follow(store: JobStore, id: number, reader: LogReader): Promise<void> {
  // Where the first job of all is yet to print something, there is no folder to be watched.
  if (!reader.isThere) makeLogFolder(store.dir)
  const watch = new LogWatch(reader.path)
  let isOver = false
  const end = store.wait(id).finally(() => {
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

async function printNew(reader: LogReader): Promise<void> {
  for (let part = reader.next(); part; part = reader.next()) await print(part)
}
