import { expect, test } from 'vitest'
import { startProgram } from '../fd/program.ts'
import { testFifo } from './fifos.ts'

/** `begin(path)`: an account with debts, watches and events to come. */
const begun = `
  const { Account } = await import(built + 'account/account.js')
  const { Ledger } = await import(built + 'account/ledger.js')
  const opened = (path) => fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_NONBLOCK)
  const begin = (path, onEvent = () => {}) => {
    const account = new Account(null, 3, onEvent)
    for (let i = 0; i < 3; i++) account.add(i, opened(path))
    account.grant(0, 3)
    const end = opened(path)
    fs.readSync(end, Buffer.alloc(3))
    fs.closeSync(end)
    account.owe(0, 2)
    for (let i = 0; i < 3; i++) account.watch(i, 2)
    return account
  }
  const threads = () => fs.readdirSync('/proc/self/task').length
`

test('a closed account leaves no descriptor, and its thread none', async () => {
  const fifo = testFifo()
  const { ended } = startProgram(`${begun}
    begin('${fifo.path}').close()
    const before = [openFds(), threads()]
    for (let i = 0; i < 50; i++) {
      const account = begin('${fifo.path}')
      if (i % 3 === 0) { account.remove(1); account.forget(1); account.add(1, opened('${fifo.path}')) }
      account.close()
      account.close()
    }
    say([openFds() - before[0], threads() - before[1]])`)
  expect(await ended).toEqual([[0, 0]])
})

test('an account keeps no process alive, and no process from ending', async () => {
  const fifo = testFifo()
  await startProgram(`${begun}; begin('${fifo.path}')`).ended
  const { exited } = startProgram(`${begun}
    const account = begin('${fifo.path}')
    process.on('exit', () => {
      // Without its thread it still answers.
      account.grant(1, 1)
      say([account.take(1, 5) > 0, account.remove(0).held])
    })
    process.exit(3)`)
  expect((await exited).code).toBe(3)
})

test('what a process starts inherits nothing of its accounts', async () => {
  const fifo = testFifo()
  const { ended } = startProgram(`${begun}
    const { spawnSync } = await import('node:child_process')
    const inherited = () => spawnSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' }).stdout.trim().split('\\n').length
    const before = inherited()
    const account = begin('${fifo.path}')
    say(inherited() - before)
    account.close()`)
  expect(await ended).toEqual([0])
})

test('what is closed, or not there, is an error', async () => {
  const fifo = testFifo()
  const { ended } = startProgram(`${begun}
    const account = begin('${fifo.path}')
    const codes = []
    const fails = (act) => { try { act(); codes.push(null) } catch (error) { codes.push(error.code) } }
    fails(() => account.grant(3, 1))
    fails(() => account.grant(-1, 1))
    fails(() => account.grant(0.5, 1))
    fails(() => account.grant(0, -1))
    fails(() => account.owe(0, NaN))
    fails(() => account.watch(0, 3))
    fails(() => account.add(0, 0))
    fails(() => new Account(null, 0, () => {}))
    fails(() => new Account(fs.openSync('/dev/null', 'r+'), 3, () => {}))
    account.close()
    fails(() => account.grant(0, 1))
    fails(() => account.changed())
    say(codes)`)
  expect(await ended).toEqual([[...Array(9).fill('EINVAL'), 'EBADF', 'EBADF']])
})

test('a listener that throws is an uncaught error, and events go on', async () => {
  const fifo = testFifo()
  const { ended } = startProgram(`${begun}
    let errors = 0
    process.on('uncaughtException', (error) => { if (error.message === 'thrown') errors++ })
    const account = begin('${fifo.path}', () => { throw new Error('thrown') })
    for (let i = 1; i < 3; i++) {
      fs.writeFileSync('${fifo.path}', '+', { flag: 'r+' })
      for (let ms = 0; ms < 2000 && errors < i; ms += 5) await sleep(5)
    }
    say(errors)`)
  expect(await ended).toEqual([2])
})

test('a worker thread that is ended leaves nothing, and its debts are over', async () => {
  const fifo = testFifo()
  const { ended } = startProgram(`
    const { Worker } = await import('node:worker_threads')
    const code = ${JSON.stringify(begun)} + \`
      begin('${fifo.path}')
      parentPort.postMessage('begun')
      setInterval(() => {}, 1000)\`
    const start = \`
      import fs from 'node:fs'
      import { parentPort } from 'node:worker_threads'
      const built = '\${built}'
    \`
    const before = [openFds(), 0]
    for (let i = 0; i < 6; i++) {
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(start + code)))
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
      await worker.terminate()
      if (i === 0) before[0] = openFds()
    }
    fs.writeFileSync('${fifo.path}', '++', { flag: 'r+' })
    await sleep(50)
    say([openFds() - before[0], fd.available(fs.openSync('${fifo.path}', 'r+'))])`)
  expect(await ended).toEqual([[0, 2]])
})
