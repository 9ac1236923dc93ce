// As slots.ts: `jobslot/lock` and `jobslot/fd`.
import { spawn } from 'node:child_process'
import * as fd from 'jobslot/fd'
import {
  ConflictError,
  type Document,
  type DocumentState,
  type Lock,
  type LockParty,
  type LockState,
  lock,
  lockFile,
  locks,
  openDocument,
  tryLock,
  tryLockFile,
} from 'jobslot/lock'
import { exact } from './exact.ts'

export async function locking(signal: AbortSignal | undefined, timeout: number | undefined) {
  const held = await lock('name', { shared: true, dir: '/srv', label: 'me', timeout, signal })
  exact<Lock>()(held)
  exact<Lock>()(await lock(['a', 'b'] as const))
  exact<Lock>()(await lockFile('/srv/it.lock', { timeout, signal }))
  exact<Lock | null>()(tryLock('name', { dir: undefined }))
  exact<Lock | null>()(tryLockFile('/srv/it.lock'))
  exact<LockParty | null>()(held.abandonedBy)
  exact<readonly string[]>()(held.names)
  exact<LockState[]>()(locks({ dir: '/srv' }))
  spawn('make', held.childOptions({ stdio: 'inherit' }))
  using _held = held
  await using _again = await lock('again')
  // @ts-expect-error: nothing is waited for
  tryLock('name', { timeout })
  // @ts-expect-error: the file says which folder
  await lockFile('/srv/it.lock', { dir: '/srv' })
  // @ts-expect-error: a name, or several
  await lock(7)
  // @ts-expect-error: it is not taken yet
  lock('name').release()
}

interface Config {
  port: number
  hosts?: string[]
}

export async function documents(signal: AbortSignal) {
  const config = await openDocument<Config>('config.json', { timeout: 1000 })
  exact<Document<Config>>()(config)
  exact<DocumentState<Config>>()(await config.read())
  exact<number>()(await config.write({ port: 80 }, { ifVersion: 0, signal }))
  const { version, value } = await config.update((now, version) => ({ ...now, port: (now?.port ?? 0) + version }))
  exact<number>()(version)
  exact<Config>()(value)
  exact<Document<unknown>>()(await openDocument('config.json'))
  // @ts-expect-error: there may be none yet
  await config.update((now) => ({ port: now.port }))
  // @ts-expect-error: of another type
  await config.write({ port: '80' })
  // @ts-expect-error: returns nothing
  await config.update(() => {})
  // @ts-expect-error: an update has the version that it finds
  await config.update((now) => now ?? { port: 1 }, { ifVersion: 1 })
}

export function conflicts(error: unknown) {
  if (error instanceof ConflictError) exact<number>()(error.actual - error.expected)
}

export async function descriptors(end: number, signal: AbortSignal | undefined) {
  exact<number>()(fd.dup(end))
  exact<number>()(fd.reopen(end, { access: 'read', nonblocking: undefined }))
  exact<fd.PollResult | null>()(await fd.poll(end, ['read', 'priority'], { timeout: 5, signal }))
  exact<fd.PollResult | null>()(fd.pollSync(end, 'write'))
  exact<fd.DescriptorInfo>()(fd.info(end))
  const bytes: Uint8Array = await fd.read(end, 100, { signal, way: 'parked' })
  exact<number>()(fd.write(end, bytes))
  exact<string>()(fd.readSync(end, 1).toString('hex'))
  // @ts-expect-error: no such event
  await fd.poll(end, 'hangup')
  // @ts-expect-error: bytes alone
  fd.write(end, 'text')
  // @ts-expect-error: blocks, and sees no signal
  fd.readSync(end, 1, { signal })
}
