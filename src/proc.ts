import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** One line of the process table, from /proc (Linux). */
export interface ProcessEntry {
  pid: number
  parent: number
  /** The program's name, cut at 15 characters. */
  name: string
  /** The process was forked and has not replaced its program: a shell's `( … )`, `$( … )` or `… &`. */
  forkedOnly: boolean
  /** A zombie: its parent has not asked how it ended yet, and may never. */
  ended: boolean
  /** Clock ticks since boot. With the pid it names a process for good. */
  startTime: string
}

const PF_FORKNOEXEC = 0x40

/** This process's number in /proc, which may be another namespace's than that of `process.pid`. */
export function ownPid(): number {
  try {
    return Number(readlinkSync('/proc/self'))
  } catch {
    return process.pid
  }
}

/** Whether there is no process of this number, as far as can be seen from here. */
export function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

/** Whether a signal, or a debugger, has stopped the process. */
export function isStopped(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return /^[Tt]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  } catch {
    return false
  }
}

/** Null where there is no such process, or no /proc. */
export function readProcess(pid: number): ProcessEntry | null {
  let stat: string
  try {
    // Node reads no other encoding as fast. What is none lies in the name, and hides no bracket.
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return null
  }
  return parseStat(stat)
}

/** The text of /proc/PID/stat. The name stands in brackets and may itself hold brackets and spaces. */
export function parseStat(stat: string): ProcessEntry | null {
  const open = stat.indexOf('(')
  const close = stat.lastIndexOf(')')
  if (open < 0 || close < open) return null
  const fields = stat.slice(close + 2).split(' ')
  const [state = '', parent, , , , , flags] = fields
  const startTime = fields[19]
  if (parent === undefined || flags === undefined || startTime === undefined) return null
  return {
    pid: Number.parseInt(stat, 10),
    parent: Number(parent),
    name: stat.slice(open + 1, close),
    forkedOnly: (Number(flags) & PF_FORKNOEXEC) !== 0,
    ended: 'ZX'.includes(state),
    startTime,
  }
}

/** The parent of `pid`, its parent, and so on, as far as /proc tells. Read one by one: mostly the nearest decide. */
export function* ancestorsOf(pid: number): Generator<ProcessEntry, void> {
  let entry = readProcess(pid)
  for (let depth = 0; entry && entry.parent > 0 && depth < 256; depth++) {
    entry = readProcess(entry.parent)
    if (entry) yield entry
  }
}

/** The words of a process's command line; empty where they cannot be read. */
export function commandLine(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return text.split('\0').filter((word) => word !== '')
  } catch {
    return []
  }
}

/** What descriptor `fd` of a process is open on, for instance `pipe:[33849]`; null where that cannot be told. */
export function descriptorTarget(pid: number | 'self', fd: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`)
  } catch {
    return null
  }
}

/** Whether a process has a descriptor open on `target`; null where /proc does not tell. */
export function hasOpen(pid: number, target: string): boolean | null {
  let fds: string[]
  try {
    fds = readdirSync(`/proc/${pid}/fd`)
  } catch {
    return null
  }
  return fds.some((fd) => descriptorTarget(pid, Number(fd)) === target)
}
