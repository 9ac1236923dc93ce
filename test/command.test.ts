import { closeSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startCommand } from '../src/command.ts'
import { mkfifo } from '../src/fd.ts'
import { native } from '../src/native/load.ts'
import { readProcess } from '../src/proc.ts'
import { tempDir, waitFor } from './support/processes.ts'

/** What a command printed, and how it ended. */
async function outputOf(words: string[], options: { env?: NodeJS.ProcessEnv; more?: (number | 'ignore')[] } = {}) {
  const file = join(tempDir(), 'output')
  const [none, output] = [openSync('/dev/null', 'r'), openSync(file, 'w')]
  try {
    const stdio = [none, output, output, ...(options.more ?? [])]
    const ended = await startCommand(words, { env: options.env, stdio })?.ended
    return { ended, output: readFileSync(file, 'utf8') }
  } finally {
    closeSync(none)
    closeSync(output)
  }
}

const open = () => readdirSync('/proc/self/fd').length

describe('a command', () => {
  test('gets its words and its environment, and ends with its status', async () => {
    const env = { PATH: process.env.PATH, EMPTY: '', WORDS: 'one two', ABSENT: undefined }
    const words = ['sh', '-c', 'env | sort; printf "<%s>" "$@"; exit 7', 'sh', '', 'a b', 'ü']
    const { ended, output } = await outputOf(words, { env })
    expect(ended).toEqual({ code: 7, signal: null })
    expect(output).toMatch(/^EMPTY=\n(?:.*\n)*WORDS=one two\n<><a b><ü>$/)
    expect(output).not.toContain('ABSENT')
  })

  test('ends with its status also where no descriptor is left to wait for it', async () => {
    const wait = vi.spyOn(native(), 'waitProcess').mockReturnValueOnce(-constants.errno.EMFILE)
    onTestFinished(() => wait.mockRestore())
    const ended = startCommand(['sh', '-c', 'sleep 0.2; exit 3'], {})?.ended
    expect(wait).toHaveBeenCalled()
    expect(await ended).toEqual({ code: 3, signal: null })
  })

  test('has the descriptors that it is given, and no others of this process', async () => {
    const [first, second] = [openSync('/dev/null', 'r'), openSync('/dev/zero', 'r')]
    const script = 'for fd in 0 3 4 5 6; do readlink /proc/self/fd/$fd || echo none; done'
    const { output } = await outputOf(['sh', '-c', script], { more: ['ignore', second, 'ignore', first] })
    expect(output).toBe('/dev/null\nnone\n/dev/zero\nnone\n/dev/null\n')
    closeSync(first)
    closeSync(second)
  })

  test('may have them in each other’s places', async () => {
    const files = ['/dev/null', '/dev/zero', '/dev/full']
    const [a, b, c] = files.map((path) => openSync(path, 'r')) as [number, number, number]
    const more = Array.from({ length: Math.max(a, b, c) - 2 }, (): number | 'ignore' => 'ignore')
    ;[more[a - 3], more[b - 3], more[c - 3]] = [b, c, a]
    const script = `for fd in ${a} ${b} ${c}; do readlink /proc/self/fd/$fd; done`
    expect((await outputOf(['sh', '-c', script], { more })).output).toBe('/dev/zero\n/dev/full\n/dev/null\n')
    for (const fd of [a, b, c]) closeSync(fd)
  })

  test('has no signal ignored or blocked, though Node has', async () => {
    const { output } = await outputOf(['grep', '-E', 'SigBlk|SigIgn', '/proc/self/status'])
    const masks = output.match(/\b[0-9a-f]{16}\b/g)?.map((mask) => BigInt(`0x${mask}`))
    // Behind these come the C library's own.
    expect(masks?.map((mask) => mask & 0x7fffffffn)).toEqual([0n, 0n])
  })

  test('reads its standard input with waiting, whatever the description', async () => {
    const path = join(tempDir(), 'fifo')
    mkfifo(path)
    const { O_RDWR, O_NONBLOCK } = (await import('node:fs')).constants
    const fifo = openSync(path, O_RDWR | O_NONBLOCK)
    const command = startCommand(['sh', '-c', 'read line && test "$line" = word'], {
      stdio: [fifo, 'inherit', 'inherit'],
    })
    await waitFor(() => readProcess(command?.pid ?? 0)?.name === 'sh')
    writeSync(fifo, 'word\n')
    expect(await command?.ended).toEqual({ code: 0, signal: null })
    closeSync(fifo)
  })

  test('ends by a signal, and gets none after its end', async () => {
    const command = startCommand(['sleep', '60'], {})!
    command.kill('SIGTERM')
    expect(await command.ended).toEqual({ code: null, signal: 'SIGTERM' })
    expect(() => command.kill('SIGTERM')).not.toThrow()
    const realtime = startCommand(['sh', '-c', 'ulimit -c 0; kill -ABRT $$'], {})!
    expect(await realtime.ended).toEqual({ code: null, signal: 'SIGABRT' })
  })

  test('leaves nothing open, and no process', async () => {
    await outputOf(['true'])
    const before = open()
    const commands = Array.from({ length: 20 }, () => startCommand(['true'], {})!)
    await Promise.all(commands.map(({ ended }) => ended))
    expect(open()).toBe(before)
    expect(commands.filter(({ pid }) => readProcess(pid)?.parent === process.pid)).toEqual([])
  })
})

describe('is left to spawn', () => {
  test.for([
    ['that is not there', ['no-such-command']],
    ['that cannot be run', ['/']],
    ['that is none', ['']],
    ['with a zero byte', ['echo', 'a\0b']],
    ['that is told more than fits', ['true', 'x'.repeat(3_000_000)]],
  ] as const)('a command %s', ([, words]) => {
    const before = open()
    expect(startCommand(words, {})).toBe(null)
    expect(open()).toBe(before)
  })

  test('one that is to be looked for along another PATH', () => {
    expect(startCommand(['true'], { env: { PATH: '/nowhere' } })).toBe(null)
  })

  test('one with a pipe, or without standard streams', () => {
    for (const stdio of ['pipe', 'ignore', ['inherit', 'pipe', 'inherit'], ['inherit'], ['ignore', 1, 2]] as const) {
      expect(startCommand(['true'], { stdio: typeof stdio === 'string' ? stdio : [...stdio] })).toBe(null)
    }
  })
})

test('a script without a first line is run by the shell', async () => {
  const path = join(tempDir(), 'script')
  writeFileSync(path, 'echo $1; exit 3\n', { mode: 0o755 })
  const { ended, output } = await outputOf([path, 'word'])
  expect({ ended, output }).toEqual({ ended: { code: 3, signal: null }, output: 'word\n' })
})
