import { basename } from 'node:path'
import { endBy } from '../../child.ts'
import { EXIT } from '../../exit-codes.ts'
import { tell } from '../../messages.ts'
import { type EndingSignal, Interrupted, Signals } from '../../signals.ts'
import { count } from '../../table.ts'
import { makeLogFolder, removeOldLogs } from '../logs.ts'
import { openOrMake } from '../open.ts'
import { Dispatcher, tellPaused } from '../runner/dispatcher.ts'
import { openSlots } from '../runner/job-slots.ts'
import { Leftovers } from '../runner/leftovers.ts'
import { isProgram } from '../runner/programs.ts'
import { Reports } from '../runner/reports.ts'
import { sweepRequests } from '../runner/request-file.ts'
import { runnerFor } from '../runner/runner-for.ts'
import { parseWork, type WorkWords } from '../runner/words.ts'
import { WORK_HELP } from '../work-help.ts'

export async function main(words: string[]): Promise<void> {
  const asked = parseWork(words)
  if (!asked) return console.log(WORK_HELP)
  const [program] = asked.command
  if (program !== undefined && !isProgram(program)) {
    // Each job would fail for it.
    tell(`${program}: command not found`)
    process.exit(EXIT.notFound)
  }
  const signals = new Signals()
  const { status, signal } = await work(asked, signals)
  if (signal) endBy(signal)
  // What jobs have left running in the background may have its output open.
  process.exit(status)
}

const TIDY_MS = 3_600_000

async function work(asked: WorkWords, signals: Signals): Promise<{ status: number; signal: EndingSignal | null }> {
  const { drain, grace } = asked
  // A pool's broker, and a store in a folder that cannot be used, are told of before anything runs.
  const slots = await openSlots(asked, signals)
  const store = await openOrMake(asked.dir, 'jobslot job work')
  makeLogFolder(store.dir)
  const leftovers = new Leftovers(store, grace)
  const runner = runnerFor(asked, { store, leftovers, env: slots.env })
  const reports = new Reports(asked)
  const label = `job of ${basename(store.dir)}`
  const dispatcher = new Dispatcher({ store, slots, runner, leftovers, reports, drain, label, draws: !asked.module })
  const tidy = () => removeOldLogs(store).catch(() => {})
  const tidying = setInterval(tidy, TIDY_MS).unref()
  const [stopped, hurry] = [new AbortController(), new AbortController()]
  let received: EndingSignal | null = null
  const onSignal = (signal: EndingSignal) => {
    if (received) {
      dispatcher.end()
      hurry.abort()
      return
    }
    received = signal
    stopped.abort(new Interrupted(signal))
    dispatcher.stop()
    if (dispatcher.running > 0) {
      tell(lastWords(dispatcher.running, signal))
    }
  }
  const toTheEnd = async () => {
    try {
      await runner.prepare(stopped.signal)
      await sweepRequests(store)
      if (store.outlook.paused && !drain) tell('the store is paused: no job is started until jobslot job resume')
      void tidy()
      const end = await dispatcher.work()
      const isGood = await reports.end(store, drain)
      if (end === 'paused') tellPaused(store.outlook.unfinished)
      return { status: isGood && end !== 'paused' ? 0 : 1, signal: received }
    } finally {
      clearInterval(tidying)
      await runner.close()
      await slots.close(hurry.signal)
      await store.close()
    }
  }
  return signals.during(onSignal, toTheEnd)
}

function lastWords(running: number, signal: EndingSignal): string {
  const [run, these] = running === 1 ? ['runs', 'it'] : ['run', 'them']
  return `takes no more jobs, and ends after the ${count(running, 'job')} that ${run}; another ${signal} ends ${these}`
}
