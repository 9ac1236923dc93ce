import { onTestFinished } from 'vitest'
import { Client } from '../../src/client/client.ts'
import { connect } from '../../src/client/connect.ts'
import { openJobserver } from '../../src/client/open-jobserver.ts'
import { SlotQueue } from '../../src/client/slot-queue.ts'
import type { ReadWay } from '../../src/native/ends.ts'
import type { FifoJobserver } from '../support/jobserver.ts'
import { fifoJobserver } from '../support/jobserver.ts'
import { tempDir } from '../support/processes.ts'

/** Each way in which a client gets at the tokens of a FIFO: by its path, or through descriptors that it inherited. */
export const reaches = ['path', 'own', 'splice', 'parked'] as const
export type Reach = (typeof reaches)[number]

export interface Connected {
  client: Client
  jobserver: FifoJobserver
}

/** A client of a FIFO with these tokens in it; closed after the test. */
export function connected(tokens: Buffer, reach: Reach = 'path'): Connected {
  const jobserver = fifoJobserver(tempDir(), tokens)
  const client = reach === 'path' ? connectTo(jobserver) : forced(jobserver, reach)
  onTestFinished(() => client.close())
  return { client, jobserver }
}

/** What a second library in the same process would do. */
export function connectTo({ makeflags }: FifoJobserver): Client {
  const client = connect({ env: { MAKEFLAGS: makeflags } })
  if (!client) throw new Error(`no limit is in force: ${makeflags}`)
  return client
}

/** The product chooses the way itself; here each has to do. */
export function forced({ readFd, writeFd }: Pick<FifoJobserver, 'readFd' | 'writeFd'>, way: ReadWay): Client {
  const auth = { style: 'pipe', read: readFd, write: writeFd } as const
  const opened = openJobserver(auth, way)
  return new Client({
    queue: new SlotQueue(opened.makeSource(), { implicit: true }),
    identity: opened.identity,
    auth,
    jobs: null,
    load: null,
    problem: null,
    child: { hand: 'jobserver', auth, jobs: null, read: opened.read, write: opened.write },
    onClosed: opened.close,
  })
}
