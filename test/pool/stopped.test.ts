import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { asked, named } from '../broker/named.ts'
import { waitFor } from '../support/processes.ts'

test('who waits for a token while it is stopped, and others take it, gets one when it goes on', async () => {
  const n = named()
  const host = await n.connect('ci', { slots: 1 })
  const held = await host.join(asked())
  const program = n.program(`
    const pool = await openPool('ci')
    say('opened')
    const slot = await pool.acquire()
    say('taken')
    slot.release()
    await pool.close()`)
  await program.says()
  await sleep(100)
  process.kill(program.pid, 'SIGSTOP')
  // Its threads stop one by one, and one of them waits for the token.
  await waitFor(() => statesOf(program.pid).every((state) => state === 'T'))
  // It is given the token, which lies there, and is taken away again for those who come.
  await host.leave(held.id, { signaled: false })
  for (let i = 0; i < 2; i++) {
    await waitFor(async () => (await host.status()).members.some(({ visible }) => visible > 0), 5000)
    // Longer than anybody who runs takes to come for it.
    await sleep(300)
    const { id } = await host.join(asked())
    await sleep(20)
    await host.leave(id, { signaled: false })
  }
  // Nothing is left lying for it by chance.
  const other = await host.join(asked())
  process.kill(program.pid, 'SIGCONT')
  await sleep(50)
  await host.leave(other.id, { signaled: false })
  expect(await program.says(2)).toBe('taken')
  expect(await program.result).toMatchObject({ code: 0 })
})

/** Of all threads of a process. */
function statesOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1')
    return stat.charAt(stat.lastIndexOf(')') + 2)
  })
}
