// handover.mjs MEANS PACE DIR [follow]: two processes hand each other something by turns; the first starts the second.
// For each number N that is read from standard input, N times in ns. PACE says which:
//   busy  half of there and back, again and again without a rest
//   idle  there alone, after both have rested, by the clock that all processes share
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectSocket, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { answer } from './answer.mjs'
import { clientOf } from './client-of.mjs'

const REST_MS = 1

const [means, pace, dir, role = 'lead'] = process.argv.slice(2)
const now = () => Number(process.hrtime.bigint())

const MEANS = {
  /**
   * One FIFO for each direction. The giver has taken all tokens beforehand and the getter keeps them until the end: a
   * token that is released is never caught again by the process that released it.
   */
  tokens() {
    const names = role === 'lead' ? ['there', 'back'] : ['back', 'there']
    const [giving, getting] = names.map((name) => clientOf(join(dir, name)))
    const toGive = []
    const got = []
    return {
      begin(count) {
        while (toGive.length < count) toGive.push(giving.tryAcquire())
      },
      send: () => toGive.pop().release(),
      async receive() {
        got.push(await getting.acquire())
      },
      end() {
        for (const slot of got.splice(0)) slot.release()
      },
    }
  },

  async socket() {
    const path = join(dir, 'socket')
    let peer
    let received
    const use = (connection) => {
      peer = connection
      peer.on('data', () => received())
    }
    if (role === 'lead') await once(createServer(use).listen(path), 'listening')
    else use(connectSocket(path))
    return {
      begin() {},
      send: () => peer.write('+'),
      receive: () =>
        new Promise((resolve) => {
          received = resolve
        }),
      end() {},
    }
  },
}

async function lead(side) {
  const follower = fork(fileURLToPath(import.meta.url), [means, pace, dir, 'follow'])
  const told = async () => (await once(follower, 'message'))[0]
  await told()
  await answer(async (count) => {
    side.begin(count)
    follower.send(count)
    await told()
    const departures = []
    const halves = []
    for (let i = 0; i < count; i++) {
      if (pace === 'idle') await sleep(REST_MS)
      const begin = now()
      side.send()
      await side.receive()
      departures.push(begin)
      halves.push((now() - begin) / 2)
    }
    const arrivals = await told()
    side.end()
    return pace === 'idle' ? arrivals.map((arrival, i) => arrival - departures[i]) : halves
  })
  follower.disconnect()
  process.exit()
}

function follow(side) {
  process.on('message', async (count) => {
    side.begin(count)
    const arrivals = []
    let receiving = side.receive()
    process.send('waiting')
    for (let i = 0; i < count; i++) {
      await receiving
      arrivals.push(now())
      side.send()
      if (i < count - 1) receiving = side.receive()
    }
    side.end()
    process.send(arrivals)
  })
  process.on('disconnect', () => process.exit())
  process.send('ready')
}

const side = await MEANS[means]()
await (role === 'lead' ? lead : follow)(side)
