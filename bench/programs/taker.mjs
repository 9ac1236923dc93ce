// taker.mjs WAY PATH: as taker.c, by other ways.
import { openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { clientOf } from './client-of.mjs'

const [way, path] = process.argv.slice(2)
const now = () => process.hrtime.bigint()

const WAYS = {
  token() {
    const client = clientOf(path)
    return async () => {
      const slot = await client.acquire()
      return () => slot.release()
    }
  },
  async lock() {
    const { lock } = await import('../../dist/lock.js')
    return async () => {
      const held = await lock('bench')
      return () => held.release()
    }
  },
  async 'fs-native-extensions'() {
    const { default: native } = await import('fs-native-extensions')
    const fd = openSync(path, 'a+')
    return async () => {
      await native.waitForLock(fd)
      return () => native.unlock(fd)
    }
  },
}

const take = await WAYS[way]()
let give
// It may wait for what does not come any more.
process.stdin.on('end', () => process.exit())
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'take') {
    give = await take()
    console.log(String(now()))
  } else {
    const before = now()
    give()
    console.log(String(before))
  }
}
