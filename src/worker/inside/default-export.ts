// The main module of a worker that runs jobs (`jobslot job work --module`): serves the default export of the module that
// its argument names.
import { JobslotError } from '../../errors.ts'
import { serve } from './serve.ts'

/** A job, as it is sent. */
export interface SentJob {
  id: number
  attempt: number
  request: unknown
}

type Run = (request: unknown, job: { id: number; attempt: number; signal: AbortSignal }) => unknown

const [, , url = ''] = process.argv
const running = new Map<number, AbortController>()

// What it throws ends the worker before it serves, and is in its last lines.
void import(url).then(({ default: run }) => {
  if (typeof run !== 'function') throw new TypeError(`${url} has no function as its default export`)
  serve({
    run: (job: SentJob) => runJob(run, job),
    end: (id: number) => running.get(id)?.abort(new JobslotError('ERR_JOBSLOT_CLAIM_LOST', `job ${id} is to end`)),
  })
})

async function runJob(run: Run, { id, attempt, request }: SentJob): Promise<string | Uint8Array | undefined> {
  const end = new AbortController()
  running.set(id, end)
  try {
    const value = await run(request, { id, attempt, signal: end.signal })
    return typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value)
  } finally {
    running.delete(id)
  }
}
