import type { Job, JobState, JobStore } from '../../../store.ts'
import { UsageError } from '../../exit-codes.ts'
import { styled, tell } from '../../messages.ts'
import { jobHelp } from '../help.ts'
import { jobTable } from '../job-table.ts'
import { withStore } from '../open.ts'
import { print } from '../print.ts'
import { LIST_OPTIONS, refuseOperands, splitWords } from '../words.ts'

const OPTIONS = { ...LIST_OPTIONS, state: { type: 'string', multiple: true } } as const
const STATES: readonly string[] = ['delayed', 'pending', 'active', 'fulfilled', 'failed', 'cancelled']

/** So many at once, as there may be millions. */
const PAGE = 1000
/** A request may have megabytes; `--json` has all of it. */
const WIDEST = 400

export async function main(words: string[]): Promise<void> {
  const { values, operands } = splitWords(words, OPTIONS)
  if (values.help) return console.log(jobHelp('list'))
  refuseOperands(operands, 'job list')
  const states = values.state?.flatMap((text) => text.split(',')).map(stateOf)
  await withStore(values.dir, async (store) => {
    let count = 0
    for await (const { jobs, isLast } of pagesOf(store, states)) {
      const text = values.json ? jobs.map((job) => JSON.stringify(job)) : tableLines(jobs, count === 0, isLast)
      await print(text.map((line) => `${line}\n`).join(''))
      count += jobs.length
    }
    const { paused, damage, missing, impossible } = await store.stats()
    if (damage.length > 0 || missing > 0 || impossible > 0) tell('the store is damaged: see jobslot job verify')
    if (values.json) return
    if (count === 0) await print(states ? `no job is ${states.join(' or ')}\n` : 'there are no jobs\n')
    if (paused) tell('the store is paused: no job is started until jobslot job resume')
  })
}

async function* pagesOf(
  store: JobStore,
  states: JobState[] | undefined,
): AsyncGenerator<{ jobs: Job[]; isLast: boolean }> {
  for (let after: number | null = null; ; ) {
    const { jobs, cursor } = await store.list({ ...(states && { state: states }), after, limit: PAGE })
    if (jobs.length > 0) yield { jobs, isLast: cursor === null }
    if (cursor === null) return
    after = cursor
  }
}

function tableLines(jobs: Job[], isFirst: boolean, isLast: boolean): string[] {
  const width = process.stdout.isTTY ? process.stdout.columns || 80 : WIDEST
  const [head = '', ...rows] = jobTable(jobs, Date.now(), width, !(isFirst && isLast))
  return isFirst ? [styled(process.stdout, 'bold', head), ...rows] : rows
}

function stateOf(text: string): JobState {
  if (STATES.includes(text)) return text as JobState
  throw new UsageError(`--state takes ${STATES.slice(0, -1).join(', ')} or ${STATES.at(-1)}, not "${text}"`)
}
