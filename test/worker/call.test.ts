import { describe, expect, test } from 'vitest'
import { waitFor } from '../support/processes.ts'
import { isAlive, processesOf, project } from './project.ts'

describe('a call', () => {
  test('takes and returns what can be cloned', async () => {
    const { said, code } = await project().run(`
      const worker = await startWorker(module)
      const value = { map: new Map([[1, new Date(0)]]), bytes: Uint8Array.of(1, 2), big: 10n, text: 'ä\\u0000😀', none: undefined }
      const back = await worker.call('echo', value)
      say([back.map.get(1) instanceof Date, [...back.bytes], String(back.big), back.text, 'none' in back])
      say(await worker.call('echo', 'x'.repeat(5_000_000)).then((text) => text.length))
      // Its bytes are its user's alone.
      const [one, two] = await Promise.all([1, 2].map((n) => worker.call('echo', new Uint8Array(8).fill(n))))
      structuredClone(one.buffer, { transfer: [one.buffer] })
      say([...two])
      say(await Promise.all(Array.from({ length: 500 }, (_, i) => worker.call('echo', i))).then((all) => all.every((n, i) => n === i)))`)
    expect(said).toEqual([[true, [1, 2], '10', 'ä\u0000😀', true], 5_000_000, Array(8).fill(2), true])
    expect(code).toBe(0)
  })

  test('fails as the method failed', async () => {
    const { said } = await project().run(`
      const worker = await startWorker(module, { name: 'w' })
      const error = await worker.call('fail', { name: 'RangeError', message: 'too far', code: 'E_FAR' }).catch((error) => error)
      say([error instanceof RangeError, error.message, error.code, error.stack.includes('worker.mjs')])
      say(await failure(worker.call('fail', { name: 'OwnError', message: 'own', code: 7 })))
      say((await failure(worker.call('throwText'))).message)
      say(await failure(worker.call('uncloneable')).then(({ message }) => message))
      say((await failure(worker.call('toString'))).code)
      say(await failure(worker.call('echo', () => {})).then(({ name }) => name))
      say(await worker.call('echo', 'still there'))`)
    expect(said).toEqual([
      [true, 'too far', 'E_FAR', true],
      { name: 'OwnError', message: 'own', code: 7 },
      "'just text'",
      '() => {} could not be cloned.',
      'ERR_JOBSLOT_NO_METHOD',
      expect.any(String),
      'still there',
    ])
  })

  test('ends by its timeout or its signal, and the method learns of it', async () => {
    const { said, stderr } = await project().run(`
      const worker = await startWorker(module, { name: 'w' })
      say(await failure(worker.call('untilAborted', null, { timeout: 50 })))
      const reason = new Error('enough')
      say(await worker.call('untilAborted', null, { signal: AbortSignal.abort(reason) }).catch((error) => error === reason))
      const controller = new AbortController()
      const call = worker.call('untilAborted', null, { signal: controller.signal })
      setTimeout(() => controller.abort(reason), 20)
      say(await call.catch((error) => error === reason))
      for (const timeout of [-1, Infinity, NaN, 2 ** 31, '5']) say((await failure(worker.call('echo', 1, { timeout }))).name)
      say(await worker.call('echo', 'still there'))
      await sleep(50)`)
    expect(said).toEqual([
      expect.objectContaining({ code: 'ERR_JOBSLOT_TIMEOUT' }),
      true,
      true,
      ...Array(5).fill('TypeError'),
      'still there',
    ])
    expect(stderr.match(/^w: aborted: AbortError$/gm)).toHaveLength(2)
  })

  test('rejects at once where the worker dies in the middle, with how and the last lines', async () => {
    const { said } = await project().run(`
      for (const [method, payload] of [['exit', 7], ['die', 'SIGKILL'], ['throwLater']]) {
        const worker = await startWorker(module, { name: 'w', log: false })
        await worker.call('print', 'last words\\nwithout a newline')
        const from = performance.now()
        const [first, second] = await Promise.all([failure(worker.call(method, payload)), failure(worker.call('never'))])
        const late = await failure(worker.call('echo'))
        say([first, second.code, late.code, performance.now() - from < 500, await worker.exited])
      }`)
    const died = (exitCode: number | null, signal: string | null) => [
      expect.objectContaining({
        code: 'ERR_JOBSLOT_WORKER_EXITED',
        exitCode,
        signal,
        output: expect.stringContaining('last words\nwithout a newline'),
        message: expect.stringContaining('last words\n  without a newline'),
      }),
      'ERR_JOBSLOT_WORKER_EXITED',
      'ERR_JOBSLOT_WORKER_EXITED',
      true,
      { code: exitCode, signal },
    ]
    expect(said).toEqual([died(7, null), died(null, 'SIGKILL'), died(1, null)])
    expect(JSON.stringify(said[2])).toContain('thrown later')
  })

  test('an answer that was sent before the end is delivered', async () => {
    const p = project()
    p.file(
      'last.mjs',
      `import { serve } from 'jobslot/worker'
      serve({ last: () => { setImmediate(() => process.exit(3)); return 'x'.repeat(100_000) } })`,
    )
    const { said } = await p.run(`
      for (let i = 0; i < 5; i++) {
        const worker = await startWorker(new URL('./last.mjs', import.meta.url))
        say((await worker.call('last')).length)
      }`)
    expect(said).toEqual(Array(5).fill(100_000))
  })

  test('an output that a grandchild keeps open delays nothing', async () => {
    const p = project()
    const { said, code, ms } = await p.run(`
      const worker = await startWorker(module)
      say(await worker.call('grandchild'))
      say((await failure(worker.call('exit', 4))).exitCode)`)
    expect(said[1]).toBe(4)
    expect([code, ms < 5000]).toEqual([0, true])
    process.kill(said[0] as number, 'SIGKILL')
  })
})

