import { describe, expect, test } from 'vitest'
import { distinctTokens, namedJobserver, pipeJobserver, sortedHex } from '../support/jobserver.ts'
import { tempDir, waitFor } from '../support/processes.ts'
import { built, copyOfPackage, runUnder, startUnder } from './program.ts'

const tokens = distinctTokens(4)
const all = sortedHex(tokens)

const styles = ['pipe', 'fifo'] as const
const jobserver = (style: (typeof styles)[number]) =>
  style === 'pipe' ? pipeJobserver(tokens) : namedJobserver(`${tempDir()}/jobserver`, tokens)

/** Holds every slot but one token, and has the rest of a program's life before it. */
const hold = `
  const client = connect()
  const slots = [client.acquireSync(), await client.acquire(), client.tryAcquire(), client.tryAcquire()]
`
const holdAllAndWait = `
  ${hold}
  slots.push(client.tryAcquire())
  const waiting = [client.acquire(), client.acquire({ timeout: 60_000 }), client.run(() => {}), client.limit(() => {})]
  await new Promise((resolve) => setTimeout(resolve, 20))
`

describe.for(styles)('however a process ends, its tokens are back: %s', (style) => {
  const ends: [name: string, code: string, expected: object][] = [
    ['naturally', hold, { code: 0 }],
    ['naturally, behind a listener of its own', `${hold}\nprocess.on('exit', () => slots[1].release())`, { code: 0 }],
    [
      'naturally, with a listener that wants more',
      `${hold}\nprocess.on('exit', () => { if (client.tryAcquire()) process.exitCode = 9 })`,
      { code: 0 },
    ],
    [
      'naturally, with an earlier listener that takes more',
      `process.on('exit', () => { globalThis.client.tryAcquire() })\n${hold}\nglobalThis.client = client`,
      { code: 0 },
    ],
    ['closed', `${hold}\nclient.close()`, { code: 0 }],
    ['process.exit()', `${hold}\nprocess.exit(3)`, { code: 3 }],
    ['process.exit() while it waits', `${holdAllAndWait}\nprocess.exit(3)`, { code: 3 }],
    ['process.exit() in a slot', 'await connect().run(() => connect().run(() => process.exit(3)))', { code: 3 }],
    ['an uncaught error', `${holdAllAndWait}\nthrow new Error('oops')`, { code: 1 }],
    ['an uncaught error, later', `${holdAllAndWait}\nsetTimeout(() => { throw new Error('oops') })`, { code: 1 }],
    ['an unhandled rejection', `${holdAllAndWait}\nPromise.reject(new Error('oops'))`, { code: 1 }],
  ]

  test.for(ends)('%s', async ([, code, expected]) => {
    const begin = performance.now()
    const { report, ...result } = await runUnder(jobserver(style), code)
    expect(result).toMatchObject(expected)
    expect(report.tokens).toBe(all)
    // A pending read in libuv's pool would hold it up until a token came.
    expect(performance.now() - begin).toBeLessThan(10_000)
  })

  test('a pending acquire keeps it alive, until it is served', async () => {
    const { said, report } = await runUnder(
      jobserver(style),
      `
      const client = connect()
      const slots = await Promise.all([1, 2, 3, 4, 5].map(() => client.acquire()))
      client.acquire().then((slot) => console.log(JSON.stringify(slot.implicit)))
      setTimeout(() => slots[0].release(), 50).unref()
      setTimeout(() => slots[0].release(), 50)
      `,
    )
    expect(said).toBe(true)
    expect(report.tokens).toBe(all)
  })
})

