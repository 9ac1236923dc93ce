import type { Disk } from './disk.ts'
import type { Engine } from './engine.ts'
import type { Lives } from './lives.ts'
import type { Notification } from './notification.ts'
import type { PulledJob } from './pulled-job.ts'

/** What the operations of one open store share. */
export interface Context {
  readonly disk: Disk
  readonly engine: Engine
  readonly lives: Lives
  readonly pid: number
  /** What is claimed here, by the claim's number. */
  readonly claims: Map<number, PulledJob | Notification>
}
