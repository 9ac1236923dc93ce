import type { StdioOptions } from 'node:child_process'

/** The `stdio` of a child, to put further descriptors into. Pure. */

export type StdioArray = Exclude<StdioOptions, string>

/**
 * Where descriptors go whose number in the child is of no matter, or taken. Far up, because libuv's own pipe to the child,
 * in which it reports a command that cannot be run, has the lowest number that is free here: at the same number, that
 * report would be written into the descriptor, in a jobserver as four tokens. And above 16, because there inherited
 * descriptors pass even through a Node that does not know of them (docs/protocol.md).
 */
export const SPARE_NUMBER = 200
const HIGHEST_KEPT_NUMBER = 1000

export function asArray(stdio: StdioOptions | undefined): StdioArray {
  if (!Array.isArray(stdio)) return [stdio, stdio, stdio]
  // What is not there is undefined: to spawn that is a pipe in the first three places, and nothing behind them.
  return Array.from({ length: Math.max(3, stdio.length) }, (_, i) => stdio[i])
}

export function isFree(stdio: StdioArray, number: number): boolean {
  return (
    number >= 3 &&
    number <= HIGHEST_KEPT_NUMBER &&
    (stdio[number] === undefined || stdio[number] === null || stdio[number] === 'ignore')
  )
}

export function nextFree(stdio: StdioArray, from: number): number {
  let number = from
  while (!isFree(stdio, number)) number++
  return number
}

/** Puts a descriptor of this process at a number of the child's. */
export function place(stdio: StdioArray, number: number, fd: number): void {
  for (let i = stdio.length; i <= number; i++) stdio[i] = 'ignore'
  stdio[number] = fd
}
