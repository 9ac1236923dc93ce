import type { Respond, RespondFailure } from './claims/responder.ts'
import type { Disk, Lines } from './disk/disk.ts'
import type { Lives } from './disk/lives.ts'
import type { Watch } from './disk/watch.ts'
import type { Loaded } from './journal/load.ts'

/** What a store is made of: the real parts, or a test's. */
export interface Parts {
  disk: Disk
  lines: Lines
  lives: Lives
  watch: (onEvent: (closed: boolean) => void) => Watch
  loaded: Loaded
  synced: boolean
  leaseMs: number
  /** Ms that a finished job is kept which says nothing about it. */
  retention: number
  now: () => number
  /** This process, for whoever reads of its claims. */
  pid: number
  respond?: Respond | undefined
  onrespondfailure?: RespondFailure | undefined
  onclose?: () => void
}
