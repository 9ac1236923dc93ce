import { debuglog } from 'node:util'

/** `NODE_DEBUG=jobslot` tells of every token on stderr. */
export const trace = debuglog('jobslot')
