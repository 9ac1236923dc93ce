import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { serialize } from 'node:v8'
import { afterEach, describe, expect, test } from 'vitest'
import { baseName } from '../../src/worker/place.ts'
import { encodeFrame, HELLO, PROTOCOL } from '../../src/worker/wire/frames.ts'
import { waitFor } from '../support/processes.ts'
import { leftIn, processesOf, project } from './project.ts'

type Project = ReturnType<typeof project>
const pathOf = (p: Project) => join(p.workers, `${baseName('w')}.sock`)
const servers: { close(): void }[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** Something that listens where a worker would. */
async function listen(p: Project, answer: (socket: Socket) => void): Promise<void> {
  mkdirSync(p.workers, { mode: 0o700 })
  const server = createServer((socket) => {
    socket.on('error', () => {})
    answer(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(pathOf(p), resolve))
}

const lengthOf = (length: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  return bytes
}

describe('where a shared worker should be', () => {
  const CALL = `const worker = await connectWorker('w', { module, timeout: 2000 })
    say(await failure(worker.call('echo', 1)))`
  const failing = `say(await failure(connectWorker('w', { module, timeout: 2000 })))`

  test.each([
    ['another version of the protocol', 'jobslot-worker 99.1\n', 'speaks version 99.1'],
    ['a later V8', `jobslot-worker ${PROTOCOL}9\n`, `speaks version ${PROTOCOL}9`],
    ['another program', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'something else answers'],
    ['binary rubbish', Buffer.of(0, 255, 1), 'something else answers'],
  ])('%s is a clear error, at once', async (_, hello, message) => {
    const p = project()
    await listen(p, (socket) => socket.write(hello))
    const { said, ms } = await p.run(failing)
    // It is none of ours to remove.
    expect(leftIn(p.workers).filter((name) => name.endsWith('.sock'))).toHaveLength(1)
    expect(said).toEqual([
      { name: 'JobslotError', code: 'ERR_JOBSLOT_WORKER_PROTOCOL', message: expect.stringContaining(message) },
    ])
    expect(ms).toBeLessThan(1800)
  })

  test('something that says nothing is an error, in time', async () => {
    const p = project()
    await listen(p, () => {})
    expect((await p.run(failing)).said).toEqual([expect.objectContaining({ code: 'ERR_JOBSLOT_TIMEOUT' })])
  })

  test.each([
    ['a length that none has', Buffer.concat([HELLO, lengthOf(0xffffffff)])],
    ['a frame that cannot be decoded', Buffer.concat([HELLO, lengthOf(4), Buffer.from('oops')])],
    ['what is no message', Buffer.concat([HELLO, lengthOf(3), serialize(null)])],
    ['a message without a type', Buffer.concat([HELLO, encodeFrame(['x'])])],
  ])('%s ends the calls with a clear error', async (_, bytes) => {
    const p = project()
    await listen(p, (socket) => {
      socket.write(HELLO)
      socket.once('data', () => setTimeout(() => socket.write(bytes.subarray(HELLO.length)), 100))
    })
    expect((await p.run(CALL)).said).toEqual([expect.objectContaining({ code: 'ERR_JOBSLOT_WORKER_PROTOCOL' })])
  })

  test('answers of the wrong kind, for calls that were never made, do nothing', async () => {
    const p = project()
    await listen(p, (socket) => {
      socket.write(HELLO)
      let received = 0
      socket.on('data', (bytes) => {
        received += bytes.length
        // After the hello the call, be it in the same chunk or in another.
        if (received <= HELLO.length) return
        for (const message of [[2, 99, 'x'], [3, 99], [2], [4, 'x'], [7], [0, 1, 'echo', 1]]) {
          socket.write(encodeFrame(message))
        }
        socket.write(encodeFrame([2, 1, 'answer']))
      })
    })
    expect((await p.run(CALL)).said).toEqual([{ value: 'answer' }])
  })

  test('a file that is no socket makes way', async () => {
    const p = project()
    mkdirSync(p.workers, { mode: 0o700 })
    writeFileSync(pathOf(p), 'file')
    expect((await p.run(CALL)).said).toEqual([{ value: 1 }])
  })
})

test('a user that sends rubbish loses its connection; the others keep theirs', async () => {
  const p = project()
  const user = p.start(
    `const worker = await connectWorker('w', { module, idle: 100 })
    say('joined'); while (!fs.existsSync('over')) await sleep(10)
    say(await worker.call('echo', 'still there'))`,
    { cwd: p.dir },
  )
  await user.says()
  const sent = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from('jobslot-worker 0.1\n'),
    Buffer.concat([HELLO, lengthOf(0x7fffffff)]),
    Buffer.concat([HELLO, lengthOf(2), Buffer.from('no')]),
    Buffer.concat([
      HELLO,
      encodeFrame([0, {}, [], 1]),
      encodeFrame([1, 'x']),
      encodeFrame([99]),
      lengthOf(1),
      Buffer.of(1),
    ]),
  ]
  for (const bytes of sent) {
    const socket = connect(pathOf(p))
    let received = ''
    socket.setEncoding('latin1').on('data', (text) => {
      received += text
    })
    socket.write(bytes)
    await new Promise((resolve) => socket.on('close', resolve))
    // Its version is the last thing a user of another version learns.
    expect(received).toBe(HELLO.toString('latin1'))
  }
  // One that says nothing is a user like any other, until it leaves.
  const silent = connect(pathOf(p))
  await new Promise((resolve) => silent.once('data', resolve))
  p.file('over', '')
  expect(await user.says(2)).toBe('still there')
  await user.result
  expect(processesOf(p.dir)).toHaveLength(1)
  silent.destroy()
  await waitFor(() => processesOf(p.dir).length === 0)
})

test('a private worker that sends rubbish is an error, and is ended', async () => {
  const p = project()
  p.file(
    'rubbish.mjs',
    `import { serve } from 'jobslot/worker'
    import fs from 'node:fs'
    serve({ rubbish: () => { fs.writeSync(3, Buffer.alloc(8, 255)); return new Promise(() => {}) } })`,
  )
  const { said } = await p.run(`const worker = await startWorker(new URL('./rubbish.mjs', import.meta.url))
    say((await failure(worker.call('rubbish'))).code); say((await failure(worker.call('rubbish'))).code)`)
  expect(said).toEqual(['ERR_JOBSLOT_WORKER_PROTOCOL', 'ERR_JOBSLOT_WORKER_PROTOCOL'])
  await waitFor(() => processesOf(p.dir).length === 0)
})
