import { closeSync, readSync as fsReadSync, fstatSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { available, close, dup, info, mkfifo, read, readSync, reopen, write } from '../../src/fd.ts'
import { flagsOf, tempDir } from '../support/processes.ts'
import { closeOnce, fdOf, fifoEnds, openMedium, pipeEnds, socketEnds } from './media.ts'
import { runProgram, startProgram } from './program.ts'
import { python } from './python.ts'

const O_NONBLOCK = 0o4000
const O_CLOEXEC = 0o2000000
const own = () => process.pid

function file(text: string): string {
  const path = join(tempDir(), 'file')
  writeFileSync(path, text)
  return path
}

describe('dup', () => {
  test('is a second descriptor of the same description, close-on-exec', () => {
    const fd = openSync(file('abcdef'), 'r')
    const second = dup(fd)
    expect(second).not.toBe(fd)
    expect(flagsOf(own(), second) & O_CLOEXEC).not.toBe(0)
    // The position is the description's.
    expect(fsReadSync(fd, Buffer.alloc(2))).toBe(2)
    expect(String(readSync(second, 2))).toBe('cd')
    closeSync(fd)
    expect(String(readSync(second, 2))).toBe('ef')
    close(second)
  })

  test('never gives one of the standard three numbers', async () => {
    expect(await runProgram('fs.closeSync(0); say(fd.dup(1))')).toBeGreaterThanOrEqual(3)
  })
})

describe('reopen', () => {
  test('is a description of its own: the other one stays as it was', async () => {
    for (const { readFd, writeFd } of [await pipeEnds(), fifoEnds()]) {
      const before = flagsOf(own(), readFd)
      const second = reopen(readFd)
      expect(flagsOf(own(), second) & O_NONBLOCK).not.toBe(0)
      expect(flagsOf(own(), readFd)).toBe(before)
      expect(info(second)).toMatchObject({ inode: info(readFd).inode, access: 'read', nonblocking: true })
      write(writeFd, Buffer.from('x'))
      expect(String(readSync(second, 1))).toBe('x')
      close(second)
    }
  })

  test('takes the access and the mode that it is told', async () => {
    const { readFd } = await pipeEnds()
    for (const access of ['read', 'write', 'both'] as const) {
      for (const nonblocking of [true, false]) {
        const second = reopen(readFd, { access, nonblocking })
        expect(info(second)).toMatchObject({ access, nonblocking, closeOnExec: true })
        close(second)
      }
    }
  })

  test('does not wait for the other end of a FIFO', async () => {
    const { readFd, writeFd } = fifoEnds()
    closeOnce(writeFd)
    // In another process: this one could not give up.
    const program = startProgram(
      'for (const nonblocking of [true, false]) say(fd.info(fd.reopen(3, { nonblocking })))',
      {
        fds: [readFd],
      },
    )
    expect(await program.says(1)).toMatchObject({ nonblocking: true })
    expect(await program.says(2)).toMatchObject({ nonblocking: false })
    close(reopen(readFd, { access: 'write' }))
  })

  test('of a file has a position of its own, even when its name is gone', () => {
    const path = file('abc')
    const fd = openSync(path, 'r')
    expect(String(readSync(fd, 2))).toBe('ab')
    const second = reopen(fd)
    expect(String(readSync(second, 2))).toBe('ab')
    close(second)
    closeSync(fd)
  })

  test('is an error for a socket', async () => {
    const { near } = await socketEnds()
    expect(() => reopen(fdOf(near))).toThrow(expect.objectContaining({ code: 'ENXIO' }))
  })

  test("is an error for a pseudo terminal's master, which would become another one's", async (ctx) => {
    expect(await runProgram(masterProgram, { under: [python(ctx), '-c', withMaster] })).toEqual({
      kind: 'terminal',
      reopen: 'ENXIO',
      read: ['h', 'e', 'l'],
    })
  })

  const withMaster = `
import os, sys, tty
master, slave = os.openpty()
tty.setraw(slave)
os.write(slave, b'hello')
os.dup2(master, 20)
os.execvp(sys.argv[1], sys.argv[1:])
`
  const masterProgram = `
    let reopen = 'opened'
    try { fd.reopen(20) } catch (error) { reopen = error.code }
    const read = [await fd.read(20, 1, { timeout: 2000 }), fd.readSync(20, 1, { timeout: 2000 })]
    read.push(await fd.read(20, 1, { timeout: 2000, way: 'parked' }))
    say({ kind: fd.info(20).kind, reopen, read: read.map(String) })
  `
})

describe('info', () => {
  test('tells what it is', async (ctx) => {
    const { readFd, writeFd } = await pipeEnds()
    const fifo = fifoEnds()
    const { near } = await socketEnds()
    const terminal = await openMedium('terminal', ctx)
    const path = file('')
    const plain = openSync(path, 'a')
    const directory = openSync(tempDir(), 'r')
    const device = openSync('/dev/null', 'r+')
    expect(info(readFd)).toMatchObject({ kind: 'pipe', access: 'read', nonblocking: false, closeOnExec: true })
    expect(info(writeFd)).toMatchObject({ kind: 'pipe', access: 'write', inode: info(readFd).inode })
    expect(info(fifo.readFd)).toMatchObject({ kind: 'fifo', access: 'read' })
    expect(info(fdOf(near))).toMatchObject({ kind: 'socket', access: 'both', nonblocking: true })
    expect(info(terminal.fd)).toMatchObject({ kind: 'terminal', access: 'both' })
    const { dev, ino } = statSync(path)
    expect(info(plain)).toMatchObject({ kind: 'file', access: 'write', append: true, device: dev, inode: ino })
    expect(info(directory)).toMatchObject({ kind: 'directory' })
    expect(info(device)).toMatchObject({ kind: 'character', access: 'both' })
    for (const fd of [plain, directory, device]) closeSync(fd)
  })

  test('tells the same of a descriptor that another process has', async () => {
    const { readFd } = await pipeEnds()
    const there = await runProgram('say(fd.info(3))', { fds: [readFd] })
    expect(there).toEqual(info(readFd))
  })
})

describe('available', () => {
  test('counts what lies there', async (ctx) => {
    for (const name of ['pipe', 'FIFO', 'socket'] as const) {
      const { fd, send } = await openMedium(name, ctx)
      expect(available(fd)).toBe(0)
      send('abc')
      expect(available(fd)).toBe(3)
      await read(fd, 1)
      expect(available(fd)).toBe(2)
    }
  })

  test('is an error for what keeps no count', () => {
    const fd = openSync('/dev/null', 'r')
    expect(() => available(fd)).toThrow(expect.objectContaining({ code: 'ENOTTY' }))
    closeSync(fd)
  })
})

describe('mkfifo', () => {
  test('makes a named pipe, for its owner alone unless told otherwise', () => {
    const dir = tempDir()
    const before = process.umask(0)
    mkfifo(join(dir, 'own'))
    mkfifo(join(dir, 'shared'), 0o644)
    process.umask(before)
    expect(statSync(join(dir, 'own')).isFIFO()).toBe(true)
    expect(statSync(join(dir, 'own')).mode & 0o777).toBe(0o600)
    expect(statSync(join(dir, 'shared')).mode & 0o777).toBe(0o644)
    mkfifo(join(dir, 'naïve 文 name'))
    expect(statSync(join(dir, 'naïve 文 name')).isFIFO()).toBe(true)
  })

  test('is an error where it cannot', () => {
    const dir = tempDir()
    mkfifo(join(dir, 'fifo'))
    const code = (expected: string) => expect.objectContaining({ code: expected, syscall: 'mkfifo' })
    expect(() => mkfifo(join(dir, 'fifo'))).toThrow(code('EEXIST'))
    expect(() => mkfifo(join(dir, 'none', 'fifo'))).toThrow(code('ENOENT'))
    expect(() => mkfifo(join(dir, 'x'.repeat(5000)))).toThrow(code('ENAMETOOLONG'))
    expect(() => mkfifo(join(dir, 'with\0zero'))).toThrow(code('EINVAL'))
  })
})

test('close closes, once', () => {
  const fd = openSync(file(''), 'r')
  const second = dup(fd)
  close(second)
  expect(() => fstatSync(second)).toThrow(expect.objectContaining({ code: 'EBADF' }))
  expect(() => close(second)).toThrow(expect.objectContaining({ code: 'EBADF' }))
  expect(writeSync(1, '')).toBe(0)
  closeSync(fd)
})
