import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli } from '../support/cli.ts'
import { childrenOf, run, start, tempDir, waitFor } from '../support/processes.ts'
import { makeProject } from '../support/projects.ts'
import { readSpans } from '../support/spans.ts'
import { requireTool } from '../support/tools.ts'
import { newState } from './state.ts'

/** SIGKILL leaves a client no time to give its tokens back: `run` says how many are gone. */

const limit = 4
const killed = join(import.meta.dirname, 'fixtures/killed.mjs')
const styles = ['pipe', 'fifo'] as const

describe('run tells of tokens that were not given back', () => {
  test.for(styles.flatMap((style) => [[style, 2, '1 token was'] as const, [style, 4, '3 tokens were'] as const]))(
    '%s, a Node client that had %i slots',
    async ([style, slots, what]) => {
      const state = newState()
      const script = `${process.execPath} ${killed} ${slots}; exit 5`
      const argv = [...cli, 'run', `-j${limit}`, '--style', style, '--', 'sh', '-c', script]
      const { code, stderr } = await run(argv, { env: state.env })
      // The status is the command's still.
      expect(code).toBe(5)
      // The shell says `Killed`, if it likes.
      expect(stderr.match(/^jobslot: .*$/gm)).toEqual([
        `jobslot: ${what} not given back: a client was killed, or still runs in the background`,
      ])
      expect(state.left()).toEqual([])
    },
  )

  test.for([
    ['make43', 'pipe'],
    ['make44', 'pipe'],
    ['make44', 'fifo'],
  ] as const)('%s, %s', async ([name, style], ctx) => {
    const project = makeProject(tempDir(), { jobs: 8, ms: 3000, make: requireTool(name, ctx) })
    const state = newState()
    const argv = [...cli, 'run', `-j${limit}`, '--style', style, '--', ...project.argv]
    const running = start(argv, { cwd: project.cwd, env: state.env })
    await waitFor(() => readSpans(project.spans).length === limit, 20_000)
    process.kill(childrenOf(running.pid)[0]!, 'SIGKILL')
    // Its jobs run on, and hold stderr open: what there is to say is said before they end.
    const { signal, stderr } = await running.result
    expect(signal).toBe('SIGKILL')
    expect(stderr).toBe('jobslot: 3 tokens were not given back: a client was killed, or still runs in the background\n')
    expect(state.left()).toEqual([])
  })
})

describe('run tells of tokens that nobody had taken', () => {
  test.for([
    ['pipe', 'printf ++ >&21'],
    ['fifo', 'printf ++ >"$(echo "$MAKEFLAGS" | sed "s/.*fifo://")"'],
  ] as const)('%s', async ([style, script]) => {
    const state = newState()
    const argv = [...cli, 'run', `-j${limit}`, '--style', style, '--', 'bash', '-c', script]
    const { code, stderr } = await run(argv, { env: state.env })
    expect(code).toBe(0)
    expect(stderr).toMatch(/^jobslot: 2 tokens were given back that nobody had taken: .*\n$/)
    expect(state.left()).toEqual([])
  })
})
