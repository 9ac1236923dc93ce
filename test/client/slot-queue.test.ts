import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Waiter } from '../../src/client/slot-queue.ts'
import { IMPLICIT, SlotQueue } from '../../src/client/slot-queue.ts'
import type { TokenSource } from '../../src/client/token-source.ts'
import { emptySource, GONE, localSource, NONE } from '../../src/client/token-source.ts'

/** A jobserver whose waiting thread is driven by hand. */
class HandDriven implements TokenSource {
  readonly lying: number[]
  closed = false
  gone = false
  waitError: Error | null = null
  #deliver: ((token: number) => void) | null = null
  #inFlight: number | null = null

  constructor(tokens: number[]) {
    this.lying = tokens
  }

  get isWaiting(): boolean {
    return this.#deliver !== null
  }
  get inFlight(): number[] {
    return this.#inFlight !== null && this.#inFlight !== GONE ? [this.#inFlight] : []
  }

  /** The thread reads, if it waits and there is something: from here on the wait cannot be cancelled. */
  read(): void {
    if (!this.#deliver || this.#inFlight !== null) return
    if (this.lying.length > 0) this.#inFlight = this.lying.shift()!
    else if (this.gone) this.#inFlight = GONE
  }
  /** What was read arrives in JavaScript. */
  arrive(): void {
    const deliver = this.#deliver
    const token = this.#inFlight
    if (!deliver || token === null) return
    this.#deliver = this.#inFlight = null
    deliver(token)
  }

  flush(): void {
    this.arrive()
  }

  take(): number {
    return this.lying.shift() ?? (this.gone ? GONE : NONE)
  }
  takeWithin(): number {
    // A wait that goes on meanwhile would get the token first.
    this.read()
    return this.take()
  }
  wait(deliver: (token: number) => void): void {
    if (this.waitError) throw this.waitError
    expect(this.isWaiting, 'only one wait at a time').toBe(false)
    this.#deliver = deliver
  }
  cancel(): boolean {
    if (this.#inFlight !== null) return false
    this.#deliver = null
    return true
  }
  give(token: number): void {
    this.lying.push(token)
  }
  available(): number {
    return this.lying.length
  }
  close(): void {
    this.closed = true
  }
}

interface Asking extends Waiter {
  name: number
  got: number | null
  failed: Error | null
}

/** Callers of a queue and what each holds; a token that turns up twice is caught at once. */
class Callers {
  readonly held: number[] = []
  readonly waiting: Asking[] = []
  readonly served: number[] = []
  #next = 0
  readonly queue: SlotQueue

  constructor(queue: SlotQueue) {
    this.queue = queue
  }

  take(): void {
    const token = this.queue.take()
    if (this.waiting.length > 0) expect(token).toBeNull()
    if (token !== null) this.held.push(token)
  }
  takeNow(): void {
    const token = this.queue.takeWithin(0)
    if (token !== null) this.held.push(token)
  }
  /** As a client does: who can have a slot at once does not wait. */
  ask(): Asking | null {
    const token = this.queue.take()
    if (token !== null) {
      this.held.push(token)
      return null
    }
    const name = this.#next++
    const asking: Asking = {
      name,
      got: null,
      failed: null,
      deliver: (token) => {
        expect(asking.got, 'a waiter is served once').toBeNull()
        expect(this.waiting.shift(), 'who has waited longest is served').toBe(asking)
        asking.got = token
        this.held.push(token)
        this.served.push(name)
      },
      fail: (error) => {
        this.waiting.splice(this.waiting.indexOf(asking), 1)
        asking.failed = error
      },
    }
    this.waiting.push(asking)
    this.queue.wait(asking)
    return asking
  }
  leave(which: number): void {
    if (this.waiting.length === 0) return
    const [asking] = this.waiting.splice(which % this.waiting.length, 1)
    this.queue.leave(asking!)
  }
  giveBack(which: number): void {
    if (this.held.length === 0) return
    const [token] = this.held.splice(which % this.held.length, 1)
    this.queue.giveBack(token!)
  }
}

function orThrows(code: string, call: () => void): void {
  try {
    call()
  } catch (error) {
    expect(error).toMatchObject({ code })
  }
}

const sorted = (tokens: readonly number[]): number[] => [...tokens].sort((a, b) => a - b)

type Step =
  | { do: 'take' | 'takeNow' | 'ask' | 'read' | 'arrive' | 'othersGive' | 'othersTake' }
  | { do: 'leave' | 'giveBack'; which: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  ...(['take', 'takeNow', 'ask', 'ask', 'read', 'arrive', 'othersGive', 'othersTake'] as const).map((name) =>
    fc.constant({ do: name }),
  ),
  fc.record({ do: fc.constantFrom('leave' as const, 'giveBack' as const), which: fc.nat(9) }),
)
const manySteps = fc.array(step, { maxLength: 60, size: 'max' })
const histories = { numRuns: 500 }

describe('whatever the order of events', () => {
  const history = fc.record({
    tokens: fc.uniqueArray(fc.nat(255), { maxLength: 4 }),
    implicit: fc.boolean(),
    steps: manySteps,
  })

  test('no token is lost or doubled, waiters are served in order, and someone reads just when someone waits', () => {
    fc.assert(
      fc.property(history, ({ tokens, implicit, steps }) => {
        const source = new HandDriven([...tokens])
        const callers = new Callers(new SlotQueue(source, { implicit }))
        const others: number[] = []
        const whole = sorted(tokens)
        const check = () => {
          const own = callers.held.filter((token) => token !== IMPLICIT)
          expect(sorted([...own, ...others, ...source.lying, ...source.inFlight])).toEqual(whole)
          expect(callers.held.length - own.length).toBeLessThanOrEqual(implicit ? 1 : 0)
          if (callers.waiting.length > 0) expect(source.isWaiting).toBe(true)
          else if (source.isWaiting) expect(source.inFlight).toHaveLength(1)
        }
        for (const each of steps) {
          if (each.do === 'leave' || each.do === 'giveBack') callers[each.do](each.which)
          else if (each.do === 'read' || each.do === 'arrive') source[each.do]()
          else if (each.do === 'othersTake') others.push(...source.lying.splice(0, 1))
          else if (each.do === 'othersGive') source.lying.push(...others.splice(0, 1))
          else callers[each.do]()
          check()
        }

        // When all is given back, everybody who still waits is served, and then everything lies where it lay.
        source.lying.push(...others.splice(0))
        while (callers.held.length > 0 || source.isWaiting) {
          source.read()
          source.arrive()
          callers.giveBack(0)
          check()
          if (whole.length === 0 && !implicit) break
        }
        if (whole.length > 0 || implicit) expect(callers.waiting).toEqual([])
        expect(sorted(source.lying)).toEqual(whole)
        expect(callers.queue.available).toBe(whole.length + (implicit ? 1 : 0))
      }),
      histories,
    )
  })

  test('the same with tokens of its own', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), manySteps, (count, steps) => {
        const callers = new Callers(new SlotQueue(localSource(count), { implicit: false }))
        for (const each of steps) {
          if (each.do === 'leave' || each.do === 'giveBack') callers[each.do](each.which)
          else if (each.do === 'take' || each.do === 'ask') callers[each.do]()
          else if (each.do === 'takeNow') orThrows('ERR_JOBSLOT_DEADLOCK', () => callers.takeNow())
          const lying = callers.waiting.length > 0 ? 0 : callers.queue.available
          expect(callers.held.length + lying).toBe(count)
        }
        while (callers.held.length > 0) callers.giveBack(0)
        expect(callers.waiting).toEqual([])
        expect(callers.queue.available).toBe(count)
      }),
      histories,
    )
  })

  test('when the server goes, the implicit slot goes round, and without one everybody is told', () => {
    const goneAt = fc.record({ implicit: fc.boolean(), before: manySteps, after: manySteps })
    fc.assert(
      fc.property(goneAt, ({ implicit, before, after }) => {
        const source = new HandDriven([])
        const callers = new Callers(new SlotQueue(source, { implicit }))
        const go = (each: Step) => {
          if (each.do === 'leave' || each.do === 'giveBack') callers[each.do](each.which)
          else if (each.do === 'read' || each.do === 'arrive') source[each.do]()
          else if (each.do === 'takeNow') orThrows('ERR_JOBSLOT_GONE', () => callers.takeNow())
          else if (each.do === 'take' || each.do === 'ask') callers[each.do]()
        }
        before.forEach(go)
        source.gone = true
        after.forEach(go)
        source.read()
        source.arrive()
        if (!implicit) {
          expect(callers.waiting).toEqual([])
          expect(callers.held).toEqual([])
        }
        while (callers.held.length > 0) callers.giveBack(0)
        expect(callers.waiting).toEqual([])
        expect(callers.queue.available).toBe(implicit ? 1 : 0)
      }),
      histories,
    )
  })
})

