// storm.mjs LIBRARY WAY SEED SECONDS
// Keeps eight clients of the jobserver it was started under busy; where one ends, another begins. Sends them signals.
// At the end it prints one line of JSON: how they ended, and what went wrong.
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { random } from './storm-random.mjs'

const [library, way, seed, seconds] = process.argv.slice(2)
const { below, pick } = random(Number(seed))
const until = Date.now() + Number(seconds) * 1000
const ends = {}
const problems = []
const living = new Set()

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
  running.on('message', () => living.add(running))
  return new Promise((resolve) => {
    running.on('close', (code, signal) => {
      living.delete(running)
      const ended = signal ?? (code === 1 && stderr.includes('OnPurpose') ? 'uncaught' : `exit ${code}`)
      ends[ended] = (ends[ended] ?? 0) + 1
      if (!['uncaught', 'exit 0', 'exit 3', ...signals].includes(ended)) problems.push(ended, stderr)
      resolve()
    })
    // Nothing that a member waits for takes seconds.
    setTimeout(
      () => {
        if (running.exitCode !== null || running.signalCode !== null) return
        problems.push('a member hangs')
        running.kill('SIGKILL')
      },
      until + 10_000 - Date.now(),
    ).unref()
  })
}

async function keepOneAlive() {
  while (Date.now() < until) await start()
}

async function sendSignals() {
  for (let sent = 0; Date.now() < until; sent++) {
    await sleep(100 + below(200))
    const [...members] = living
    if (members.length > 0) pick(members).kill(signals[sent % signals.length])
  }
}

await Promise.all([...Array.from({ length: 8 }, keepOneAlive), sendSignals()])
console.log(JSON.stringify({ ends, problems }))