describe.for(styles)('however a worker thread ends, its tokens are back: %s', (style) => {
  const main = (code: string, then: string) => `
    const taking = worker(\`
      const client = connect()
      const slots = [client.acquireSync(), await client.acquire(), client.tryAcquire(), client.tryAcquire()]
      const waiting = [client.acquire(), client.acquire({ timeout: 60_000 }), client.limit(() => {})]
      for (const each of waiting) each.catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 20))
      parentPort.postMessage('all taken')
      await new Promise((resolve) => parentPort.once('message', resolve))
      ${code}
    \`)
    taking.on('error', () => {})
    const client = connect()
    await new Promise((resolve) => taking.once('message', resolve))
    const before = client.available
    taking.postMessage('go on')
    ${then}
  `
  const ended = `
    await new Promise((resolve) => taking.once('exit', resolve))
    console.log(JSON.stringify([before, client.available]))
  `

  test.for([
    [
      'terminate()',
      'setInterval(() => {}, 1000)',
      `await taking.terminate()\nconst then = client.available
      console.log(JSON.stringify([before, then]))`,
    ],
    ['terminate() in a loop', 'for (;;);', `taking.terminate()\n${ended}`],
    ['process.exit()', 'process.exit()', ended],
    ['an uncaught error', "throw new Error('oops')", ended],
    ['the end of its work', 'client.close()', ended],
  ])('%s', async ([, code, then]) => {
    const { said, report, ...result } = await runUnder(jobserver(style), main(code!, then!))
    expect(result).toMatchObject({ code: 0, stderr: '' })
    // The main thread's own count: the implicit slot, and what lies there.
    expect(said).toEqual([1, 5])
    expect(report.tokens).toBe(all)
  })

  test('the end of the process', async () => {
    const { said, report } = await runUnder(
      jobserver(style),
      main('setInterval(() => {}, 1000)', 'console.log(JSON.stringify(before))\nprocess.exit()'),
    )
    expect(said).toBe(1)
    expect(report.tokens).toBe(all)
  })
})

describe('signals', () => {
  const signals = [
    ['SIGTERM', 15],
    ['SIGINT', 2],
    ['SIGHUP', 1],
  ] as const
  const ready = "process.stderr.write('ready ' + process.pid + '\\n')\nsetInterval(() => {}, 1000)"
  const asked = holdAllAndWait.replace('connect()', 'connect({ releaseOnSignal: true })')

  test.for(signals)('with releaseOnSignal %s ends it as ever, and the tokens are back', async ([signal, number]) => {
    for (const style of styles) {
      const server = jobserver(style)
      const { pid, result } = await startUnder(server, `${asked}\n${ready}`)
      process.kill(pid, signal)
      await result
      expect(server.report()).toMatchObject({ signal: number, tokens: all })
    }
  })

  test.for(signals)('without it, %s takes what the process holds with it', async ([signal, number]) => {
    const server = pipeJobserver(tokens)
    const { pid, result } = await startUnder(server, `${hold}\n${ready}`)
    process.kill(pid, signal)
    await result
    // The three that were held are gone: so the test above can fail.
    expect(server.report()).toMatchObject({ signal: number, tokens: expect.stringMatching(/^..$/) })
  })

  test('a listener of the program decides, and the tokens go back when it exits', async () => {
    const server = pipeJobserver(tokens)
    // Until then they stay where they are.
    const own = `
      process.on('SIGTERM', () => setTimeout(() => {
        process.stderr.write('mine, ' + client.available + ' free\\n')
        process.exit(3)
      }, 50))`
    const { pid, result } = await startUnder(server, `${asked}\n${own}\n${ready}`)
    process.kill(pid, 'SIGTERM')
    expect((await result).stderr).toMatch(/^mine, 0 free$/m)
    expect(server.report()).toMatchObject({ status: 3, signal: 0, tokens: all })
  })

  test('once its listener is gone, the signal ends the process again', async () => {
    const server = pipeJobserver(tokens)
    const own = `
      process.once('SIGTERM', () => process.stderr.write('mine\\n'))`
    const { pid, result, stderr } = await startUnder(server, `${asked}\n${own}\n${ready}`)
    process.kill(pid, 'SIGTERM')
    await waitFor(() => stderr().includes('mine'))
    process.kill(pid, 'SIGTERM')
    await result
    expect(server.report()).toMatchObject({ signal: 15, tokens: all })
  })

  test.for([
    ['both ask for it', 'true', 'true'],
    ['the one that was first asks for it', 'true', 'false'],
    ['the other asks for it', 'false', 'true'],
  ])('with two copies of the package: %s', async ([, first, second]) => {
    const server = pipeJobserver(tokens)
    const { pid, result } = await startUnder(
      server,
      `
      import * as copy from '${built('index.js', copyOfPackage())}'
      const clients = [connect({ releaseOnSignal: ${first} }), copy.connect({ releaseOnSignal: ${second} })]
      const slots = [0, 1, 0, 1].map((i) => clients[i].tryAcquire())
      ${ready}
      `,
    )
    process.kill(pid, 'SIGTERM')
    await result
    expect(server.report()).toMatchObject({ signal: 15, tokens: all })
  })
})
