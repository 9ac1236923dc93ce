import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Ledger } from '../../src/account/ledger.ts'
import { startProgram } from '../fd/program.ts'
import { tempDir } from '../support/processes.ts'
import { testFifo } from './fifos.ts'

const KILLS = 15

const broker = (ledger: string, fifo: string) => `
  const { Account } = await import(built + 'account/account.js')
  const { Ledger } = await import(built + 'account/ledger.js')
  const ledger = Ledger.open('${ledger}', { pool: 'p' })
  const account = new Account(ledger.fd, ledger.places, () => account.changed())
  account.add(5, fs.openSync('${fifo}', fs.constants.O_RDWR | fs.constants.O_NONBLOCK))
  say('goes')
  for (;;) {
    account.watch(5, 2)
    for (let i = 0; i < 100; i++) {
      account.grant(5, 20)
      account.owe(5, 10)
      account.take(5, 20)
      if (account.read(5).granted > 100) account.take(5, 100)
    }
    await sleep(0)
  }`

const client = (fifo: string) => `
  const end = fs.openSync('${fifo}', fs.constants.O_RDWR | fs.constants.O_NONBLOCK)
  const bytes = Buffer.alloc(3)
  let goes = true
  process.on('SIGTERM', () => { goes = false })
  say('goes')
  while (goes) {
    for (let i = 0; i < 100; i++) {
      try {
        const n = fs.readSync(end, bytes)
        fs.writeSync(end, bytes, 0, n)
      } catch {}
    }
    await sleep(0)
  }`

test('a broker that is killed at whatever moment leaves a ledger that is at most one above the truth', async () => {
  const dir = tempDir()
  const path = join(dir, 'ledger')
  const fifo = testFifo(dir)
  let above = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const killed = startProgram(broker(path, fifo.path))
    const drawing = startProgram(client(fifo.path))
    await Promise.all([killed.says(), drawing.says()])
    await sleep(randomInt(30))
    killed.child.kill('SIGKILL')
    drawing.child.kill('SIGTERM')
    await Promise.all([killed.exited, drawing.ended])
    const ledger = Ledger.open(path, { pool: 'p' })
    const granted = ledger.records()[0]?.granted ?? 0
    ledger.close()
    const more = granted - fifo.visible() - above
    expect(more, `after kill ${kill + 1}`).toBeGreaterThanOrEqual(0)
    expect(more, `after kill ${kill + 1}`).toBeLessThanOrEqual(1)
    above += more
  }
})
