import { spawn } from 'node:child_process'
import { readSync } from 'node:fs'
import { newState } from '../real/state.ts'
import { cli } from '../support/cli.ts'
import { distinctTokens, type FifoJobserver, fifoJobserver, sortedHex } from '../support/jobserver.ts'
import { type Env, run, scrubbed, tempDir } from '../support/processes.ts'
import type { Storm } from '../torture/storm.ts'

const kinds = [
  ['acquire', '-c', '2', '--'],
  ['acquire', '-c', '1..4', '--'],
  ['acquire', '-c', '4', '--'],
  ['run', '-j3', '--'],
  ['run', '--'],
]
const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/**
 * Commands of jobslot under one jobserver, each of which gets a signal at some time of its life. Afterwards all tokens are
 * there, each as the byte it was, and no file. They end by themselves or by the signal, and in no other way, and goes on
 * until all four have happened, or for `longest` ms.
 */
export async function signalStorm(storm: Storm, { longest = 0 } = {}): Promise<void> {
  const state = newState()
  const tokens = distinctTokens(4)
  const jobserver = fifoJobserver(tempDir(), tokens)
  const outcomes = new Set<string>()
  const expected = ['0', ...signals]
  const began = performance.now()
  const hasAll = () => expected.every((end) => outcomes.has(end))
  const isOver = () => storm.isOver && (storm.isStopped || hasAll() || performance.now() - began > longest)
  const one = command(storm, jobserver, state.env)
  storm.begin()
  await Promise.all(
    Array.from({ length: 5 }, async () => {
      while (!isOver()) outcomes.add(await one())
    }),
  )
  if (storm.isCanary) readSync(jobserver.readFd, Buffer.alloc(1))
  const left = jobserver.drain()
  storm.check(left === sortedHex(tokens), `the tokens were ${sortedHex(tokens)} and are ${left}`)
  const others = [...outcomes].filter((outcome) => !expected.includes(outcome))
  storm.check(others.length === 0, `commands ended otherwise than by their signal: ${others}`)

  // What killed ones have left is removed by the next.
  await run([...cli, 'run', '-j1', 'true'], { env: state.env })
  const { code } = await run([...cli, 'acquire', 'true'], { env: { ...state.env, MAKEFLAGS: jobserver.makeflags } })
  storm.check(code === 0, 'the jobserver is of no use any more')
  await storm.soon(
    () => state.left().length === 0,
    1000,
    () => `files are left: ${state.left()}`,
  )
}

/** Runs one, by the jobserver's path or at the descriptors 20 and 21; gives how it ended. */
function command(storm: Storm, jobserver: FifoJobserver, env: Env): () => Promise<string> {
  /** How long one runs that is left alone, and a little more. */
  let lasts = 1000
  return () => {
    const pipe = storm.chance(0.5)
    const MAKEFLAGS = pipe ? ' -j8 --jobserver-auth=20,21' : ` -j8 --jobserver-auth=fifo:${jobserver.path}`
    const ends20 = [...Array(17).fill('ignore'), jobserver.readFd, jobserver.writeFd]
    const began = performance.now()
    const [node = '', ...words] = [...cli, ...storm.pick(kinds), 'sh', '-c', `sleep 0.0${storm.pick([0, 2, 5])}`]
    const child = spawn(node, words, {
      env: scrubbed(process.env, { ...env, MAKEFLAGS }),
      stdio: ['ignore', 'ignore', 'pipe', ...(pipe ? ends20 : [])],
      detached: true,
    })
    let stderr = ''
    child.stderr!.setEncoding('utf8').on('data', (text) => {
      stderr += text
    })
    const signal = storm.pick(signals)
    const group = storm.chance(0.3)
    const timer = setTimeout(
      () => {
        try {
          if (!(group ? process.kill(-child.pid!, signal) : child.kill(signal))) return
          storm.kills++
        } catch {
          // It ended meanwhile.
        }
      },
      storm.below(Math.ceil(lasts)),
    )
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, by) => {
        clearTimeout(timer)
        if (code === 0) lasts = 0.8 * lasts + 0.2 * 1.3 * (performance.now() - began)
        storm.operations++
        const bad = stderr.replaceAll(/^jobslot: waiting for .*\n/gm, '')
        storm.check(bad === '', `a command said: ${bad}`)
        resolve(`${code ?? by}`)
      })
    })
  }
}
