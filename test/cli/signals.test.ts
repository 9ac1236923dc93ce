import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { available } from '../../src/fd.ts'
import { newState } from '../real/state.ts'
import { cli } from '../support/cli.ts'
import { distinctTokens, fifoJobserver, sortedHex } from '../support/jobserver.ts'
import { run, start, tempDir, waitFor } from '../support/processes.ts'
import { stormSeed } from '../torture/seed.ts'
import { Storm } from '../torture/storm.ts'
import { acquire } from './recipes.ts'
import { signalStorm } from './signal-storm.ts'
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
  // At least so long, and on a machine that is slow or has bad luck until the storm has hit all of their lives.
  test('leaves all tokens there', { timeout: 120_000 }, async () => {
    const storm = new Storm({ seed: stormSeed('signals'), ms: 15_000 })
    await signalStorm(storm, { longest: 80_000 })
    expect(storm.problems).toEqual([])
    expect(storm.kills).toBeGreaterThan(3)
  })
})
