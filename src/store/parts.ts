import type { Disk, Lines } from './disk.ts'
import type { Lives } from './lives.ts'
import type { Loaded } from './load.ts'
import type { Respond, RespondFailure } from './responder.ts'
import type { Watch } from './watch.ts'

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
