import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { fifoJobserver, pipeJobserver } from '../support/jobserver.ts'
import { contextSwitches, cpuOf, run, start, tempDir, waitFor } from '../support/processes.ts'
import { built, program, startUnder } from './program.ts'

const ready = "process.stderr.write('ready ' + process.pid + '\\n')"

/** Waits for one token with everything else taken, and ends when it has got it. */
const waits = {
  'acquire()': `
    const client = connect({ strict: true })
    client.tryAcquire()
    ${ready}
    await client.acquire()`,
  'acquire() with a timeout and a signal': `
    const client = connect({ strict: true })
    client.tryAcquire()
    ${ready}
    await client.acquire({ timeout: 60_000, signal: new AbortController().signal })`,
  'twenty at once': `
    const client = connect({ strict: true })
    const first = client.tryAcquire()
    ${ready}
    const others = Array.from({ length: 20 }, () => client.acquire())
    await others[0]
    process.exit()`,
  'acquireSync()': `
    const client = connect({ strict: true })
    client.tryAcquire()
    ${ready}
    client.acquireSync()`,
  splice: forcedWait('splice'),
  'a parked read': forcedWait('parked'),
}

function forcedWait(way: string): string {
  return `
    import { Client } from '${built('client/client.js')}'
    import { SlotQueue } from '${built('client/slot-queue.js')}'
    import { openJobserver } from '${built('client/open-jobserver.js')}'
    const opened = openJobserver({ style: 'pipe', read: 3, write: 4 }, '${way}')
    const client = new Client({ queue: new SlotQueue(opened.makeSource(), { implicit: true }), child: {} })
    client.tryAcquire()
    ${ready}
    await client.acquire()`
}

test('who waits ten seconds for a token uses no processor time to speak of, and wakes for nothing', async () => {
  const waiting = await Promise.all(
    Object.entries(waits).map(async ([name, code]) => {
      const jobserver = pipeJobserver(Buffer.alloc(0))
      // Some seconds after a start V8 tidies its heap up, once: no cost of waiting.
      return { name, jobserver, ...(await startUnder(jobserver, code, ['--no-memory-reducer'])) }
    }),
  )
  // Node itself is busy for a moment after its start.
  await sleep(1500)
  const seen = () => waiting.map(({ pid }) => ({ cpu: cpuOf(pid), switches: contextSwitches(pid) }))
  const before = seen()
  await sleep(10_000)
  const after = seen()
  const cost = waiting.map(({ name }, i) => ({
    name,
    cpu: after[i]!.cpu - before[i]!.cpu,
    switches: after[i]!.switches - before[i]!.switches,
  }))
  expect(cost.filter(({ cpu }) => cpu >= 20)).toEqual([])
  expect(cost.filter(({ switches }) => switches > 4)).toEqual([])

  // They were waiting, all of them: now each gets its token, and gives it back.
  for (const { server, jobserver, result } of waiting) {
    writeFileSync(`/proc/${server}/fd/4`, Buffer.of(200))
    expect(await result).toMatchObject({ code: 0 })
    expect(jobserver.report().tokens).toBe('c8')
  }
})

/** Sixteen waits, and the times that files take to be read meanwhile. */
const readFiles = (waits: string) => `
  import { readFile } from 'node:fs/promises'
  import { openSync, read as readSome } from 'node:fs'
  import { read } from '${built('fd.js')}'
  const paths = JSON.parse(process.env.FIFOS)
  ${waits}
  await new Promise((resolve) => setTimeout(resolve, 100))
  const times = []
  for (let i = 0; i < 200; i++) {
    const begin = performance.now()
    await readFile('/proc/self/stat')
    times.push(performance.now() - begin)
  }
  console.log(times.sort((a, b) => a - b)[100])
  process.exit()
`
const manyWaits: [name: string, waits: string][] = [
  [
    'acquire() of sixteen clients',
    `for (const path of paths) {
      const client = connect({ env: { MAKEFLAGS: ' -j2 --jobserver-auth=fifo:' + path }, strict: true })
      client.tryAcquire()
      client.acquire()
    }`,
  ],
  ...['own', 'splice', 'parked'].map((way): [string, string] => [
    `sixteen reads through ${way}`,
    `for (const path of paths) read(openSync(path, 'r+'), 1, { way: '${way}' })`,
  ]),
]

function sixteenFifos(): string {
  return JSON.stringify(Array.from({ length: 16 }, () => fifoJobserver(tempDir(), Buffer.alloc(0)).path))
}

test.for(manyWaits)('%s hold up no fs.readFile', async ([, waits]) => {
  const result = await run(program(readFiles(waits)), { env: { FIFOS: sixteenFifos() } })
  expect(result).toMatchObject({ code: 0, stderr: '' })
  expect(Number(result.stdout)).toBeLessThan(20)
})

test('sixteen reads with fs.read do: so the test above can fail', async () => {
  const waits = `for (const path of paths) readSome(openSync(path, 'r+'), Buffer.alloc(1), () => {})`
  const { child, stderr } = start(program(readFiles(`${waits}\nprocess.stderr.write('reads')`)), {
    env: { FIFOS: sixteenFifos() },
  })
  await waitFor(() => stderr() === 'reads')
  await sleep(2000)
  expect(child.exitCode).toBeNull()
})
