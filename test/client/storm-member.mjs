// storm-member.mjs LIBRARY WAY SEED END UNTIL_MS
// One process of a storm: does whatever a client can do, in any order, until it ends in any way; see storm.mjs.
import { readFileSync } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { random } from './storm-random.mjs'

const [library, way, seed, end, until] = process.argv.slice(2)
const load = (module) => import(new URL(module, library))
const { connect } = await load('index.js')
const { below, chance, pick } = random(Number(seed))

let client = await connectAgain()
let ending = false

/** The way that was asked for, or the one that `connect` chooses. */
async function connectAgain() {
  if (way === 'any') return connect({ strict: true, releaseOnSignal: true })
  const [{ Client }, { SlotQueue }, { openJobserver }, { releaseOnSignal }, { parseMakeflags }] = await Promise.all([
    load('client/client.js'),
    load('client/slot-queue.js'),
    load('client/open-jobserver.js'),
    load('client/release-on-signal.js'),
    load('makeflags/index.js'),
  ])
  const auth = parseMakeflags(process.env.MAKEFLAGS).jobserver
  const opened = openJobserver(auth, way)
  const queue = new SlotQueue(opened.makeSource(), { implicit: true })
  releaseOnSignal()
  const child = { hand: 'nothing' }
  return new Client({ queue, identity: null, auth, jobs: null, load: null, problem: null, child })
}

const expected = new Set([
  'ERR_JOBSLOT_TIMEOUT',
  'ERR_JOBSLOT_CLOSED',
  'ERR_JOBSLOT_CLEARED',
  'AbortError',
  'TimeoutError',
])

/** What comes of waiting is a slot, or one of the reasons why not. */
async function attempt(ask) {
  try {
    return await ask()
  } catch (error) {
    if (!expected.has(error.code) && !expected.has(error.name)) throw error
    return null
  }
}

const work = () => (chance(0.3) ? nextTurn() : sleep(below(4)))

function aborted() {
  const controller = new AbortController()
  const abort = () => controller.abort()
  if (chance(0.2)) queueMicrotask(abort)
  else if (chance(0.3)) setImmediate(abort)
  else setTimeout(abort, below(6))
  return controller.signal
}

const asks = [
  () => client.acquire(),
  () => client.acquire({ timeout: below(6) }),
  () => client.acquire({ signal: aborted() }),
  () => client.acquire({ signal: AbortSignal.timeout(below(6)), timeout: below(6) }),
  () => client.acquireSync({ timeout: below(6) }),
  () => client.tryAcquire(),
  () => client.run(work, { timeout: 20 }).then(() => null),
  () => client.limit(work).then(() => null),
  () => client.limit.map([1, 2, 3], work).then(() => null),
]

async function act() {
  process.send?.('asks')
  const slot = await attempt(pick(asks))
  if (!slot) return
  if (!ending) await work()
  if (ending) return
  slot.release()
  if (chance(0.1)) slot.release()
}

async function caller() {
  while (!ending) {
    await act()
    if (chance(0.01)) client.limit.clearQueue()
    if (chance(0.005)) {
      client.close()
      client = await connectAgain()
    }
  }
}

class OnPurpose extends Error {}

const ends = {
  exit: () => process.exit(3),
  throw() {
    throw new OnPurpose()
  },
  // What is held then is held until there is nothing left to do.
  finish() {
    ending = true
  },
  close() {
    ending = true
    client.close()
  },
  // Until a signal comes.
  stay() {},
}

if (!readFileSync('/proc/self/maps', 'latin1').includes('jobslot.node')) throw new Error('the addon is not in use')
process.send('connected')
for (let i = 0; i < 3; i++) void caller()
setTimeout(ends[end], 50 + below(500)).unref()
setTimeout(() => process.exit(3), Math.max(0, Number(until) - Date.now())).unref()
