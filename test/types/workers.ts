// As slots.ts: `jobslot/worker`.
import {
  type CallContext,
  connectWorker,
  type Methods,
  type SharedWorker,
  serve,
  startWorker,
  type Worker,
  type WorkerExit,
  WorkerExitedError,
} from 'jobslot/worker'
import { exact } from './exact.ts'

export function serving(methods: Methods) {
  serve(methods)
  serve({
    add: ({ a, b }: { a: number; b: number }) => a + b,
    async wait(_payload, { signal, client }) {
      exact<AbortSignal>()(signal)
      exact<number>()(client.pid)
    },
    nothing() {},
    context: (_payload: string, context: CallContext) => context.client.closed.aborted,
  })
  // @ts-expect-error: functions
  serve({ add: 5 })
}

export async function calling(signal: AbortSignal | undefined, perhaps: number | undefined) {
  const module = new URL('worker.js', 'file:///srv/')
  const worker = await startWorker(module, {
    args: ['a'],
    env: { PATH: undefined },
    log: 'log',
    timeout: perhaps,
    signal,
  })
  exact<Worker>()(worker)
  exact<unknown>()(await worker.call('add', { a: 1, b: 2 }))
  exact<number>()(await worker.call<number>('add', { a: 1, b: 2 }, { timeout: perhaps, signal }))
  exact<void>()(worker.notify('add'))
  exact<WorkerExit>()(await worker.exited)
  exact<void>()(await worker.restart({ args: [] }))
  exact<boolean>()(worker.kill())
  const shared = await connectWorker('name', { module: 'worker.js', idle: perhaps, log: false })
  exact<SharedWorker>()(shared)
  exact<WorkerExit | null>()(await shared.exited)
  await using _worker = worker
  await using _shared = shared
  // @ts-expect-error: what to start where there is none
  await connectWorker('name', {})
  // @ts-expect-error: others use it as well
  await shared.restart()
  // @ts-expect-error: a method has a name
  await worker.call(5)
  // @ts-expect-error: who starts it alone says what it is called
  await connectWorker('name', { module, name: 'other' })
}

export function failing(error: unknown) {
  if (error instanceof WorkerExitedError) exact<string>()(error.output)
}
