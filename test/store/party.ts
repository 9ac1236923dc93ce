import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { JobStore } from '../../src/store/job-store.ts'
import { built } from '../client/program.ts'
import { atEnd } from '../support/at-end.ts'
import { scrubbed, waitFor } from '../support/processes.ts'

export type Role = 'create' | 'work' | 'hold'

export interface PartyOptions {
  durability?: string
  lease?: number
  /** A file to which workers write when they run which job. */
  log?: string
}

/** A process with the store open. */
export interface Party {
  child: ChildProcessByStdio<Writable, Readable, null>
  role: Role
  /** What it said, as lists of words. */
  said: string[][]
  has(word: string): boolean
  ready(): Promise<void>
  /** Settles when it has ended, and all that it said is known. */
  ended: Promise<void>
}

export function party(
  store: JobStore,
  role: Role,
  { durability = 'disk', lease = 30_000, log = '' }: PartyOptions = {},
): Party {
  const words = [built('store.js'), store.dir, role, durability, String(lease), log]
  const child = spawn(process.execPath, [join(import.meta.dirname, 'party.mjs'), ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Without the certificates that some machines have every Node read at its start, which takes longer than all else.
    env: scrubbed(process.env, { NODE_EXTRA_CA_CERTS: undefined }),
    detached: true,
  })
  const said: string[][] = []
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop()!
    for (const line of lines) said.push(line.split(' '))
  })
  child.stdin.on('error', () => {})
  atEnd(() => {
    child.kill('SIGKILL')
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const has = (word: string) => said.some(([first]) => first === word)
  return { child, role, said, has, ready: () => waitFor(() => has('ready'), 20_000, `${role} is ready`), ended }
}
