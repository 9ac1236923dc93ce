import { debuglog } from 'node:util'

const log = debuglog('jobslot')

/** `NODE_DEBUG=jobslot` tells of every token on stderr. Asked first, for a token takes less time than a silent call. */
export const tracing = log.enabled

export function trace(text: string, ...values: unknown[]): void {
  log(text, ...values)
}