test('a token that lies there is left to those who wait', () => {
  const source = new HandDriven([])
  const callers = new Callers(new SlotQueue(source, { implicit: false }))
  const first = callers.ask()
  source.lying.push(5)
  expect(callers.queue.take()).toBeNull()
  source.read()
  expect(callers.queue.take()).toBeNull()
  source.arrive()
  expect(first?.got).toBe(5)
})

test('where no thread or descriptor is to be had, everybody who waits is told, and may ask again', () => {
  const source = new HandDriven([])
  source.waitError = new Error('EMFILE')
  const callers = new Callers(new SlotQueue(source, { implicit: false }))
  expect(callers.ask()?.failed).toBe(source.waitError)
  source.waitError = null
  const again = callers.ask()
  source.lying.push(5)
  source.read()
  source.arrive()
  expect(again).toMatchObject({ got: 5, failed: null })
})

test('whoever asks anew when told of a failure is not told for ever', () => {
  const queue = new SlotQueue(emptySource, { implicit: false })
  let failures = 0
  const stubborn: Waiter = {
    deliver: () => {},
    fail: () => {
      if (++failures < 5) queueMicrotask(() => queue.wait(stubborn))
    },
  }
  queue.take()
  queue.wait(stubborn)
  expect(failures).toBe(1)
})

test('the source is closed behind the last client', () => {
  const source = new HandDriven([])
  let closed = 0
  const queue = new SlotQueue(source, { implicit: true, onClosed: () => closed++ })
  queue.open()
  queue.open()
  queue.close()
  expect([source.closed, closed]).toEqual([false, 0])
  queue.close()
  expect([source.closed, closed]).toEqual([true, 1])
})
