import { constants, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { fifoJobserver } from './jobserver.ts'
import {
  childrenOf,
  contextSwitches,
  cpuOf,
  flagsOf,
  openFdCount,
  run,
  scrubbed,
  start,
  tempDir,
  waitFor,
} from './processes.ts'

const isAlive = (pid: number): boolean => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}

describe('run', () => {
  test('tells code, output and error output', async () => {
    const result = await run(['sh', '-c', 'cat; echo oops >&2; exit 5'], { input: 'hello' })
    expect(result).toEqual({ code: 5, signal: null, stdout: 'hello', stderr: 'oops\n' })
  })

  test('tells the signal', async () => {
    expect(await run(['sh', '-c', 'kill -TERM $$'])).toMatchObject({ code: null, signal: 'SIGTERM' })
  })

  test('fails when there is no such command', async () => {
    await expect(run(['/nonexistent/command'])).rejects.toThrow(/ENOENT/)
  })

  test('keeps the environment but for what names a jobserver or a pool', () => {
    const names = { MAKEFLAGS: 'x', MFLAGS: 'x', MAKELEVEL: '1', CARGO_MAKEFLAGS: 'x', JOBSLOT_POOL: 'x', HOME: '/h' }
    expect(scrubbed(names)).toEqual({ HOME: '/h' })
    expect(scrubbed(names, { MAKEFLAGS: 'y', HOME: undefined })).toEqual({ MAKEFLAGS: 'y', HOME: undefined })
  })

  test('hands on what env adds, and not what the test itself was given', async () => {
    vi.stubEnv('MAKEFLAGS', '-k')
    try {
      const { stdout } = await run(['sh', '-c', 'echo "$MAKEFLAGS,$ADDED"'], { env: { ADDED: 'yes' } })
      expect(stdout).toBe(',yes\n')
    } finally {
      vi.unstubAllEnvs()
    }
  })

  test('kills the whole group when time is up', async () => {
    const file = join(tempDir(), 'pid')
    const command = ['sh', '-c', `sleep 60 & echo $! > ${file}; echo begun; wait`]
    await expect(run(command, { timeout: 300 })).rejects.toThrow(/after 300 ms .* runs on\nbegun/s)
    await waitFor(() => !isAlive(Number(readFileSync(file, 'utf8'))))
  })

  test('says when it is only the output that is still open', async () => {
    const file = join(tempDir(), 'pid')
    const command = ['sh', '-c', `sleep 60 & echo $! > ${file}`]
    await expect(run(command, { timeout: 300 })).rejects.toThrow(/has ended, but its output is open/)
    await waitFor(() => !isAlive(Number(readFileSync(file, 'utf8'))))
  })
})

describe('after a test', () => {
  let dir: string
  let pid: number

  test('(one that leaves a folder and a process)', () => {
    dir = tempDir()
    writeFileSync(join(dir, 'file'), '')
    pid = start(['sleep', '60']).pid
    expect(existsSync(dir) && isAlive(pid)).toBe(true)
  })

  test('its folder is gone and its process is dead', async () => {
    expect(existsSync(dir)).toBe(false)
    await waitFor(() => !isAlive(pid))
  })
})

describe('what /proc tells', () => {
  test('flagsOf follows another process', async () => {
    const { pid } = start(['sh', '-c', 'dd iflag=nonblock status=none count=0; sleep 60'], { input: '' })
    const { path } = fifoJobserver(tempDir(), Buffer.alloc(0))
    const blocking = start(['sh', '-c', 'exec sleep 60 7<>"$0"', path])
    await waitFor(() => (flagsOf(pid, 0) & constants.O_NONBLOCK) !== 0)
    await waitFor(() => existsSync(`/proc/${blocking.pid}/fd/7`))
    expect(flagsOf(blocking.pid, 7) & (constants.O_NONBLOCK | constants.O_RDWR)).toBe(constants.O_RDWR)
  })

  test('cpuOf tells the busy from the idle', async () => {
    const busy = start(['sh', '-c', 'while :; do :; done'])
    const idle = start(['sleep', '60'])
    await waitFor(() => cpuOf(busy.pid) >= 100)
    expect(cpuOf(idle.pid)).toBeLessThan(20)
  })

  test('contextSwitches stand still while a process sleeps, and count its wake-ups', async () => {
    const asleep = start(['sleep', '60'])
    const waking = start(['sh', '-c', 'while :; do sleep 0.01; done'])
    await waitFor(() => childrenOf(waking.pid).length > 0)
    const [before, wakingBefore] = [contextSwitches(asleep.pid), contextSwitches(waking.pid)]
    await waitFor(() => contextSwitches(waking.pid) >= wakingBefore + 10)
    expect(contextSwitches(asleep.pid)).toBe(before)
  })

  test('childrenOf and openFdCount', async () => {
    const three = start(['sleep', '60'])
    const five = start(['sh', '-c', 'exec 7</dev/null 8</dev/null; sleep 60 & sleep 60 & wait'])
    await waitFor(() => childrenOf(five.pid).length === 2)
    expect(childrenOf(three.pid)).toEqual([])
    expect(childrenOf(process.pid)).toEqual(expect.arrayContaining([three.pid, five.pid]))
    expect(openFdCount(five.pid)).toBe(openFdCount(three.pid) + 2)
  })

  test('waitFor says what it waited for', async () => {
    await expect(waitFor(() => false, 20, 'the end of the world')).rejects.toThrow('20 ms')
    await expect(waitFor(async () => false, 20, 'the end of the world')).rejects.toThrow('the end of the world')
  })
})
