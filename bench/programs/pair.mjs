// pair.mjs WAY FIFO: as pair.c, by other ways. Each has a process to itself, so that what the compiler and the garbage
// collector do for one is not another's cost.
import { spawnSync } from 'node:child_process'
import { constants, openSync, readSync, writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import nodeGypBuild from 'node-gyp-build'
import pLimit from 'p-limit'
import { connect } from '../../dist/index.js'
import { answer } from './answer.mjs'
import { clientOf } from './client-of.mjs'

const [way, path] = process.argv.slice(2)

const open = () => openSync(path, constants.O_RDWR | constants.O_NONBLOCK)

async function throughLimit(limit, pairs) {
  const nothing = () => {}
  for (let i = 0; i < pairs; i++) await limit(nothing)
}

const WAYS = {
  client() {
    const client = clientOf(path)
    return (pairs) => {
      for (let i = 0; i < pairs; i++) client.tryAcquire().release()
    }
  },
  addon() {
    const { openChannel, take, give } = nodeGypBuild(fileURLToPath(new URL('../..', import.meta.url)))
    const fd = open()
    const direct = 0
    const channel = openChannel(fd, fd, direct, true)
    return (pairs) => {
      for (let i = 0; i < pairs; i++) give(channel, take(channel))
    }
  },
  fs() {
    const fd = open()
    const token = Buffer.alloc(1)
    return (pairs) => {
      for (let i = 0; i < pairs; i++) {
        readSync(fd, token, 0, 1, null)
        writeSync(fd, token, 0, 1, null)
      }
    }
  },
  dd() {
    const fd = open()
    return (pairs) => {
      for (let i = 0; i < pairs; i++) {
        const { stdout } = spawnSync('dd', ['bs=1', 'count=1', 'status=none'], { stdio: [fd, 'pipe', 'ignore'] })
        writeSync(fd, stdout, 0, 1, null)
      }
    }
  },
  limit() {
    const { limit } = clientOf(path)
    return (pairs) => throughLimit(limit, pairs)
  },
  'limit-fallback'() {
    const { limit } = connect({ env: {}, fallback: 2 })
    return (pairs) => throughLimit(limit, pairs)
  },
  'p-limit'() {
    const limit = pLimit(2)
    return (pairs) => throughLimit(limit, pairs)
  },
}

const run = WAYS[way]()
await answer(async (pairs) => {
  const begin = process.hrtime.bigint()
  await run(pairs)
  return Number(process.hrtime.bigint() - begin)
})
process.exit()
