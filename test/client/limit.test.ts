import { AsyncLocalStorage } from 'node:async_hooks'
import { writeSync } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/client/connect.ts'
import type { Limit } from '../../src/client/limit.ts'
import { runAlone } from './program.ts'
import { connected } from './reach.ts'

type Common = Pick<Limit, 'activeCount' | 'pendingCount' | 'clearQueue' | 'map'> &
  ((fn: (...args: never[]) => unknown, ...args: unknown[]) => Promise<unknown>)

function ours(slots: number): Common {
  const client = connect({ env: {}, fallback: slots })
  onTestFinished(() => client.close())
  return client.limit as Common
}

const theirs = (slots: number): Common => pLimit({ concurrency: slots, rejectOnClear: true }) as unknown as Common

interface Gate {
  opened: Promise<void>
  open(): void
}

function gatesOf(count: number): Gate[] {
  return Array.from({ length: count }, () => {
    let open = () => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    return { opened, open }
  })
}

/** What a scenario can see of a limit; both have to show the same. */
type Scenario = (limit: Common, log: (...values: unknown[]) => void) => Promise<unknown>

const scenarios: Record<string, Scenario> = {
  'counts, at once and after': async (limit, log) => {
    const counts = () => log(limit.activeCount, limit.pendingCount)
    counts()
    const gates = gatesOf(5)
    const tasks = gates.map((gate) => limit(() => gate.opened))
    counts()
    for (const [i, gate] of gates.entries()) {
      gate.open()
      await tasks[i]
      await nextTurn()
      counts()
    }
  },

  'functions start later, in order, with their arguments': async (limit, log) => {
    const gates = gatesOf(4)
    const tasks = ['a', 'b', 'c', 'd'].map((name, i) =>
      limit(
        async (...args: unknown[]) => {
          log('start', ...args)
          await gates[i]?.opened
          log('end', name)
          return name
        },
        name,
        i,
      ),
    )
    log('all asked for')
    for (const i of [1, 0, 3, 2]) {
      gates[i]?.open()
      await nextTurn()
    }
    log(await Promise.all(tasks))
  },

  'a function that is not async': async (limit, log) => {
    log(await limit(() => 7))
    log(await limit(() => undefined))
  },

  'errors, thrown or rejected, reach who asked and free the slot': async (limit, log) => {
    const ends = await Promise.allSettled([
      limit(() => {
        throw new Error('thrown')
      }),
      limit(() => Promise.reject(new Error('rejected'))),
      limit(async () => 'fine'),
      limit(() => 'fine too'),
    ])
    log(ends.map((end) => (end.status === 'fulfilled' ? end.value : end.reason.message)))
    await nextTurn()
    log(limit.activeCount, limit.pendingCount)
  },

  'map keeps the order of its items and tells their index': async (limit, log) => {
    const gates = gatesOf(4)
    const all = limit.map(new Set(gates), async (gate, index) => {
      await gate.opened
      return index
    })
    for (const gate of gates.toReversed()) gate.open()
    log(await all)
    log(await limit.map([], () => log('never')))
  },

  'map over items that throw': async (limit, log) => {
    const items = (function* () {
      yield 1
      throw new Error('no more items')
    })()
    await limit
      .map(items, async () => {
        throw new Error('nobody looks at this one')
      })
      .catch((error) => log(error.message))
    // An unhandled rejection would fail the test.
    await nextTurn()
  },

  'map fails with the first error': async (limit, log) => {
    await limit
      .map([1, 2, 3], async (i) => (i === 2 ? Promise.reject(new Error('two')) : i))
      .catch((e) => log(e.message))
  },

  'the context of who asked': async (limit, log) => {
    const context = new AsyncLocalStorage<string>()
    await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map((name) =>
        context.run(name, () => limit(async () => log(name, context.getStore()))),
      ),
    )
  },

  'clearQueue rejects what waits and leaves what runs': async (limit, log) => {
    const gates = gatesOf(5)
    const tasks = gates.map((gate) => limit(() => gate.opened))
    limit.clearQueue()
    log(limit.activeCount, limit.pendingCount)
    for (const gate of gates) gate.open()
    log((await Promise.allSettled(tasks)).map((end) => end.status))
    limit.clearQueue()
    log(await limit(() => 'goes on'))
  },
}

