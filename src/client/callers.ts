import { basename } from 'node:path'
import type { ProcessEntry } from '../proc.ts'

/**
 * Decisions about the processes above this one. Pure: they take the process table as an argument.
 */

const SERVERS = new Set(['make', 'gmake', 'remake', 'ninja', 'samu', 'cargo', 'rustc', 'kati', 'ckati'])
const PASSED_THROUGH = new Set([
  ...['sh', 'dash', 'bash', 'zsh', 'ksh', 'mksh', 'ash', 'busybox', 'fish'],
  ...['xargs', 'parallel', 'env', 'timeout', 'nice', 'ionice', 'nohup', 'setsid', 'stdbuf', 'time', 'sudo'],
])
const NODE_LAUNCHERS = /^(npm|npx|pnpm|pnpx|yarn|yarnpkg|corepack)(-cli)?(\.[cm]?js)?$/

/** make, ninja, cargo or jobslot: it gave the process just below it one slot. */
export function isServer(entry: ProcessEntry): boolean {
  // A jobslot command sets its title, for its name would be `node`.
  return SERVERS.has(entry.name) || entry.name === 'jobslot' || entry.name.startsWith('jobslot ')
}

/** npm, npx and their like: a Node that has closed the jobserver for its children without meaning to. */
export function isNodeLauncher(commandLine: readonly string[]): boolean {
  const [program = '', script = ''] = commandLine
  // npm sets its title, so that its command line is one word: `npm exec jobslot acquire …`.
  const [title = ''] = program.split(' ', 1)
  return (
    NODE_LAUNCHERS.test(basename(title)) || (/^node/.test(basename(program)) && NODE_LAUNCHERS.test(basename(script)))
  )
}

/**
 * Whose implicit slot a command may use: the process that a server gave one slot. `chain` are
 * the ancestors, the parent first.
 *
 * That is the process just below make, ninja, cargo or jobslot, whatever lies between: a shell loop, its forked
 * subshells, xargs and npx share the one slot of their recipe. Where none of those is above, it is the topmost
 * process before the first that is no shell and no launcher. Null: the command itself, started by a server directly.
 */
export function callerOf(
  chain: Iterable<ProcessEntry>,
  isLauncher: (entry: ProcessEntry) => boolean,
): ProcessEntry | null {
  let below: ProcessEntry | null = null
  let passedThrough: ProcessEntry | null = null
  let blocked = false
  for (const entry of chain) {
    if (isServer(entry)) return below
    below = entry
    // A fork runs the program of its parent: it counts as that one.
    blocked ||= entry.pid === 1 || !(entry.forkedOnly || PASSED_THROUGH.has(entry.name) || isLauncher(entry))
    if (!blocked) passedThrough = entry
  }
  return passedThrough
}
