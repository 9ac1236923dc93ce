// Locks and unlocks as often as each line of standard input says, and answers with the time that took, in ns.
// Usage: node lock.mjs WAY FILE
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [, , way, file] = process.argv

const WAYS = {
  async jobslot() {
    const { tryLock } = await import('../../dist/lock.js')
    return { once: () => tryLock('bench').release() }
  },
  async 'jobslot-file'() {
    const { tryLockFile } = await import('../../dist/lock.js')
    return { once: () => tryLockFile(file).release() }
  },
  async 'fs-native-extensions'() {
    const { default: native } = await import('fs-native-extensions')
    const fd = openSync(file, 'w+')
    return {
      once() {
        if (!native.tryLock(fd)) throw new Error('the lock is held')
        native.unlock(fd)
      },
      end: () => closeSync(fd),
    }
  },
  async 'proper-lockfile'() {
    const { default: lockfile } = await import('proper-lockfile')
    writeFileSync(file, '')
    return { once: () => lockfile.lockSync(file, { realpath: false })() }
  },
}

const { once, end } = await WAYS[way]()
for await (const line of createInterface({ input: process.stdin })) {
  const begin = process.hrtime.bigint()
  for (let left = Number(line); left > 0; left--) once()
  console.log(String(process.hrtime.bigint() - begin))
}
end?.()
