// storm.mjs LIBRARY WAY SEED SECONDS BROKEN
// Keeps eight clients of the jobserver it was started under busy; where one ends, another begins. Sends them signals.
// At the end it prints one line of JSON: how they ended, what they did, and what went wrong. With BROKEN "true" it keeps a
// token, and the checker has to find out.
import { spawn } from 'node:child_process'
import { constants, openSync, readSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { random } from './storm-random.mjs'

const [library, way, seed, seconds, broken] = process.argv.slice(2)
const { below, pick } = random(Number(seed))
let until = Date.now() + 60_000
const ends = {}
const problems = []
const living = new Set()
let sent = 0
let asked = 0

/** Where the pipe is inherited from here on, as Node would not pass it on by itself. */
const pipe = process.env.MAKEFLAGS.includes('fifo:') ? [] : [3, 4]

const planned = ['exit', 'stay', 'throw', 'finish', 'stay', 'close']
const signals = ['SIGTERM', 'SIGINT', 'SIGHUP']
let started = 0

function start() {
  const member = new URL('storm-member.mjs', import.meta.url).pathname
  const end = planned[started++ % planned.length]
  const argv = [member, library, way, String(below(2 ** 31)), end, String(until)]
  const running = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe', ...pipe, 'ipc'] })
  let stderr = ''
  running.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  running.on('message', (message) => {
    if (message === 'connected') living.add(running)
    else asked++
  })
  return new Promise((resolve) => {
    running.on('close', (code, signal) => {
      living.delete(running)
      const ended = signal ?? (code === 1 && stderr.includes('OnPurpose') ? 'uncaught' : `exit ${code}`)
      ends[ended] = (ends[ended] ?? 0) + 1
      if (!['uncaught', 'exit 0', 'exit 3', ...signals].includes(ended)) problems.push(ended, stderr)
      resolve()
    })
    // Nothing that a member waits for takes seconds; to start it may, on a busy machine.
    setTimeout(
      () => {
        if (running.exitCode !== null || running.signalCode !== null) return
        problems.push('a member hangs')
        running.kill('SIGKILL')
      },
      until + 30_000 - Date.now(),
    ).unref()
  })
}

async function keepOneAlive() {
  while (Date.now() < until) await start()
}

async function sendSignals() {
  while (Date.now() < until) {
    await sleep(50 + below(150))
    const [...members] = living
    if (members.length > 0 && pick(members).kill(signals[sent % signals.length])) sent++
  }
}

// What a busy machine needs to start one is not of the storm's time.
await start()
until = Date.now() + Number(seconds) * 1000
await Promise.all([...Array.from({ length: 8 }, keepOneAlive), sendSignals()])
if (broken === 'true') {
  const path = /fifo:(\S+)/.exec(process.env.MAKEFLAGS)?.[1]
  readSync(path === undefined ? 3 : openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), Buffer.alloc(1))
}
console.log(JSON.stringify({ ends, signals: sent, asked, problems }))
