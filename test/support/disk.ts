import { execFileSync } from 'node:child_process'
import { onTestFinished } from 'vitest'
import { tempDir } from './processes.ts'
import type { Skippable } from './tools.ts'

/** A small file system of its own. Where this user may not mount one the test is skipped, loudly; in CI it fails. */
export function requireDisk(ctx: Skippable, bytes: number): string {
  const dir = tempDir()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir], { stdio: 'ignore' })
  } catch {
    const message = 'no file system can be mounted: run the tests as root'
    if (process.env.CI) throw new Error(message)
    console.warn(`SKIPPED: ${message}`)
    return ctx.skip(message)
  }
  onTestFinished(() => {
    execFileSync('umount', ['-l', dir])
  })
  return dir
}

/** From now on nothing can be written to it. */
export function makeReadOnly(disk: string): void {
  execFileSync('mount', ['-o', 'remount,ro', disk])
}
