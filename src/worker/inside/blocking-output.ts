import type { Socket } from 'node:net'

interface Handle {
  setBlocking?(blocking: boolean): void
}

/**
 * Node writes to a pipe without waiting and keeps in memory what it has no room for: all of a flood, if its writer never
 * comes back to the event loop, and what lies there at `process.exit` is lost. Here the other end is always emptied, so
 * waiting takes no time. Done at the first use, as these streams take milliseconds to make.
 */
export function makeOutputBlocking(): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const usual = Object.getOwnPropertyDescriptor(process, name)
    if (!usual?.get || !usual.configurable) continue
    Object.defineProperty(process, name, {
      ...usual,
      get() {
        const stream = usual.get?.call(process) as Socket & { _handle?: Handle }
        stream._handle?.setBlocking?.(true)
        Object.defineProperty(process, name, usual)
        return stream
      },
    })
  }
}
