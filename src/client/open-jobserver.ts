import { closeSync, constants, openSync, statSync } from 'node:fs'
import { JobslotError } from '../errors.ts'
import type { JobserverAuth } from '../makeflags/index.ts'
import { WAY_DIRECT } from '../native/binding.ts'
import type { DescriptorInfo } from '../native/descriptor.ts'
import { describe } from '../native/descriptor.ts'
import type { ReadWay } from '../native/ends.ts'
import { openReadEnd, openWriteEnd } from '../native/ends.ts'
import { ancestorsOf, commandLine, descriptorTarget, hasOpen, ownPid } from '../proc.ts'
import { isNodeLauncher, isServer } from './callers.ts'
import { channelSource } from './channel-source.ts'
import type { TokenSource } from './token-source.ts'

/** A jobserver that can be used. */
export interface OpenedJobserver {
  /** The same text for every way to name the same jobserver. */
  identity: string
  /** The descriptors a child is given in pipe style; -1 in the others. */
  read: number
  write: number
  /** Opens descriptors of its own. Called once per process and jobserver. @throws JobslotError */
  makeSource(): TokenSource
  /** Closes `read` and `write` where they were opened for this. */
  close(): void
}

/**
 * Checks what MAKEFLAGS names and opens it. `way` forces one of the ways to read a shared description (for tests).
 *
 * @throws JobslotError with a code and a sentence of its own for every way in which it cannot be used.
 */
export function openJobserver(auth: JobserverAuth, way?: ReadWay): OpenedJobserver {
  switch (auth.style) {
    case 'fifo':
      return openFifo(auth.path)
    case 'pipe':
      return openPipe(auth.read, auth.write, way)
    case 'semaphore':
      throw new JobslotError(
        'ERR_JOBSLOT_PLATFORM',
        `the jobserver is the Windows semaphore ${auth.name}, which jobslot cannot use on ${process.platform}: ` +
          'start the build with a make of this system',
      )
  }
}

function openFifo(path: string): OpenedJobserver {
  let identity: string
  try {
    // Looked at before it is opened: opening a device or a file can have effects.
    const { dev, ino, mode } = statSync(path)
    const type = mode & constants.S_IFMT
    // Some jobservers are character devices.
    if (type !== constants.S_IFIFO && type !== constants.S_IFCHR) throw notAFifo(path)
    identity = `${dev}:${ino}`
  } catch (error) {
    throw error instanceof JobslotError ? error : fifoError(path, error as NodeJS.ErrnoException)
  }
  return {
    identity,
    read: -1,
    write: -1,
    makeSource() {
      let fd: number
      try {
        // For both, so that the open does not block, and tokens outlive a server that opens it only now and then.
        fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
      } catch (error) {
        throw fifoError(path, error as NodeJS.ErrnoException)
      }
      const { kind } = describe(fd)
      if (kind !== 'fifo' && kind !== 'character') {
        closeSync(fd)
        throw notAFifo(path)
      }
      return channelSource({ read: fd, write: fd, way: WAY_DIRECT, own: true })
    },
    close() {},
  }
}

function notAFifo(path: string): JobslotError {
  return new JobslotError(
    'ERR_JOBSLOT_NOT_A_FIFO',
    `the jobserver's path ${path} is not a FIFO: something else has taken its place; start the build anew`,
  )
}

function fifoError(path: string, error: NodeJS.ErrnoException): JobslotError {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
    return new JobslotError(
      'ERR_JOBSLOT_MISSING_FIFO',
      `the jobserver's FIFO ${path} does not exist: the build that made it has ended, or it lies outside this ` +
        'container; unset MAKEFLAGS or start the build anew',
      { cause: error },
    )
  }
  return new JobslotError(
    'ERR_JOBSLOT_FIFO_DENIED',
    `the jobserver's FIFO ${path} cannot be opened (${error.code ?? error.message}): run as the user who started the build`,
    { cause: error },
  )
}

const MARK_RECIPE = "mark the recipe line with '+' so that make hands its jobserver on"

