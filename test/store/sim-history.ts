import type { PulledJob } from '../../src/store/claims/pulled-job.ts'
import { JobStore } from '../../src/store/job-store.ts'
import { load } from '../../src/store/journal/load.ts'
import type { SimClock } from './sim-clock.ts'
import { type Faults, Machine, Process, simLines } from './sim-machine.ts'
import { Random } from './sim-random.ts'

/** What was asked for and answered of one job. */
interface Known {
  request: unknown
  answered: string | undefined
  targets: Set<string>
  isTouched: boolean
}

interface Running {
  process: Process
  store: JobStore
  pulled: PulledJob[]
}

/**
 * A long history with kills and power cuts, and what has to be so after each of them. It is the same each time for the
 * same seed, as long as no clock but the simulated one is looked at.
 */
export class History {
  readonly machine: Machine
  readonly #random: Random
  readonly #clock: SimClock
  /** How many steps of a thousand are power cuts. */
  readonly #cuts: number
  readonly #known = new Map<number, Known>()
  readonly #requests = new Set<unknown>()
  /** Each end that was asked for: a job may be pulled before its creation is answered. */
  readonly #ends = new Map<number, Set<string>>()
  readonly #events = new Map<number, string>()
  #running: Running[] = []
  #starting = 0
  #workers = 0
  #asked = 0
  answered = 0
  kills = 0
  cuts = 0
  wrong: string[] = []

  constructor(seed: number, faults: Faults, clock: SimClock) {
    this.#clock = clock
    this.#random = new Random(seed)
    this.#cuts = this.#random.pick([6, 20, 50])
    this.machine = new Machine(new Random(seed + 77), faults)
  }

  async run(steps: number): Promise<void> {
    await this.#withoutFaults(() => this.#start())
    for (let step = 0; step < steps && this.wrong.length === 0; step++) {
      const fate = this.#random.below(1000)
      if (fate < this.#cuts) await this.#cut()
      else if (fate < 60) this.#kill()
      else if (fate < 100 || this.#running.length === 0) this.#begin()
      else this.#step(this.#random.pick(this.#running))
      if (this.#random.chance(0.5)) await this.#turn(this.#random.below(6))
    }
    if (this.wrong.length === 0) await this.#cut()
  }

  async #turn(times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      if (this.#random.chance(0.3)) this.#clock.advance(this.#random.below(20))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** While others go on: the power may go before it is done, or a sync fail. */
  #begin(): void {
    if (this.#running.length + this.#starting >= 3) return
    const { boot } = this.machine
    this.#starting++
    this.#start()
      .catch(() => {})
      .finally(() => {
        if (boot === this.machine.boot) this.#starting--
      })
  }

  async #start(): Promise<void> {
    const process = new Process(this.machine, ++this.#workers)
    const loaded = await load(process, simLines)
    const store = new JobStore({
      disk: process,
      lines: simLines,
      lives: process.lives,
      watch: (onEvent) => {
        const watcher = () => process.isDead || onEvent(true)
        return { on: () => this.machine.watchers.add(watcher), off: () => this.machine.watchers.delete(watcher) }
      },
      loaded,
      synced: true,
      leaseMs: 60_000,
      retention: 1e9,
      now: () => Date.now(),
      pid: 1000 + this.#workers,
    })
    const running = { process, store, pulled: [] }
    this.#running.push(running)
    this.#follow(running)
  }

  async #withoutFaults<T>(work: () => Promise<T>): Promise<T> {
    const { faults } = this.machine
    this.machine.faults = { ...faults, failing: 0 }
    try {
      return await work()
    } finally {
      this.machine.faults = faults
    }
  }

  /** What is told as an event is on disk. */
  async #follow({ store, process }: Running): Promise<void> {
    try {
      for await (const { position, ...event } of store.events()) {
        if (process.isDead) return
        this.#expectSame(position, JSON.stringify(event))
      }
    } catch {
      // Of a dead process, or one that compaction has left behind.
    }
  }

  #expectSame(position: number, event: string): void {
    const known = this.#events.get(position)
    if (known !== undefined && known !== event) this.wrong.push(`event ${position} was ${known}, and is ${event}`)
    this.#events.set(position, event)
  }

  #step(running: Running): void {
    const { store, pulled } = running
    const ids = [...this.#known.keys()]
    const id = ids.length > 0 ? this.#random.pick(ids) : 0
    const known = this.#known.get(id)
    const what = this.#random.below(100)
    if (what < 35 || !known) this.#create(running)
    else if (what < 55) this.#answer(running, store.pullJob(), (job) => job && pulled.push(job))
    else if (what < 72 && pulled.length > 0) this.#end(running, pulled.splice(this.#random.below(pulled.length), 1)[0]!)
    else if (what < 80) this.#ended(running, id, `fulfilled ${++this.#asked}`, store.fulfill(id, `${this.#asked}`))
    else if (what < 84) this.#ended(running, id, 'cancelled', store.cancel(id))
    else if (what < 88) {
      const target = `t${++this.#asked}`
      this.#answer(running, store.queue(id, target), () => known.targets.add(target))
    } else if (what < 96) this.#get(running, id, known)
    else if (what < 98) this.#answer(running, store.verify(), () => {})
    else this.#answer(running, store.compact(), () => {})
  }

