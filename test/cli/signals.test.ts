import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { available } from '../../src/fd.ts'
import { newState } from '../real/state.ts'
import { cli } from '../support/cli.ts'
import { distinctTokens, fifoJobserver, sortedHex } from '../support/jobserver.ts'
import { run, scrubbed, start, tempDir, waitFor } from '../support/processes.ts'
import { acquire } from './recipes.ts'
import { runInTerminal } from './terminal.ts'

const signals = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const
/** Those with which batch systems warn of the end. */
const warnings = ['SIGUSR1', 'SIGUSR2', 'SIGXCPU'] as const

/** Each way in which a command comes to run, under a limit of three slots. */
const ways = [
  ['run', '--'],
  ['run', '-j2', '--'],
  ['acquire', '--'],
  ['acquire', '-c', '2', '--'],
]

/** Reports that it runs, and each signal that it gets; a second one or some seconds later it ends. */
const reporter = (exit: string) =>
  `for s in TERM HUP INT QUIT USR1 USR2 XCPU; do trap "echo $s; ${exit}" $s; done; touch ready; i=0; ` +
  'while [ $i -lt 100 ]; do sleep 0.05; i=$((i + 1)); done'

describe.for(ways)('jobslot %s %s %s %s, without a terminal', (...args) => {
  const words = args[0] as string[]

  function underThree(script: string) {
    const cwd = tempDir()
    const state = newState()
    const jobserver = fifoJobserver(tempDir(), distinctTokens(2))
    const env = { ...state.env, MAKEFLAGS: jobserver.makeflags }
    const running = start([...cli, ...words, 'sh', '-c', script], { cwd, env })
    const ready = () => waitFor(() => existsSync(join(cwd, 'ready')), 10_000)
    const expectAllBack = () => {
      expect(jobserver.drain()).toBe(sortedHex(distinctTokens(2)))
      expect(state.left()).toEqual([])
    }
    return { ...running, ready, expectAllBack }
  }

  test.for([...signals, ...warnings])('%s is passed on', async (signal) => {
    const { child, result, ready, expectAllBack } = underThree(reporter('exit 3'))
    await ready()
    child.kill(signal)
    expect(await result).toMatchObject({ code: 3, stdout: `${signal.slice(3)}\n`, stderr: '' })
    expectAllBack()
  })

  test.for(signals)('%s ends jobslot where it ends the command', async (signal) => {
    const { child, result, ready, expectAllBack } = underThree('ulimit -c 0; touch ready; exec sleep 60')
    await ready()
    child.kill(signal)
    expect(await result).toMatchObject({ code: null, signal, stderr: '' })
    expectAllBack()
  })

  test('a command that ignores it is waited for', async () => {
    const { child, result, ready, expectAllBack } = underThree('trap "" TERM; touch ready; sleep 0.5; echo end')
    await ready()
    child.kill('SIGTERM')
    expect(await result).toMatchObject({ code: 0, stdout: 'end\n' })
    expectAllBack()
  })
})

describe('during the wait for a slot', () => {
  test.for(signals)('%s ends jobslot, and all is given back', async (signal) => {
    const cwd = tempDir()
    const state = newState()
    const jobserver = fifoJobserver(tempDir(), distinctTokens(2))
    const env = { ...state.env, MAKEFLAGS: jobserver.makeflags.replace('-j3', '-j4') }
    // It holds what there is, two tokens and the slot of its own, and waits for a fourth.
    const { child, result } = start([...cli, 'acquire', '-c', '4', '--', 'touch', 'ran'], { cwd, env })
    await waitFor(() => available(jobserver.readFd) === 0, 10_000)
    child.kill(signal)
    expect(await result).toMatchObject({ code: null, signal, stdout: '' })
    expect(existsSync(join(cwd, 'ran'))).toBe(false)
    expect(jobserver.drain()).toBe(sortedHex(distinctTokens(2)))
    expect(state.left()).toEqual([])
  })

  test.for(signals)('%s ends one that waits for the slot of its recipe', async (signal) => {
    const cwd = tempDir()
    const state = newState()
    const jobserver = fifoJobserver(tempDir(), Buffer.alloc(0))
    const number = constants.signals[signal]
    // dash has commands in the background ignore INT and QUIT, as POSIX has it; Node takes them back.
    const script = `
      ulimit -c 0
      ${acquire} -- sh -c 'touch held; until [ -e end ]; do sleep 0.05; done' & holder=$!
      until [ -e held ]; do sleep 0.05; done
      ${acquire} -- touch ran & waiter=$!
      until grep -q acquire.--.touch /proc/$waiter/cmdline && ls -l /proc/$waiter/fd | grep -q recipes; do sleep 0.05; done
      kill -${number} $waiter; wait $waiter; echo $?
      touch end; wait $holder; echo $?`
    const env = { ...state.env, MAKEFLAGS: jobserver.makeflags }
    const { stdout } = await run(['sh', '-c', script], { cwd, env })
    expect(stdout).toBe(`${128 + number}\n0\n`)
    expect(existsSync(join(cwd, 'ran'))).toBe(false)
    expect(state.left()).toEqual([])
  })
})

