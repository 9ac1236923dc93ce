import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { mkfifo } from '../../src/fd.ts'
import type { ReadWay } from '../../src/native/ends.ts'
import { compiled } from '../support/compile.ts'
import { start, tempDir, waitFor } from '../support/processes.ts'
import type { Skippable } from '../support/tools.ts'
import { openTerminal } from './terminals.ts'

/** Something to read from, and its other side. What is still open is closed after the test. */
export interface Medium {
  fd: number
  send(text: string): void
  /** Closes the other side. */
  hangUp(): void
}

export type MediumName = 'pipe' | 'FIFO' | 'socket' | 'terminal'

/** The ways that work on each; undefined is the one that `read` chooses. */
export const waysOf: Record<MediumName, readonly (ReadWay | undefined)[]> = {
  pipe: [undefined, 'own', 'splice', 'parked'],
  FIFO: [undefined, 'own', 'splice', 'parked'],
  socket: [undefined, 'parked'],
  terminal: [undefined, 'own', 'parked'],
}

export const mediaAndWays = (Object.keys(waysOf) as MediumName[]).flatMap((medium) =>
  waysOf[medium].map((way) => ({ medium, way, title: `${medium}, ${way ?? 'the way it chooses'}` })),
)

export function openMedium(name: MediumName, ctx: Skippable): Promise<Medium> | Medium {
  switch (name) {
    case 'pipe':
      return pipe()
    case 'FIFO':
      return fifo()
    case 'socket':
      return socket()
    case 'terminal':
      return terminal(ctx)
  }
}

export interface Ends {
  readFd: number
  writeFd: number
}

/** Both ends of an anonymous pipe, blocking. Node makes none: another process does, and they are opened there. */
export async function pipeEnds(): Promise<Ends> {
  const maker = start([compiled('pipeserver'), 'pipe', '20', '21', '', 'sleep', '60'])
  maker.result.catch(() => {})
  await waitFor(() => existsSync(`/proc/${maker.pid}/fd/21`) && !existsSync(`/proc/${maker.pid}/fd/22`))
  const readFd = openSync(`/proc/${maker.pid}/fd/20`, constants.O_RDONLY)
  const writeFd = openSync(`/proc/${maker.pid}/fd/21`, constants.O_WRONLY)
  // From here on both ends are this process's alone.
  process.kill(-maker.pid, 'SIGKILL')
  await maker.result
  closedAfterTest(readFd)
  closedAfterTest(writeFd)
  return { readFd, writeFd }
}

/** Both ends of a FIFO, blocking. */
export function fifoEnds(): Ends {
  const path = join(tempDir(), 'fifo')
  mkfifo(path)
  // Neither open waits for the other with this one there.
  const both = openSync(path, constants.O_RDWR)
  const readFd = closedAfterTest(openSync(path, constants.O_RDONLY))
  const writeFd = closedAfterTest(openSync(path, constants.O_WRONLY))
  closeSync(both)
  return { readFd, writeFd }
}

async function pipe(): Promise<Medium> {
  return medium(await pipeEnds())
}

function fifo(): Medium {
  return medium(fifoEnds())
}

function medium({ readFd, writeFd }: Ends): Medium {
  return { fd: readFd, send: (text) => writeSync(writeFd, text), hangUp: () => closeOnce(writeFd) }
}

/** Two ends of a Unix socket's connection, from which Node itself does not read. */
export async function socketEnds(): Promise<{ near: Socket; far: Socket }> {
  const dir = mkdtempSync(join(tmpdir(), 'jobslot-'))
  const path = join(dir, 'socket')
  const server = createServer({ pauseOnConnect: true })
  const accepted = new Promise<Socket>((resolve) => server.on('connection', resolve))
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const near = connect(path).pause()
  const far = await accepted
  server.close()
  rmSync(dir, { recursive: true })
  onTestFinished(() => {
    near.destroy()
    far.destroy()
  })
  await waitFor(() => !near.connecting)
  return { near, far }
}

export function fdOf(socket: Socket): number {
  return (socket as unknown as { _handle: { fd: number } })._handle.fd
}

async function socket(): Promise<Medium> {
  const { near, far } = await socketEnds()
  return { fd: fdOf(near), send: (text) => writeSync(fdOf(far), text), hangUp: () => far.destroy() }
}

/** The slave of a pseudo terminal in raw mode, whose master another process holds. */
async function terminal(ctx: Skippable): Promise<Medium> {
  const { path, send, hangUp } = await openTerminal(ctx)
  const fd = closedAfterTest(openSync(path, constants.O_RDWR | constants.O_NOCTTY))
  onTestFinished(hangUp)
  return { fd, send, hangUp }
}

const open = new Set<number>()

function closedAfterTest(fd: number): number {
  open.add(fd)
  onTestFinished(() => closeOnce(fd))
  return fd
}

/** Before the test's end: what has the number afterwards is not closed. */
export function closeOnce(fd: number): void {
  if (open.delete(fd)) closeSync(fd)
}
