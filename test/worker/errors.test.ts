import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { toError, toPlain } from '../../src/worker/wire/messages.ts'
import { waitFor } from '../support/processes.ts'
import { processesOf, project } from './project.ts'

const HOSTILE = `
  import { serve } from 'jobslot/worker'
  import { inspect } from 'node:util'
  const no = () => { throw new Error('no') }
  const getter = (key) => Object.defineProperty(new Error('x'), key, { get: no })
  const nested = (depth) => { let value = new Date(0); while (depth--) value = { value }; return value }
  const errors = {
    message: () => getter('message'),
    stack: () => getter('stack'),
    name: () => getter('name'),
    code: () => getter('code'),
    symbol: () => Object.assign(new Error('x'), { name: Symbol('s') }),
    unprintable: () => Object.assign(new Error('x'), { name: { toString: no } }),
    proxy: () => new Proxy(new Error('x'), { get: no, getPrototypeOf: no, has: no, ownKeys: no }),
    inspect: () => ({ [inspect.custom]: no }),
    nothing: () => undefined,
    long: () => new Error('x'.repeat(300_000_000)),
    longText: () => 'x'.repeat(300_000_000),
  }
  serve({
    fail: (key) => { throw errors[key]() },
    names: () => Object.keys(errors),
    echo: (value) => value,
    nested,
    depthOf: (value) => { let depth = 0; while (value.value) { value = value.value; depth++ } return depth },
  })
`

test('an error that cannot be described fails its call, and nothing else', async () => {
  const p = project()
  p.file('hostile.mjs', HOSTILE)
  const { said, stderr } = await p.run(
    `const worker = await startWorker('hostile.mjs', { log: true })
    for (const name of await worker.call('names')) {
      const error = await worker.call('fail', name).catch((error) => error)
      say([name, error.constructor.name, error.message.length <= 1024 * 1024])
      worker.notify('fail', name)
    }
    say(await worker.call('echo', 'still there'))`,
    { cwd: p.dir },
  )
  expect(said.slice(0, -1)).toEqual(said.slice(0, -1).map((line) => [(line as string[])[0], 'Error', true]))
  expect(said).toHaveLength(12)
  expect(said.at(-1)).toBe('still there')
  expect(stderr).toContain('(cannot be described)')
})

test('a value that cannot be decoded fails its call, and nothing else', async () => {
  const p = project()
  p.file('hostile.mjs', HOSTILE)
  const { said } = await p.run(
    `const worker = await startWorker('hostile.mjs', { log: false })
    const nested = (depth) => { let value = new Date(0); while (depth--) value = { value }; return value }
    const kept = worker.call('echo', 'kept')
    // The first depth that can be sent, and not received.
    const failures = []
    for (let depth = 1000; depth < 20_000; depth += 200) {
      failures.push((await failure(worker.call('depthOf', nested(depth)))).code)
      failures.push((await failure(worker.call('nested', depth))).code)
    }
    say(failures.includes('ERR_JOBSLOT_WORKER_PROTOCOL'))
    say([await kept, await worker.call('depthOf', nested(500)), await worker.call('echo', 'still there')])`,
    { cwd: p.dir },
  )
  expect(said).toEqual([true, ['kept', 500, 'still there']])
})

test('an error of another realm is one', () => {
  const error = runInNewContext(`Object.assign(new RangeError('far'), { code: 'E_FAR' })`)
  expect(error).not.toBeInstanceOf(Error)
  expect(toError(toPlain(error))).toMatchObject({ name: 'RangeError', message: 'far', code: 'E_FAR' })
})

describe('while it is restarted', () => {
  const SLOW = `import { serve } from 'jobslot/worker'
    await new Promise((resolve) => setTimeout(resolve, Number(process.argv[2] ?? 0)))
    const seen = []
    serve({ echo: (value) => value, note: (value) => { seen.push(value) }, seen: () => seen })`
  const slow = () => {
    const p = project()
    p.file('slow.mjs', SLOW)
    return p
  }

  test('a call has its timeout, its signal, and the payload of its time', async () => {
    const p = slow()
    const { said } = await p.run(
      `const worker = await startWorker('slow.mjs')
      const restarting = worker.restart({ args: ['1500'] })
      const from = performance.now()
      const controller = new AbortController()
      setTimeout(() => controller.abort(new Error('enough')), 50)
      const payload = { a: 1 }
      const all = [
        failure(worker.call('echo', 1, { timeout: 100 })),
        failure(worker.call('echo', 1, { signal: controller.signal })),
        failure(worker.call('echo', 1, { signal: AbortSignal.abort(new Error('before')) })),
        failure(worker.call('echo', () => {})),
      ]
      const late = worker.call('echo', payload)
      for (let i = 0; i < 3; i++) worker.notify('note', payload)
      try { worker.notify('note', () => {}) } catch (error) { say(error.name) }
      payload.a = 2
      say((await Promise.all(all)).map(({ message }) => message))
      say(performance.now() - from < 1000)
      await restarting
      say([await late, await worker.call('seen')])`,
      { cwd: p.dir },
    )
    expect(said).toEqual([
      expect.stringMatching(/Error/),
      [expect.stringContaining('within 100 ms'), 'enough', 'before', expect.stringContaining('could not be cloned')],
      true,
      [{ a: 1 }, [{ a: 1 }, { a: 1 }, { a: 1 }]],
    ])
  })

  test.each([
    'close, restart',
    'restart, close',
    'restart, later, close',
    'restart, restart, close',
    'close, later, restart',
  ])('closing is final: %s', async (order) => {
    const p = slow()
    const { said } = await p.run(
      `const worker = await startWorker('slow.mjs')
        const results = []
        for (const step of ${JSON.stringify(order.split(', '))}) {
          if (step === 'later') await sleep(300)
          if (step === 'restart') results.push(failure(worker.restart({ args: ['1000'] })), failure(worker.call('echo', 1)))
          if (step === 'close') results.push(worker.close().then(() => ({ code: 'closed' })))
        }
        say([...new Set((await Promise.all(results)).map(({ code }) => code))].sort())
        say((await failure(worker.restart())).code)`,
      { cwd: p.dir },
    )
    expect(said).toEqual([['ERR_JOBSLOT_CLOSED', 'closed'], 'ERR_JOBSLOT_CLOSED'])
    await waitFor(() => processesOf(p.dir).length === 0)
  })

  test('arguments that are none change nothing, and a file may have a colon in its name', async () => {
    const p = slow()
    p.file('foo:bar.mjs', SLOW)
    const { said } = await p.run(
      `const worker = await startWorker('foo:bar.mjs')
      const { pid } = worker
      for (const args of ['text', [1], null, ['\\0']]) say((await failure(worker.restart({ args }))).name)
      say([(await failure(startWorker('slow.mjs', { args: 'text' }))).name, worker.pid === pid, await worker.call('echo', 1)])`,
      { cwd: p.dir },
    )
    expect(said).toEqual([...Array(4).fill('TypeError'), ['TypeError', true, 1]])
  })
})

test('a signal that aborts while the payload is cloned ends the call', async () => {
  const { said } = await project().run(`const worker = await startWorker(module)
    const controller = new AbortController()
    const payload = { get a() { controller.abort(new Error('enough')); return 1n } }
    say((await failure(worker.call('never', payload, { signal: controller.signal, timeout: 3000 }))).message)`)
  expect(said).toEqual(['enough'])
})