describe('in a terminal', () => {
  const keys = [
    { name: 'Ctrl-C', key: '\x03', signal: 'INT', number: 2 },
    { name: 'Ctrl-\\', key: '\x1c', signal: 'QUIT', number: 3 },
  ]
  const env = () => {
    const { makeflags } = fifoJobserver(tempDir(), distinctTokens(2))
    return { ...newState().env, MAKEFLAGS: makeflags }
  }

  test.for(keys.flatMap((key) => ways.map((words) => ({ ...key, words }))))(
    '$name reaches the command of jobslot $words once',
    async ({ key, signal, words }, ctx) => {
      const script = `trap "echo got ${signal}" ${signal}; echo ready; for i in 1 2 3 4 5 6; do sleep 0.1; done; exit 5`
      const argv = [...cli, ...words, 'sh', '-c', script]
      const { stdout, stderr } = await runInTerminal(argv, { env: env(), at: 'ready', keys: key }, ctx)
      expect(stderr).toBe('ended with 5')
      expect(stdout.match(/got/g)).toHaveLength(1)
    },
  )

  test.for(keys)('$name ends the command, and jobslot with it', async ({ key, number }, ctx) => {
    const argv = [...cli, 'acquire', '--', 'sh', '-c', 'ulimit -c 0; echo ready; exec sleep 60']
    const { stderr } = await runInTerminal(argv, { env: env(), at: 'ready', keys: key }, ctx)
    expect(stderr).toBe(`ended by ${number}`)
  })

  test.for(keys)('$name ends the wait', async ({ key, number }, ctx) => {
    const argv = [...cli, 'acquire', '-c', '3', '--', 'touch', 'ran']
    const { MAKEFLAGS, ...rest } = env()
    const waiting = { ...rest, MAKEFLAGS: MAKEFLAGS.replace('-j3', '-j9') }
    const command = ['sh', '-c', 'ulimit -c 0; exec "$@"', 'sh', ...argv.map((word) => (word === '3' ? '9' : word))]
    const { stdout, stderr } = await runInTerminal(command, { env: waiting, at: 'waiting for 9', keys: key }, ctx)
    expect(stdout).toContain('waiting for 9 slots')
    expect(stderr).toBe(`ended by ${number}`)
  })
})

describe('a storm of signals', { retry: 0 }, () => {
  const seconds = 20
  const kinds = [
    ['acquire', '-c', '2', '--'],
    ['acquire', '-c', '1..4', '--'],
    ['acquire', '-c', '4', '--'],
    ['run', '-j3', '--'],
    ['run', '--'],
  ]
  const ends = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
  const any = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!

  test(`all tokens are there after ${seconds} s`, { timeout: 120_000 }, async () => {
    const state = newState()
    const tokens = distinctTokens(4)
    const jobserver = fifoJobserver(tempDir(), tokens)
    const outcomes = new Map<string, number>()
    /** How long one runs that is left alone, and a little more. */
    let longest = 1000

    /** By its path, or at the descriptors 20 and 21. */
    function one(): Promise<void> {
      const pipe = Math.random() < 0.5
      const MAKEFLAGS = pipe ? ' -j8 --jobserver-auth=20,21' : ` -j8 --jobserver-auth=fifo:${jobserver.path}`
      const ends20 = [...Array(17).fill('ignore'), jobserver.readFd, jobserver.writeFd]
      const began = performance.now()
      const [node = '', ...words] = [...cli, ...any(kinds), 'sh', '-c', `sleep 0.0${any([0, 2, 5])}`]
      const child = spawn(node, words, {
        env: scrubbed(process.env, { ...state.env, MAKEFLAGS }),
        stdio: ['ignore', 'ignore', 'pipe', ...(pipe ? ends20 : [])],
        detached: true,
      })
      let stderr = ''
      child.stderr!.setEncoding('utf8').on('data', (text) => {
        stderr += text
      })
      const signal = any(ends)
      const group = Math.random() < 0.3
      const timer = setTimeout(() => {
        try {
          if (group) process.kill(-child.pid!, signal)
          else child.kill(signal)
        } catch {
          // It ended meanwhile.
        }
      }, Math.random() * longest)
      return new Promise((resolve, reject) => {
        child.on('error', reject)
        child.on('close', (code, by) => {
          clearTimeout(timer)
          if (code === 0) longest = 0.8 * longest + 0.2 * 1.3 * (performance.now() - began)
          outcomes.set(`${code ?? by}`, (outcomes.get(`${code ?? by}`) ?? 0) + 1)
          const bad = stderr.replaceAll(/^jobslot: waiting for .*\n/gm, '')
          if (bad === '') resolve()
          else reject(new Error(bad))
        })
      })
    }

    // At least so long, and on a machine that is slow or has bad luck until the storm has hit all of their lives.
    const expected = ['0', 'SIGHUP', 'SIGINT', 'SIGTERM']
    const [until, latest] = [performance.now() + seconds * 1000, performance.now() + 80_000]
    const isOver = () =>
      performance.now() > latest || (performance.now() > until && expected.every((end) => outcomes.has(end)))
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        while (!isOver()) await one()
      }),
    )
    // Some ended by each signal, and some by themselves; and in no other way.
    expect({ tokens: jobserver.drain(), outcomes: [...outcomes.keys()].sort() }).toEqual({
      tokens: sortedHex(tokens),
      outcomes: expected,
    })

    await run([...cli, 'run', '-j1', 'true'], { env: state.env })
    expect(
      (await run([...cli, 'acquire', 'true'], { env: { ...state.env, MAKEFLAGS: jobserver.makeflags } })).code,
    ).toBe(0)
    await sleep(100)
    expect(state.left()).toEqual([])
  })
})
