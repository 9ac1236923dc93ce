import { constants, existsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { distinctTokens, fifoJobserver, namedJobserver, pipeJobserver, sortedHex } from './jobserver.ts'
import { flagsOf, run, tempDir } from './processes.ts'

describe('a jobserver in a process of its own', () => {
  const tokens = distinctTokens(5)
  const all = sortedHex(tokens)

  test('tokens all differ', () => {
    expect(new Set(distinctTokens(256)).size).toBe(256)
    expect(Math.max(...tokens)).toBeGreaterThan(127)
  })

  test.for([
    [3, 4],
    [4, 3],
    [20, 21],
    [5, 3],
  ] as const)('pipe at %i and %i', async ([read, write]) => {
    const jobserver = pipeJobserver(tokens, { read, write })
    const list = 'echo "$MAKEFLAGS|$MAKELEVEL|$PIPESERVER_REPORT"; exec find /proc/self/fd -printf "%f=%l\\n"'
    const { stdout } = await run(jobserver.around(['sh', '-c', list]))
    const [told, ...open] = stdout.trimEnd().split('\n')
    expect(told).toBe(` -j6 --jobserver-fds=${read},${write} --jobserver-auth=${read},${write}|1|`)

    // These two numbers and no other are the pipe; the shell may have been given more by whoever started the tests.
    const links = new Map(open.map((line) => line.split('=') as [string, string]))
    const pipe = links.get(String(read))
    expect(pipe).toMatch(/^pipe:/)
    const numbers = [...links.keys()].filter((fd) => links.get(fd) === pipe).map(Number)
    expect(numbers.sort((a, b) => a - b)).toEqual([read, write].sort((a, b) => a - b))

    const flags = [constants.O_RDONLY, constants.O_WRONLY]
    expect(jobserver.report()).toEqual({
      tokens: all,
      status: 0,
      signal: 0,
      flagsBefore: flags,
      flagsAfter: flags,
    })
  })

  test('fifo by its path, spaces as make writes them', async () => {
    const path = join(tempDir(), 'a fifo')
    const jobserver = namedJobserver(path, tokens)
    const list = 'echo "$MAKEFLAGS"; test -p "$0" && exec find /proc/self/fd -lname "$0"'
    const { stdout } = await run(jobserver.around(['sh', '-c', list, path]))
    expect(stdout).toBe(` -j6 --jobserver-auth=fifo:${path.replace('a fifo', 'a\\ fifo')}\n`)
    expect(jobserver.report()).toMatchObject({ tokens: all, status: 0 })
    expect(existsSync(path)).toBe(false)
  })

  test('a token that was not given back is missing', async () => {
    const jobserver = pipeJobserver(tokens)
    await run(jobserver.around(['dd', 'bs=1', 'count=1', 'status=none', 'if=/dev/fd/3', 'of=/dev/null']))
    expect(jobserver.report().tokens).toBe(sortedHex(tokens.subarray(1)))
  })

  test('a token that was given back as another byte shows', async () => {
    const jobserver = pipeJobserver(tokens)
    await run(jobserver.around(['sh', '-c', 'dd bs=1 count=1 status=none <&3 >/dev/null; printf + >&4']))
    expect(jobserver.report().tokens).toBe(sortedHex(Buffer.from([...tokens.subarray(1), 0x2b])))
  })

  test('a flag that the client sets on the shared description shows', async () => {
    const jobserver = pipeJobserver(tokens)
    await run(jobserver.around(['sh', '-c', 'dd iflag=nonblock count=0 status=none <&3']))
    const { flagsBefore, flagsAfter } = jobserver.report()
    expect(flagsBefore).toEqual([0, 1])
    expect(flagsAfter).toEqual([constants.O_NONBLOCK, 1])
  })

  test('ends as its command did', async () => {
    const exits = pipeJobserver(tokens)
    expect(await run(exits.around(['sh', '-c', 'exit 7']))).toMatchObject({ code: 7 })
    expect(exits.report()).toMatchObject({ status: 7, signal: 0 })
    const killed = pipeJobserver(tokens)
    expect(await run(killed.around(['sh', '-c', 'kill -TERM $$']))).toMatchObject({ code: 128 + 15 })
    expect(killed.report()).toMatchObject({ signal: 15, tokens: all })
    expect(await run(pipeJobserver(tokens).around(['/nonexistent']))).toMatchObject({ code: 127 })
  })

  test('with no token there is the implicit slot', async () => {
    const jobserver = pipeJobserver(Buffer.alloc(0))
    const { stdout } = await run(jobserver.around(['sh', '-c', 'echo "$MAKEFLAGS"']))
    expect(stdout).toMatch(/^ -j1 /)
    expect(jobserver.report().tokens).toBe('')
  })
})

describe('a jobserver in this process', () => {
  test('a FIFO with the tokens in it', async () => {
    const tokens = distinctTokens(4)
    const { path, readFd, writeFd, makeflags, drain } = fifoJobserver(tempDir(), tokens)
    expect(makeflags).toBe(` -j5 --jobserver-auth=fifo:${path}`)
    expect(flagsOf(process.pid, readFd) & constants.O_NONBLOCK).toBe(0)

    const { stdout } = await run(['dd', 'bs=1', 'count=1', 'status=none', `if=${path}`])
    expect(Buffer.from(stdout)).toEqual(tokens.subarray(0, 1))
    expect(drain()).toBe(sortedHex(tokens.subarray(1)))
    expect(drain()).toBe('')
    writeSync(writeFd, Buffer.from([0xff]))
    expect(drain()).toBe('ff')
  })
})
