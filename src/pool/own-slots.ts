import { closeSync, constants, openSync } from 'node:fs'
import { channelSource } from '../client/channel-source.ts'
import { Client } from '../client/client.ts'
import { SlotQueue } from '../client/slot-queue.ts'
import type { TokenSource } from '../client/token-source.ts'
import { WAY_DIRECT } from '../native/binding.ts'
import type { Audit, JoinRequest, PoolHost } from './host.ts'
import { addMark, removeMark, STARTED_BY_VARIABLE } from './marks.ts'
import { thisProcess } from './this-process.ts'

/** What this process holds of a pool itself. */
export interface OwnSlots {
  readonly client: Client
  /** Gives back what is held, and leaves. */
  leave(): Promise<Audit>
}

/**
 * Makes this process a member, whose tokens travel through its FIFO, without a message. What it starts by `env`, its own
 * environment, carries its mark meanwhile: if it is killed, that may work on in its slots. Null: its slots end with it.
 */
export async function joinAsProcess(
  host: PoolHost,
  asked: Pick<JoinRequest, 'label' | 'limit' | 'priority' | 'weight'>,
  env: NodeJS.ProcessEnv | null = process.env,
): Promise<OwnSlots> {
  const { id, fifo, mark, capacity } = await host.join({
    ...asked,
    ...thisProcess(),
    ...{ kind: 'process', min: 0, max: 0, draws: true },
  })
  try {
    const client = new Client({
      queue: new SlotQueue(
        telling(openSource(fifo ?? ''), () => host.hungry(id)),
        { implicit: false },
      ),
      identity: `pool ${fifo}`,
      auth: null,
      jobs: capacity,
      load: null,
      problem: null,
      child: { hand: 'nothing' },
    })
    if (env) env[STARTED_BY_VARIABLE] = addMark(env[STARTED_BY_VARIABLE], mark)
    return {
      client,
      leave() {
        if (env) unmark(env, mark)
        client.close()
        return host.leave(id, { signaled: false })
      },
    }
  } catch (error) {
    await host.leave(id, { signaled: false })
    throw error
  }
}

function unmark(env: NodeJS.ProcessEnv, mark: string): void {
  const others = removeMark(env[STARTED_BY_VARIABLE], mark)
  if (others === null) delete env[STARTED_BY_VARIABLE]
  else env[STARTED_BY_VARIABLE] = others
}

function openSource(path: string): TokenSource {
  const { O_RDWR, O_NONBLOCK } = constants
  const read = openSync(path, O_RDWR | O_NONBLOCK)
  let write: number
  try {
    write = openSync(path, O_RDWR | O_NONBLOCK)
  } catch (error) {
    closeSync(read)
    throw error
  }
  return channelSource({ read, write, way: WAY_DIRECT, own: true })
}

/** A token that came for who waits can be taken away again before that one wakes up: then it has to ask once more. */
const ASK_AGAIN_MS = 1000

/** That somebody waits at an empty FIFO, nobody sees: it is said. */
function telling(source: TokenSource, onWait: () => void): TokenSource {
  let again: NodeJS.Timeout | undefined
  return {
    ...source,
    wait(deliver) {
      source.wait((token) => {
        clearInterval(again)
        deliver(token)
      })
      onWait()
      again = setInterval(onWait, ASK_AGAIN_MS).unref()
    },
    cancel() {
      const isCancelled = source.cancel()
      if (isCancelled) clearInterval(again)
      return isCancelled
    },
  }
}