function openPipe(read: number, write: number, way: ReadWay | undefined): OpenedJobserver {
  const here = pipeHere(read, write)
  const pipe = here.error ? (findBehindLauncher(read, write) ?? here) : here
  if (pipe.error) throw pipe.error
  return {
    identity: pipe.identity,
    read: pipe.read,
    write: pipe.write,
    makeSource: () => {
      const readEnd = openReadEnd(pipe.read, way)
      const writeEnd = openWriteEnd(pipe.write)
      return channelSource({ read: readEnd.fd, write: writeEnd.fd, way: readEnd.way, own: writeEnd.own })
    },
    close() {
      if (pipe === here) return
      closeSync(pipe.read)
      closeSync(pipe.write)
    },
  }
}

type PipeEnds = { error: JobslotError } | { error: null; identity: string; read: number; write: number }

/** The two numbers as they are in this process. */
function pipeHere(read: number, write: number): PipeEnds {
  const infos: DescriptorInfo[] = []
  for (const fd of [read, write]) {
    try {
      infos.push(describe(fd))
    } catch (cause) {
      // Without the addon nothing is known of the descriptor.
      if (cause instanceof JobslotError) throw cause
      const error = new JobslotError(
        'ERR_JOBSLOT_CLOSED_DESCRIPTOR',
        `descriptor ${fd} of the jobserver is closed in this process: ${MARK_RECIPE}`,
      )
      return { error }
    }
  }
  const [reader, writer] = infos as [DescriptorInfo, DescriptorInfo]
  for (const [fd, info] of [
    [read, reader],
    [write, writer],
  ] as const) {
    if (info.kind === 'pipe' || info.kind === 'fifo') continue
    const error = new JobslotError(
      'ERR_JOBSLOT_NOT_A_PIPE',
      `descriptor ${fd}, named as the jobserver's, is no pipe here${info.kind === 'other' ? '' : ` (${info.kind})`}: ${MARK_RECIPE}`,
    )
    return { error }
  }
  if (reader.device !== writer.device || reader.inode !== writer.inode) {
    const error = new JobslotError(
      'ERR_JOBSLOT_UNEQUAL_ENDS',
      `descriptors ${read} and ${write} are not the two ends of one pipe, as the jobserver's are: ${MARK_RECIPE}`,
    )
    return { error }
  }
  if (reader.access === 'write' || writer.access === 'read') {
    const error = new JobslotError(
      'ERR_JOBSLOT_WRONG_DIRECTION',
      `descriptor ${read} cannot be read or ${write} cannot be written, as the jobserver's can: ${MARK_RECIPE}`,
    )
    return { error }
  }
  const target = reader.kind === 'pipe' ? descriptorTarget('self', read) : null
  if (target !== null && !isOpenAbove(ownPid(), target)) {
    const error = new JobslotError(
      'ERR_JOBSLOT_FOREIGN_PIPE',
      `descriptors ${read} and ${write} are a pipe of this program's own, not the jobserver's: ${MARK_RECIPE}`,
    )
    return { error }
  }
  return { error: null, identity: `${reader.device}:${reader.inode}`, read, write }
}

/**
 * Whether some ancestor has the pipe open, as its server must. Node's own pipes pass every weaker test. Where /proc
 * tells of no ancestor at all, the benefit of the doubt.
 */
function isOpenAbove(pid: number, target: string): boolean {
  let told = false
  for (const ancestor of ancestorsOf(pid)) {
    const open = hasOpen(ancestor.pid, target)
    if (open) return true
    if (open === false) told = true
  }
  return !told
}

/**
 * npm and npx are Nodes, and a Node closes what it inherited for its children: the jobserver's descriptors are closed
 * here and open there. They are opened from there, for blocking reads as make's own are, so that children can have them.
 */
function findBehindLauncher(read: number, write: number): PipeEnds | null {
  for (const ancestor of ancestorsOf(ownPid())) {
    if (isServer(ancestor)) return null
    if (!isNodeLauncher(commandLine(ancestor.pid))) continue
    const target = descriptorTarget(ancestor.pid, read)
    if (!target?.startsWith('pipe:') || descriptorTarget(ancestor.pid, write) !== target) continue
    if (!isOpenAbove(ancestor.pid, target)) continue
    let readFd = -1
    try {
      readFd = openSync(`/proc/${ancestor.pid}/fd/${read}`, constants.O_RDONLY)
      const writeFd = openSync(`/proc/${ancestor.pid}/fd/${write}`, constants.O_WRONLY)
      const { device, inode } = describe(readFd)
      return { error: null, identity: `${device}:${inode}`, read: readFd, write: writeFd }
    } catch {
      if (readFd >= 0) closeSync(readFd)
    }
  }
  return null
}