describe('beside p-limit', () => {
  test.for(Object.entries(scenarios))('%s', async ([, scenario]) => {
    for (const slots of [1, 2, 3]) {
      const logs = [ours, theirs].map(async (make) => {
        const seen: unknown[][] = []
        await scenario(make(slots), (...values) => seen.push(values))
        return seen
      })
      const [mine, expected] = await Promise.all(logs)
      expect(mine).toEqual(expected)
      expect(mine?.length, 'the scenario shows something').toBeGreaterThan(0)
    }
  })
})

describe('on a jobserver', () => {
  test('runs as many at once as there are slots', async () => {
    const { client } = connected(Buffer.of(1, 2, 3))
    let now = 0
    let peak = 0
    const results = await client.limit.map(Array(40).keys(), async (i) => {
      peak = Math.max(peak, ++now)
      await sleep(2)
      now--
      return i
    })
    expect(results).toEqual([...Array(40).keys()])
    expect(peak).toBe(4)
    expect(client.available).toBe(4)
  })

  test('takes its turn among others who wait', async () => {
    const { client } = connected(Buffer.alloc(0))
    const held = client.tryAcquire()
    const order: string[] = []
    const tasks = [
      client.limit(() => order.push('limit')),
      client.run(() => order.push('run')),
      client.limit(() => order.push('limit again')),
    ]
    held?.release()
    await Promise.all(tasks)
    expect(order).toEqual(['limit', 'run', 'limit again'])
  })

  test('clearQueue tells why, and nobody waits for a token any more', async () => {
    const { client, jobserver } = connected(Buffer.alloc(0))
    client.tryAcquire()
    const cleared = client.limit(() => {})
    client.limit.clearQueue()
    await expect(cleared).rejects.toMatchObject({ name: 'JobslotError', code: 'ERR_JOBSLOT_CLEARED' })
    writeSync(jobserver.writeFd, Buffer.of(9))
    await sleep(20)
    expect(jobserver.drain()).toBe('09')
  })

  test('clearQueue leaves others who wait alone', async () => {
    const { client } = connected(Buffer.alloc(0))
    const held = client.tryAcquire()
    const waiting = client.acquire()
    const cleared = client.limit(() => {}).catch((error) => error.code)
    client.limit.clearQueue()
    held?.release()
    expect((await waiting).implicit).toBe(true)
    expect(await cleared).toBe('ERR_JOBSLOT_CLEARED')
  })

  test('close() rejects what waits', async () => {
    const { client } = connected(Buffer.alloc(0))
    client.tryAcquire()
    const waiting = client.limit(() => {})
    client.close()
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_JOBSLOT_CLOSED' })
    expect([client.limit.activeCount, client.limit.pendingCount]).toEqual([0, 0])
  })
})

describe('many tasks', () => {
  test('20,000 wait without a warning', async () => {
    const said = await runAlone(`
      const warnings = []
      process.on('warning', (warning) => warnings.push(warning.name))
      const { limit } = connect({ fallback: 4 })
      let done = 0
      await Promise.all(Array.from({ length: 20_000 }, () => limit(async () => done++)))
      await new Promise((resolve) => setTimeout(resolve, 10))
      console.log(JSON.stringify({ done, warnings }))
    `)
    expect(said).toEqual({ done: 20_000, warnings: [] })
  })

  test.for(['limit', 'run'] as const)('the cost of each does not grow with their number: %s', async (method) => {
    const [few, many] = (await runAlone(`
      const client = connect({ fallback: 4 })
      const cost = async (count) => {
        const before = process.cpuUsage()
        await Promise.all(Array.from({ length: count }, () => client.${method}(async () => {})))
        const { user, system } = process.cpuUsage(before)
        return (user + system) / count
      }
      const least = async (count) => Math.min(await cost(count), await cost(count), await cost(count))
      await cost(5000)
      console.log(JSON.stringify([await least(5000), await least(40_000)]))
    `)) as [number, number]
    // Where each costs in proportion to their number, the ratio is 8.
    expect(many / few).toBeLessThan(4)
  })
})