describe('a worker', () => {
  test('is a Node of its own: arguments, flags, environment, session', async () => {
    const p = project()
    const { said } = await p.run(
      `const worker = await startWorker(module, {
        args: ['a', 'b c'], env: { ADDED: '1', REMOVED: undefined }, execArgv: ['--no-warnings'], cwd: '/',
      })
      say([process.pid, await worker.call('about'), worker.pid, worker.name])`,
      { env: { REMOVED: '1', KEPT: '1' } },
    )
    const [parent, about, pid, name] = said[0] as [number, Record<string, unknown>, number, string]
    expect(about).toMatchObject({ pid, ppid: parent, cwd: '/', session: String(pid), execArgv: ['--no-warnings'] })
    expect(about.argv).toEqual([`${p.dir}/worker.mjs`, 'a', 'b c'])
    expect(about.env).toMatchObject({ ADDED: '1', KEPT: '1' })
    expect(about.env).not.toHaveProperty('REMOVED')
    // What made it a worker is not for what it starts.
    expect(about.env).not.toHaveProperty('JOBSLOT_WORKER')
    expect(name).toBe('worker')
  })

  test('has main modules of every kind', async () => {
    const p = project()
    p.file('common.cjs', `const { serve } = require('jobslot/worker'); serve({ main: () => require.main === module })`)
    const { said } = await p.run(
      `
      for (const module of ['common.cjs', './common.cjs', new URL('common.cjs', import.meta.url).href]) {
        const worker = await startWorker(module, { name: 'w' })
        say(await worker.call('main'))
      }
      say(await failure(startWorker('data:text/javascript,1')))`,
      { cwd: p.dir },
    )
    expect(said).toEqual([true, true, true, expect.objectContaining({ name: 'TypeError' })])
  })

  test('that cannot start says why', async () => {
    const p = project()
    p.file('throws.mjs', 'console.log("before"); throw new Error("at the top")')
    p.file('ends.mjs', '')
    p.file('waits.mjs', 'console.log("waiting"); await new Promise((resolve) => setTimeout(resolve, 60_000))')
    p.file('stuck.mjs', 'for (;;);')
    const { said } = await p.run(
      `for (const name of ['throws', 'ends', 'missing']) say(await failure(startWorker(name + '.mjs', { log: false })))
      for (const name of ['waits', 'stuck']) say(await failure(startWorker(name + '.mjs', { timeout: 300, log: false })))
      const reason = new Error('enough')
      say(await startWorker('waits.mjs', { signal: AbortSignal.timeout(100) }).catch(({ name }) => name))
      say(await failure(startWorker('worker.mjs', { execArgv: ['--no-such-flag'], log: false })))
      say(await failure(startWorker('worker.mjs', { cwd: '/no/such/folder' })))
      say(await failure(startWorker('worker.mjs', { log: '/no/such/folder/log' })))`,
      { cwd: p.dir },
    )
    const exited = (exitCode: number | null, text: string) =>
      expect.objectContaining({ code: 'ERR_JOBSLOT_WORKER_EXITED', exitCode, message: expect.stringContaining(text) })
    const timeout = (text: string) =>
      expect.objectContaining({ code: 'ERR_JOBSLOT_TIMEOUT', message: expect.stringContaining(text) })
    expect(said).toEqual([
      exited(1, 'at the top'),
      exited(0, 'before it called serve()'),
      exited(1, 'Cannot find module'),
      timeout('waiting'),
      timeout('it had printed nothing'),
      'TimeoutError',
      exited(9, '--no-such-flag'),
      expect.objectContaining({
        code: 'ERR_JOBSLOT_WORKER_EXITED',
        message: expect.stringContaining('cannot be started'),
      }),
      expect.objectContaining({ code: 'ERR_JOBSLOT_WORKER_LOG' }),
    ])
    await waitFor(() => processesOf(p.dir).length === 0)
  })

  test('can be killed while it is stuck, with what it started; and restarted with other arguments', async () => {
    const p = project()
    const { said } = await p.run(`
      const worker = await startWorker(module, { args: ['one'] })
      const { pid } = worker
      const grandchild = await worker.call('grandchild')
      const stuck = failure(worker.call('spin'))
      await sleep(50)
      say([worker.kill(), (await stuck).signal, await worker.exited, worker.kill()])
      await worker.restart({ args: ['two'], env: { SET: '1' } })
      const about = await worker.call('about')
      say([about.argv.slice(1), about.env.SET, about.pid !== pid, grandchild])
      const restarting = worker.restart()
      say([await worker.call('echo', 'waits'), (await failure(restarting)).value])
      const pending = failure(worker.call('never'))
      await worker.restart({ args: [] })
      say([(await pending).code, (await worker.call('about')).argv.length])
      await worker.close()
      say([(await failure(worker.call('echo'))).code, await worker.exited])`)
    expect(said).toEqual(
      [
        [true, 'SIGKILL', { code: null, signal: 'SIGKILL' }, false],
        [['two'], '1', true, expect.any(Number)],
        ['waits', undefined],
        ['ERR_JOBSLOT_CLOSED', 1],
        ['ERR_JOBSLOT_CLOSED', { code: 0, signal: null }],
      ].map((row) => row.map((value) => (value === undefined ? null : value))),
    )
    expect(isAlive((said[1] as unknown[])[3] as number)).toBe(false)
  })

  test('closes in order, or is killed: exit listeners run where it is not stuck', async () => {
    const p = project()
    p.file(
      'exits.mjs',
      `import { serve } from 'jobslot/worker'
      process.on('exit', (code) => console.log('exit listener', code))
      serve({ spinSoon: () => { setTimeout(() => { for (;;); }, 10) } })`,
    )
    const { said, stderr } = await p.run(
      `
      const url = new URL('./exits.mjs', import.meta.url)
      { await using worker = await startWorker(url, { name: 'w' }) }
      const worker = await startWorker(url, { name: 'stuck' })
      await worker.call('spinSoon')
      await sleep(50)
      const from = performance.now()
      await worker.close()
      say([(await worker.exited).signal, performance.now() - from < 1000])`.replace(
        "{ await using worker = await startWorker(url, { name: 'w' }) }",
        `
      { const worker = await startWorker(url, { name: 'w' }); await worker[Symbol.asyncDispose]() }`,
      ),
    )
    expect(said).toEqual([['SIGKILL', true]])
    expect(stderr).toBe('w: exit listener 0\n')
  })
})

test('serve works once, and only in a worker', async () => {
  const p = project()
  p.file(
    'twice.mjs',
    `import { serve } from 'jobslot/worker'
    serve({ again: () => serve({}) })`,
  )
  const { said } = await p.run(`
    const { serve } = await import('jobslot/worker')
    try { serve({}) } catch ({ code }) { say(code) }
    try { serve({ a: 1 }) } catch ({ name }) { say(name) }
    const worker = await startWorker(new URL('./twice.mjs', import.meta.url))
    say((await failure(worker.call('again'))).code)`)
  expect(said).toEqual(['ERR_JOBSLOT_NOT_A_WORKER', 'TypeError', 'ERR_JOBSLOT_NOT_A_WORKER'])
})
