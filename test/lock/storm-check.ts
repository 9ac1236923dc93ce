/**
 * Says what went wrong in a storm of processes that lock, by what they and their killer wrote down, each line with one
 * write at the end of one file: so the order of lines is the order of events. Pure.
 */

/** A process's name is its number: none of a storm has that of another. `t` is in ms. */
export type Event = { t: number } & (
  | { e: 'want'; pid: number; names: string[] }
  /** It holds the lock: written after it was taken. `told`: for each name whose holder died, that one's number. */
  | { e: 'begin'; pid: number; names: string[]; shared: boolean; told: { name: string; pid: number }[] }
  /** Written before the lock is released. */
  | { e: 'end'; pid: number }
  /** It waits no longer: timeout, abort, or `tryLock`. */
  | { e: 'quit'; pid: number }
  /** It is about to be killed, or to end holding what it holds. */
  | { e: 'kill'; pid: number }
  /** The killer was awake: a machine that stands still makes nobody late. */
  | { e: 'tick' }
)

export interface Verdict {
  problems: string[]
  taken: number
  kills: number
  told: number
  /** The longest that a lock was wanted and not held, in ms. */
  idle: number
  /** The longest wait. */
  wait: number
}

export const TICK_MS = 20

interface Limits {
  idle: number
  wait: number
}

interface Hold {
  names: string[]
  shared: boolean
}

export function check(events: readonly Event[], limits: Limits): Verdict {
  const holds = new Map<number, Hold>()
  const wants = new Map<number, { names: string[]; ticks: number }>()
  const killed = new Set<number>()
  /** Name and process: killed holding it. */
  const left = new Set<string>()
  /** Killed wanting it: it may have had it, have been told of one who died before, and told nobody. */
  const dumb = new Set<string>()
  const told = new Set<string>()
  /** How many of those were told of, by name: each may have taken one with it. */
  const phantoms = new Map<string, number>()
  const idleTicks = new Map<string, number>()
  const verdict: Verdict = { problems: [], taken: 0, kills: 0, told: 0, idle: 0, wait: 0 }
  const problem = (event: Event, text: string) => verdict.problems.push(`${event.t.toFixed(1)}: ${text}`)

  const holdersOf = (name: string) => [...holds].filter(([, hold]) => hold.names.includes(name))

  const begin = (event: Event & { e: 'begin' }) => {
    const { pid, names, shared } = event
    if (!wants.has(pid) && !killed.has(pid)) problem(event, `${pid} begins what it did not want`)
    for (const name of names) {
      for (const [other, hold] of holdersOf(name)) {
        if (!shared || !hold.shared) problem(event, `${pid} and ${other} both hold ${name}`)
      }
    }
    for (const { name, pid: dead } of event.told) {
      const key = `${name} ${dead}`
      verdict.told++
      if (!killed.has(dead)) problem(event, `${pid} was told that ${dead} died holding ${name}, which lives`)
      if (told.has(key)) problem(event, `${pid} was told again that ${dead} died holding ${name}`)
      told.add(key)
      if (!left.delete(key) && dumb.has(key)) phantoms.set(name, (phantoms.get(name) ?? 0) + 1)
    }
    wants.delete(pid)
    verdict.taken++
    holds.set(pid, { names, shared })
    if (killed.has(pid)) die(pid)
  }

  /** The signal may come a moment after it was written down. */
  const die = (pid: number) => {
    killed.add(pid)
    for (const name of wants.get(pid)?.names ?? []) dumb.add(`${name} ${pid}`)
    for (const name of holds.get(pid)?.names ?? []) left.add(`${name} ${pid}`)
    wants.delete(pid)
    holds.delete(pid)
  }

  const end = (pid: number) => {
    holds.delete(pid)
    // It may have died before it released.
    for (const key of left) if (key.endsWith(` ${pid}`)) left.delete(key)
  }

  const tick = (event: Event) => {
    const wanted = new Set<string>()
    for (const [pid, want] of wants) {
      const waited = ++want.ticks * TICK_MS
      verdict.wait = Math.max(verdict.wait, waited)
      if (waited === limits.wait) problem(event, `${pid} waits for ${want.names} since ${limits.wait} ms`)
      for (const name of want.names) wanted.add(name)
    }
    // Whoever wants several may hold the first of them by now, and nobody knows.
    const several = new Set([...wants.values()].flatMap(({ names }) => (names.length > 1 ? names : [])))
    for (const name of wanted) {
      const stands = holdersOf(name).length === 0 && !several.has(name)
      const idle = stands ? (idleTicks.get(name) ?? 0) + 1 : 0
      idleTicks.set(name, idle)
      verdict.idle = Math.max(verdict.idle, idle * TICK_MS)
      if (idle * TICK_MS === limits.idle)
        problem(event, `${name} is wanted and nobody holds it since ${limits.idle} ms`)
    }
    for (const name of idleTicks.keys()) if (!wanted.has(name)) idleTicks.delete(name)
  }

  for (const event of events) {
    if (event.e === 'want') {
      wants.set(event.pid, { names: event.names, ticks: 0 })
      if (killed.has(event.pid)) die(event.pid)
    } else if (event.e === 'begin') {
      begin(event)
      for (const name of event.names) idleTicks.delete(name)
    } else if (event.e === 'end') end(event.pid)
    else if (event.e === 'quit') wants.delete(event.pid)
    else if (event.e === 'tick') tick(event)
    else {
      verdict.kills++
      die(event.pid)
    }
  }
  for (const key of left) {
    const name = key.slice(0, key.lastIndexOf(' '))
    const excuses = phantoms.get(name) ?? 0
    if (excuses > 0) phantoms.set(name, excuses - 1)
    else verdict.problems.push(`nobody was told that ${key.slice(name.length + 1)} died holding ${name}`)
  }
  return verdict
}