  #create(running: Running): void {
    const request = { n: ++this.#asked, text: 'x'.repeat(this.#random.below(this.#random.chance(0.1) ? 400 : 20)) }
    this.#requests.add(JSON.stringify(request))
    this.#answer(running, running.store.create(request), ({ id }) => {
      if (this.#known.has(id)) this.wrong.push(`job ${id} was created twice`)
      this.#known.set(id, { request, answered: undefined, targets: new Set(), isTouched: false })
    })
  }

  #end(running: Running, job: PulledJob): void {
    const value = `${++this.#asked}`
    if (this.#random.chance(0.7)) this.#ended(running, job.id, `fulfilled ${value}`, job.fulfill(value))
    else if (this.#random.chance(0.5)) this.#ended(running, job.id, 'failed', job.fail('x'))
    else this.#answer(running, job.release(), () => {})
  }

  #ended(running: Running, id: number, end: string, promise: Promise<void>): void {
    const known = this.#known.get(id)
    const ends = this.#ends.get(id)
    if (ends) ends.add(end)
    else this.#ends.set(id, new Set([end]))
    this.#answer(running, promise, () => {
      if (known?.answered && known.answered !== end) this.wrong.push(`job ${id} was ${known.answered}, and then ${end}`)
      if (known) known.answered = end
    })
  }

  #answer<T>({ process }: Running, promise: Promise<T>, then: (value: T) => void): void {
    promise.then(
      (value) => {
        if (process.isDead) return
        this.answered++
        then(value)
      },
      () => {},
    )
  }

  /** It may be answered with what was so when it was asked, though more was answered since. */
  #get(running: Running, id: number, known: Known): void {
    const { answered } = known
    const targets = [...known.targets]
    this.#answer(running, running.store.get(id), (job) => this.#expectKnown(id, job, { answered, targets }))
  }

  #expectKnown(
    id: number,
    job: { state: string; request: unknown; value: Buffer | null; waiting: unknown[] } | undefined,
    before: { answered: string | undefined; targets: Iterable<string> } = this.#known.get(id)!,
  ): void {
    const known = this.#known.get(id)!
    if (!job) {
      this.wrong.push(`job ${id} was answered, and is gone`)
      return
    }
    if (JSON.stringify(job.request) !== JSON.stringify(known.request)) this.wrong.push(`job ${id} has another request`)
    const end = job.state === 'fulfilled' ? `fulfilled ${job.value}` : job.state
    const isEnd = ['fulfilled', 'failed', 'cancelled'].includes(job.state)
    if (isEnd && !this.#ends.get(id)?.has(end)) this.wrong.push(`job ${id} is ${end}, which nobody asked for`)
    if (before.answered && before.answered !== end) this.wrong.push(`job ${id} was ${before.answered}, and is ${end}`)
    for (const target of before.targets)
      if (!job.waiting.includes(target)) this.wrong.push(`job ${id} lost target ${target}`)
    // It was told: so it is what it was from now on.
    if (isEnd) {
      if (known.answered && known.answered !== end) this.wrong.push(`job ${id} was ${known.answered}, and is ${end}`)
      known.answered = end
    }
  }

  #kill(): void {
    const [killed] = this.#running.splice(this.#random.below(this.#running.length), 1)
    killed?.process.kill()
    this.kills++
  }

  /** The power goes; all that was answered has to be there again, and nothing that was never asked for. */
  async #cut(): Promise<void> {
    for (const { process } of this.#running) process.kill()
    this.#running = []
    this.#starting = 0
    this.machine.cut()
    this.cuts++
    await this.#withoutFaults(async () => {
      await this.#start()
      await this.#expectAll()
    })
  }

  async #expectAll(): Promise<void> {
    const { store } = this.#running[0]!
    const report = await store.verify()
    if (!report.ok) this.wrong.push(`damage after a power cut: ${JSON.stringify(report)}`)
    for (const id of this.#known.keys()) this.#expectKnown(id, await store.get(id))
    const { jobs } = await store.list({ limit: 1e6 })
    for (const { id, request } of jobs) {
      if (!this.#requests.has(JSON.stringify(request))) this.wrong.push(`job ${id} has a request that nobody made`)
    }
    this.#expectEvents()
    // Repaired is repaired.
    const again = await store.verify()
    if (!again.ok) this.wrong.push('damage at the second look')
  }

  /** Of what was told as an event: what compaction has not taken is still the same. */
  #expectEvents(): void {
    for (const [name, inode] of this.machine.folder) {
      if (!name.startsWith('journal-')) continue
      for (const line of wholeLines(inode.cached)) {
        const json = line.slice(9)
        if (!json.includes('"op"') || json.includes('"op":"seal"')) continue
        if (!this.machine.appended.has(json) && !this.#isRepeated(json))
          this.wrong.push(`a line that nobody appended: ${line}`)
      }
    }
  }

  /** Lines that a new segment repeats have lost their mark. */
  #isRepeated(json: string): boolean {
    this.#plain ??= new Set()
    if (this.#plainSize !== this.machine.appended.size) {
      for (const line of this.machine.appended) this.#plain.add(line.replace(/"d":\d+,/, ''))
      this.#plainSize = this.machine.appended.size
    }
    return this.#plain.has(json)
  }

  #plain: Set<string> | undefined
  #plainSize = 0
}

function wholeLines(bytes: Buffer): string[] {
  return bytes.toString('utf8', 0, simLines.whole(bytes, 0, bytes.length)).split('\n')
}
