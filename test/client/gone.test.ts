import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { channelSource } from '../../src/client/channel-source.ts'
import { Client } from '../../src/client/client.ts'
import { connect } from '../../src/client/connect.ts'
import { SlotQueue } from '../../src/client/slot-queue.ts'
import { dup, mkfifo } from '../../src/fd.ts'
import { WAY_DIRECT, WAY_PARKED, WAY_SPLICE } from '../../src/native/binding.ts'
import { fifoJobserver } from '../support/jobserver.ts'
import { tempDir } from '../support/processes.ts'
import { runAlone } from './program.ts'

const { O_RDONLY, O_NONBLOCK, O_RDWR, O_WRONLY } = constants

/**
 * A client whose server can go. That takes ends of two different FIFOs: with its own end to write to, a client would
 * keep the pipe from its end of file.
 */
function clientOf(way: 0 | 2 | 3) {
  const dir = tempDir()
  mkfifo(`${dir}/tokens`)
  const read = openSync(`${dir}/tokens`, O_RDONLY | O_NONBLOCK)
  const server = openSync(`${dir}/tokens`, O_WRONLY)
  const back = fifoJobserver(dir, Buffer.alloc(0))
  const client = new Client({
    queue: new SlotQueue(channelSource({ read, write: dup(back.writeFd), way, own: false }), { implicit: true }),
    identity: null,
    auth: null,
    jobs: 4,
    load: null,
    problem: null,
    child: { hand: 'nothing' },
  })
  onTestFinished(() => client.close())
  return { client, serverGoes: () => closeSync(server) }
}

describe.for([
  ['a description of its own', WAY_DIRECT],
  ['splice', WAY_SPLICE],
  ['a parked read', WAY_PARKED],
] as const)('the server goes, seen through %s', ([, way]) => {
  test('while one waits: the implicit slot goes round', async () => {
    const { client, serverGoes } = clientOf(way)
    const implicit = client.acquireSync()
    const waiting = [client.acquire(), client.acquire()]
    setTimeout(serverGoes, 20)
    setTimeout(() => implicit.release(), 60)
    for (const each of waiting) {
      const slot = await each
      expect(slot.implicit).toBe(true)
      slot.release()
    }
    expect(client.available).toBe(1)
  })

  test('and who would block for a token is told', () => {
    const { client, serverGoes } = clientOf(way)
    serverGoes()
    const implicit = client.acquireSync()
    expect(implicit.implicit).toBe(true)
    expect(() => client.acquireSync()).toThrow(
      expect.objectContaining({
        code: 'ERR_JOBSLOT_GONE',
        message: expect.stringMatching(/gives no more slots .*: release it first/),
      }),
    )
    expect(client.tryAcquire()).toBeNull()
    implicit.release()
    expect(client.acquireSync().implicit).toBe(true)
  })
})

test('a device that answers with end of file leaves the implicit slot', async () => {
  // Some jobservers are character devices.
  const client = connect({ env: { MAKEFLAGS: ' -j4 --jobserver-auth=fifo:/dev/null' }, strict: true })
  const slot = await client?.acquire()
  expect(slot?.implicit).toBe(true)
  await expect(client?.acquire({ timeout: 20 })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
  slot?.release()
  expect((await client?.acquire())?.implicit).toBe(true)
  client?.close()
})

test('a FIFO whose server closes it keeps its tokens while a client has it', () => {
  const path = `${tempDir()}/jobserver`
  mkfifo(path)
  const server = openSync(path, O_RDWR)
  writeSync(server, Buffer.of(200))
  const client = connect({ env: { MAKEFLAGS: ` -j2 --jobserver-auth=fifo:${path}` } })
  onTestFinished(() => client?.close())
  closeSync(server)
  client?.tryAcquire()
  expect(client?.tryAcquire()?.token).toBe(200)
})

test('in a worker thread, which has no implicit slot, everybody who waits is told', async () => {
  const said = await runAlone(
    `worker(\`
      const client = connect()
      const said = []
      const tell = (error) => said.push(error.code, /belongs to the main thread: take slots there/.test(error.message))
      await Promise.all([client.acquire().catch(tell), client.acquire().catch(tell)])
      await client.acquire().catch(tell)
      try { client.acquireSync() } catch (error) { tell(error) }
      console.log(JSON.stringify(said))
    \`)`,
    { env: { MAKEFLAGS: ' -j4 --jobserver-auth=fifo:/dev/null' } },
  )
  expect(said).toEqual(Array(4).fill(['ERR_JOBSLOT_GONE', true]).flat())
})
