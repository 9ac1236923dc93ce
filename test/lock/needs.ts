import { spawnSync } from 'node:child_process'
import type { Skippable } from '../support/tools.ts'

/** What a test cannot do without. Where it is missing: the test is skipped, loudly; in CI it fails. */
function need(fulfilled: boolean, message: string, ctx: Skippable): void {
  if (fulfilled) return
  if (process.env.CI) throw new Error(message)
  console.warn(`SKIPPED: ${message}`)
  ctx.skip(message)
}

/** To be another user. */
export function needRoot(ctx: Skippable): void {
  need(process.getuid?.() === 0, 'only root can be other users: run these tests as root', ctx)
}

/** To mount a file system, in a mount namespace of its own. */
export function needMounts(ctx: Skippable): void {
  const { status } = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' })
  need(status === 0, 'a file system cannot be mounted here: run these tests as root', ctx)
}
