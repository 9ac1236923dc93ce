import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

/**
 * As `spawn`, with libuv's pipe out of the way: it has the lowest free numbers, and where one of those is a descriptor
 * of the command's, the errno of a command that cannot be run would be written there, as four tokens of a jobserver.
 */
export function spawnClear(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const last = Array.isArray(options.stdio) ? options.stdio.length - 1 : 2
  const fillers: number[] = []
  try {
    do fillers.push(openSync('/dev/null', 'r'))
    while (fillers[fillers.length - 1]! <= last)
    return spawn(program, args, options)
  } finally {
    for (const fd of fillers) closeSync(fd)
  }
}
