import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { copyOfPackage } from '../client/program.ts'
import { newState } from '../real/state.ts'
import { distinctTokens, fifoJobserver } from '../support/jobserver.ts'
import { type Env, run, tempDir } from '../support/processes.ts'

const warning =
  /^jobslot: jobslot's addon cannot be loaded on .*: compile it in a clone of jobslot, .*; until then this goes on without a limit\n$/

describe('where this platform has no addon, and so no pools', () => {
  async function without(words: string[], env: Env = {}) {
    const file = join(dirname(copyOfPackage({ addon: false })), 'cli/main.cjs')
    return run([process.execPath, file, ...words], { env: { ...newState().env, ...env } })
  }

  test.for([
    ['run', '-j2', '--'],
    ['run', '--pool', 'ci', '--'],
    ['acquire', '--'],
    ['acquire', '--pool', 'ci', '-c', '1', '--'],
  ])('%s %s %s %s: one warning, and the command runs', async (words) => {
    const { code, stdout, stderr } = await without([...words, 'sh', '-c', 'echo ran; exit 3'])
    expect({ code, stdout }).toEqual({ code: 3, stdout: 'ran\n' })
    expect(stderr).toMatch(warning)
  })

  test.for([
    ['run', '--strict', '--'],
    ['acquire', '--strict', '--'],
  ])('%s %s: 69, and it does not run', async (words) => {
    const { code, stdout, stderr } = await without([...words, 'echo', 'ran'])
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
    expect(stderr).toMatch(/^jobslot: jobslot's addon cannot be loaded.*\n$/)
  })

  test.for([
    ['run', '--'],
    ['acquire', '--'],
  ])('%s %s under a jobserver', async (words) => {
    const { makeflags } = fifoJobserver(tempDir(), distinctTokens(2))
    const { code, stdout, stderr } = await without([...words, 'echo', 'ran'], { MAKEFLAGS: makeflags })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'ran\n' })
    expect(stderr).toMatch(warning)
  })

  test('nothing is held for a process, and no pool is set up', async () => {
    for (const words of [
      ['acquire', '--for', '1'],
      ['resize', '--pool', 'ci', '3'],
      ['status', '--pool', 'ci'],
    ]) {
      const { code, stdout, stderr } = await without(words)
      expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
      expect(stderr).toMatch(/^jobslot: jobslot's addon cannot be loaded.*\n$/)
    }
  })

  test('doctor', async () => {
    const json = await without(['doctor', '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ inForce: 'none', jobserver: null, pool: null })
    const { code, stdout } = await without(['doctor'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^limit in force: none\nwhy: .* this platform has no pools\n/)
  })
})
