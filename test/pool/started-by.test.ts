import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { named } from '../broker/named.ts'
import { cli } from '../support/cli.ts'
import { waitFor } from '../support/processes.ts'

/** What a program has started that took slots in its own process, and is killed with them. */

const SLOTS = 4
const program = (code: string) => `
  import { spawn } from 'node:child_process'
  const pool = await openPool('ci', { slots: ${SLOTS} })
  const alive = setInterval(() => {}, 1000)
  const run = (...words) => spawn(words[0], words.slice(1), { stdio: 'ignore' })
  ${code}`

/** Three processes, for which it holds two slots. */
const withTwo = program(`
  for (let i = 0; i < 2; i++) await pool.acquire()
  say([1, 2, 3].map(() => run('sleep', '60').pid))`)

const killAll = (pids: number[]) => {
  for (const pid of pids) process.kill(pid, 'SIGKILL')
}

describe('a program that is killed', () => {
  test('leaves its slots to what it has started, and no more slots than it held', async () => {
    const n = named()
    const host = await n.connect('ci')
    const running = n.program(withTwo)
    const pids = (await running.says()) as number[]
    process.kill(running.pid, 'SIGKILL')
    await waitFor(async () => (await host.status()).members.some(({ survivors }) => survivors === 3))
    expect(await host.status()).toMatchObject({ free: SLOTS - 2, members: [{ kind: 'process', held: 2 }] })
    killAll(pids.slice(0, 2))
    await waitFor(async () => (await host.status()).free === SLOTS - 1)
    killAll(pids.slice(2))
    await waitFor(async () => (await host.status()).free === SLOTS)
    expect(await host.status()).toMatchObject({ members: [], reclaimed: 2, overReturned: 0 })
  })

  test('and whose broker is killed with it', async () => {
    const n = named()
    const running = n.program(withTwo)
    const pids = (await running.says()) as number[]
    for (const pid of [...n.brokers(), running.pid]) process.kill(pid, 'SIGKILL')
    await waitFor(() => n.brokers().length === 0)
    const host = await n.connect('ci')
    await waitFor(async () => (await host.status()).members.some(({ survivors }) => survivors === 3))
    // What lay unused in its FIFO went with the last that had it open, and may be in use for all that anybody knows.
    expect([SLOTS - 3, SLOTS - 2]).toContain((await host.status()).free)
    killAll(pids)
    await waitFor(async () => (await host.status()).free === SLOTS)
  })

  test('leaves none to what has asked for slots of its own', async () => {
    const n = named()
    const host = await n.connect('ci')
    const acquire = JSON.stringify([...cli, 'acquire', '--pool', 'ci', '-c', String(SLOTS), 'sleep', '0.2'])
    const running = n.program(
      program(`
        await pool.acquire()
        const child = spawn(${acquire}[0], ${acquire}.slice(1), { stdio: 'ignore' })
        say(child.pid)`),
    )
    await running.says()
    await waitFor(async () => (await host.status()).waiters.length === 1)
    process.kill(running.pid, 'SIGKILL')
    await waitFor(async () => (await host.status()).members.some(({ kind }) => kind === 'acquire'))
    await waitFor(async () => (await host.status()).members.length === 0)
    expect((await host.status()).free).toBe(SLOTS)
  })

  test('and has none to leave', async () => {
    const n = named()
    const host = await n.connect('ci')
    const running = n.program(program(`say(run('sleep', '60').pid)`))
    const pid = (await running.says()) as number
    process.kill(running.pid, 'SIGKILL')
    await waitFor(async () => (await host.status()).members.length === 0)
    await sleep(100)
    expect((await host.status()).free).toBe(SLOTS)
    killAll([pid])
  })
})

describe('what it starts', () => {
  test('carries its mark while it is a member, and no slot of it', async () => {
    const n = named()
    const running = n.program(`
      import { execFileSync } from 'node:child_process'
      const told = (options) => execFileSync('sh', ['-c', 'echo $JOBSLOT_STARTED_BY:$JOBSLOT_MEMBER'], options).toString()
      const before = told()
      const [first, second] = [await openPool('ci', { slots: ${SLOTS} }), await openPool('other')]
      const both = told()
      await first.close()
      const one = told()
      await second.close()
      say([before, both, one, told()])`)
    const [before, both, one, after] = (await running.says()) as [string, string, string, string]
    expect([before, after]).toEqual([':\n', ':\n'])
    expect(both).toMatch(/^ci\/\d+ other\/\d+:$/m)
    expect(one).toBe(`${both.split(' ')[1]}`)
    expect(await running.result).toMatchObject({ code: 0 })
  })

  test('as a member has slots of its own, and not that mark', async () => {
    const n = named()
    const running = n.program(`
      const [pool, other] = [await openPool('ci', { slots: ${SLOTS} }), await openPool('other')]
      const text = 'echo $JOBSLOT_STARTED_BY:$JOBSLOT_MEMBER'
      const member = await pool.spawn('sh', ['-c', text], { stdio: ['ignore', 1, 'inherit'] })
      await member.exited
      await pool.close()
      await other.close()`)
    const { stdout } = await running.result
    expect(stdout).toMatch(/^other\/\d+:ci\/\d+$/m)
  })
})
