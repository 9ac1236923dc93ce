import type { Notification } from '../claims/notification.ts'
import type { PulledJob } from '../claims/pulled-job.ts'
import type { Disk } from '../disk/disk.ts'
import type { Lives } from '../disk/lives.ts'
import type { Engine } from './engine.ts'

/** What the operations of one open store share. */
export interface Context {
  readonly disk: Disk
  readonly engine: Engine
  readonly lives: Lives
  readonly pid: number
  /** What is claimed here, by the claim's number. */
  readonly claims: Map<number, PulledJob | Notification>
}
