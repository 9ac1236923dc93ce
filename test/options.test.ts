import { expect, test } from 'vitest'
import { connect, parseMakeflags } from '../src/index.ts'
import { lock, lockFile, tryLock, tryLockFile } from '../src/lock.ts'
import { connectWorker, startWorker } from '../src/worker.ts'

/** A slip of the pen in an option would otherwise go unnoticed. */
test.for<[string, () => unknown, RegExp]>([
  ['connect', () => connect({ falback: 8 } as never), /connect has no option "falback": it has fallback, /],
  ['connect', () => connect(8 as never), /connect takes an object of options, not 8/],
  ['lock', () => lock('a', { share: true } as never), /lock has no option "share": it has shared, /],
  ['lock', () => lock('a', 500 as never), /lock takes an object of options, not 500/],
  ['tryLock', () => tryLock('a', { timeout: 5 } as never), /tryLock has no option "timeout"/],
  ['lockFile', () => lockFile('a', { dir: '.' } as never), /lockFile has no option "dir"/],
  ['tryLockFile', () => tryLockFile('a', null as never), /tryLockFile takes an object of options, not null/],
  ['startWorker', () => startWorker('a', { arg: [] } as never), /startWorker has no option "arg": it has args, /],
  ['startWorker', () => startWorker(undefined as never), /the module of a worker must be a path or a file: URL/],
  ['connectWorker', () => connectWorker('a', undefined as never), /connectWorker takes an object of options/],
  ['connectWorker', () => connectWorker('a', {} as never), /the module of a worker must be a path/],
  ['parseMakeflags', () => parseMakeflags(undefined as never), /the text of a MAKEFLAGS, a string, not undefined/],
])('%s says what is wrong with its arguments', async ([, call, message]) => {
  await expect((async () => call())()).rejects.toThrow(message)
})
