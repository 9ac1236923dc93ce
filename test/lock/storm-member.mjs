// storm-member.mjs LIBRARY FOLDER LOG SEED BROKEN
// One process of a storm on locks: takes and holds them in every way, and writes down when. With BROKEN "true" it only
// says so, and the checker has to find out.
import { openSync, writeSync } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { random } from '../client/storm-random.mjs'

const [library, dir, log, seed, broken] = process.argv.slice(2)
const { lock, lockFile, tryLock, tryLockFile } = await import(library)
const { below, chance, pick } = random(Number(seed))
const { pid } = process
const fd = openSync(log, 'a')
const say = (event) => writeSync(fd, `${JSON.stringify({ t: Number(process.hrtime.bigint()) / 1e6, pid, ...event })}\n`)

// The first two are never wanted together with another: there the checker knows best who is late.
const SINGLE = ['a', 'd/e']
const ALL = [...SINGLE, 'b', 'c']

function aborted() {
  const controller = new AbortController()
  const abort = () => controller.abort()
  if (chance(0.2)) queueMicrotask(abort)
  else if (chance(0.3)) setImmediate(abort)
  else setTimeout(abort, below(15))
  return controller.signal
}

const ways = [
  (names, options) => lock(names, { ...options, dir }),
  (names, options) => lock(names, { ...options, dir }),
  (names, options) => lock(names, { ...options, dir, timeout: below(30) }),
  (names, options) => lock(names, { ...options, dir, signal: aborted() }),
  (names, options) => tryLock(names, { ...options, dir }),
  ([name], options) => (name === 'a' ? lockFile(`${dir}/a`, options) : lock(name, { ...options, dir })),
  ([name], options) => (name === 'a' ? tryLockFile(`${dir}/a`, options) : tryLock(name, { ...options, dir })),
]

async function take(way, names, shared) {
  const label = chance(0.3) ? `of ${pid}, ${below(1000)}` : `of ${pid}`
  try {
    if (broken === 'true') return { release() {}, abandoned: [] }
    return await ways[way](names, { shared, label })
  } catch (error) {
    if (error.code !== 'ERR_JOBSLOT_TIMEOUT' && error.name !== 'AbortError') throw error
    return null
  }
}

console.log('begins')
for (;;) {
  const way = below(ways.length)
  const names = way < 5 && chance(0.2) ? ['c', 'b'] : [pick(ALL)]
  const shared = chance(0.4)
  say({ e: 'want', names })
  const held = await take(way, names, shared)
  if (!held) {
    say({ e: 'quit' })
    continue
  }
  const told = held.abandoned.map(({ name, pid: dead, label }) => {
    if (label.split(',')[0] !== `of ${dead}`) throw new Error(`the label of ${dead} is ${label}`)
    return { name: name.endsWith('/a') ? 'a' : name, pid: dead }
  })
  say({ e: 'begin', names, shared, told })
  if (chance(0.3)) await nextTurn()
  else if (chance(0.5)) await sleep(below(5))
  if (chance(0.005)) {
    say({ e: 'kill' })
    process.exit(0)
  }
  say({ e: 'end' })
  held.release()
  if (chance(0.1)) held.release()
  if (chance(0.3)) await sleep(below(5))
}
