import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { baseName } from '../../src/worker/place.ts'
import { run, waitFor } from '../support/processes.ts'
import { isAlive, leftIn, processesOf, project } from './project.ts'

// The starter is then too busy to see that the worker serves; behind an immediate come timers, before sockets.
const IS_STARTING = `
  const workers = process.env.JOBSLOT_DIR + '/workers'
  const isStarting = () => fs.existsSync(workers) && fs.readdirSync(workers).some((name) => name.endsWith('.log'))`

describe('a starter that gives up', () => {
  test('leaves the worker to those who have joined', async () => {
    const p = project()
    const starter = p.start(
      `${IS_STARTING}
      const connecting = failure(connectWorker('w', { module, timeout: 1500, idle: 200 }))
      while (!isStarting()) await sleep(1)
      await new Promise(setImmediate)
      const from = Date.now()
      while (!fs.existsSync('joined') || Date.now() - from < 1600);
      say((await connecting).code)
      await sleep(300)
      say('left')`,
      { cwd: p.dir },
    )
    // The other one must not be the starter.
    await waitFor(() => leftIn(p.workers).some((name) => name.endsWith('.sock')))
    const other = p.start(
      `
      const worker = await connectWorker('w', { module: './none.mjs', timeout: 10_000 })
      fs.writeFileSync('joined', '')
      say(worker.pid)
      while (!fs.existsSync('over')) await sleep(10)
      say(await worker.call('echo', 'still there'))`,
      { cwd: p.dir },
    )
    const pid = (await other.says()) as number
    expect(await starter.says()).toBe('ERR_JOBSLOT_TIMEOUT')
    // It does not wait for the worker.
    expect((await starter.result).code).toBe(0)
    expect(isAlive(pid)).toBe(true)
    p.file('over', '')
    expect(await other.says(2)).toBe('still there')
    await other.result
    await waitFor(() => processesOf(p.dir).length === 0, 5000)
  })

  test('lets one that nobody has joined end by itself', async () => {
    const p = project()
    const { said, code } = await p.run(`${IS_STARTING}
      const connecting = failure(connectWorker('w', { module, timeout: 1500, idle: 300 }))
      while (!isStarting()) await sleep(1)
      await new Promise(setImmediate)
      const from = Date.now()
      while (Date.now() - from < 2000);
      say((await connecting).code)`)
    expect([said, code]).toEqual([['ERR_JOBSLOT_TIMEOUT'], 0])
    await waitFor(() => processesOf(p.dir).length === 0, 3000)
    expect(leftIn(p.workers).filter((name) => !name.endsWith('.lock'))).toEqual([])
  })
})

describe('a worker that ends', () => {
  test('keeps its lock until its last exit listener has run, and leaves it to the next start of any', async () => {
    const p = project()
    p.file(
      'slow-end.mjs',
      `import fs from 'node:fs'
      import { serve } from 'jobslot/worker'
      serve({ pid: () => process.pid })
      process.on('exit', () => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
        fs.writeFileSync(process.argv[2] + process.pid, '')
      })`,
    )
    const { said } = await p.run(
      `
      const options = { module: './slow-end.mjs', idle: 1, args: [process.cwd() + '/ended-'] }
      const first = await connectWorker('w', options)
      await first.close()
      await sleep(150)
      const second = await connectWorker('w', options)
      say([first.pid !== second.pid, fs.existsSync('ended-' + first.pid)])`,
      { cwd: p.dir },
    )
    expect(said).toEqual([[true, true]])
    await waitFor(() => processesOf(p.dir).length === 0, 5000)
    expect(leftIn(p.workers)).toEqual([`${baseName('w')}.lock`])
    await p.run(`say((await connectWorker('other', { module, idle: 1 })).pid)`)
    expect(leftIn(p.workers).filter((name) => name.startsWith('w-'))).toEqual([])
    await waitFor(() => processesOf(p.dir).length === 0, 5000)
  })

  test('leaves the files of its successor alone', async () => {
    const p = project()
    const first = p.start(`
      const worker = await connectWorker('w', { module, idle: 1 })
      say(worker.pid)
      await sleep(60_000)`)
    await first.says()
    for (const name of readdirSync(p.workers)) rmSync(join(p.workers, name))
    const { said } = await p.run(`
      const worker = await connectWorker('w', { module, idle: 1 })
      const before = fs.readdirSync(${JSON.stringify(p.workers)})
      process.kill(${first.pid}, 'SIGKILL')
      const others = () => fs.readdirSync('/proc').filter((pid) => {
        try {
          return Number(pid) !== worker.pid && fs.readFileSync('/proc/' + pid + '/cmdline', 'latin1').includes(module.pathname)
        } catch { return false }
      })
      while (others().length > 0) await sleep(10)
      say([before.length, fs.readdirSync(${JSON.stringify(p.workers)}).length])
      say(await (await connectWorker('w', { module })).call('echo', worker.pid) === worker.pid)`)
    expect(said).toEqual([[3, 3], true])
    await waitFor(() => processesOf(p.dir).length === 0, 5000)
  })
})

describe('a process without a descriptor left', () => {
  test('is told so, and lives on', async () => {
    const p = project()
    const program = p.file(
      'full.mjs',
      `
      import fs from 'node:fs'
      import { setTimeout as sleep } from 'node:timers/promises'
      import { connectWorker, startWorker } from 'jobslot/worker'
      const module = new URL('./worker.mjs', import.meta.url)
      await (await startWorker(module)).close()
      const fds = []
      try { for (;;) fds.push(fs.openSync('/dev/null')) } catch {}
      const messages = []
      for (let free = 0; free < 12; free++) {
        for (const connect of [() => startWorker(module), () => connectWorker('w' + free, { module, idle: 1 })]) {
          try { await (await connect()).close() } catch (error) { messages.push(error.name + ' ' + error.message) }
        }
        fs.closeSync(fds.pop())
      }
      await sleep(50)
      console.log(JSON.stringify(messages))`,
    )
    const { stdout, code, stderr } = await run(
      ['sh', '-c', 'ulimit -n 100; exec "$0" "$1"', process.execPath, program],
      {
        env: { JOBSLOT_DIR: join(p.dir, 'state'), NODE_EXTRA_CA_CERTS: undefined },
      },
    )
    const messages = JSON.parse(stdout) as string[]
    expect(messages.filter((message) => !/EMFILE/.test(message))).toEqual([])
    expect(messages.some((message) => message.includes('cannot be started'))).toBe(true)
    expect([code, stderr]).toEqual([0, ''])
    await waitFor(() => processesOf(p.dir).length === 0, 5000)
  })
})

test('a folder that is not there is named', async () => {
  const p = project()
  const { said } = await p.run(`say(await failure(startWorker(module, { cwd: '/no/such/folder' })))`)
  expect(said[0]).toMatchObject({
    code: 'ERR_JOBSLOT_WORKER_EXITED',
    message: expect.stringContaining('no folder /no/such/folder'),
  })
})

test('names that differ in a lone surrogate alone are two', () => {
  expect(baseName('\ud800')).not.toBe(baseName('\ud801'))
})
