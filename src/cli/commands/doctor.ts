import { DEFAULT_POOL, placeOfPool } from '../../broker/place.ts'
import { connectTo } from '../../client/connect.ts'
import { JobslotError } from '../../errors.ts'
import { findMakeflags, type JobserverAuth } from '../../makeflags/index.ts'
import { fileNameOf } from '../../names.ts'
import { MEMBER_VARIABLE, memberOf } from '../../pool/marks.ts'
import { styleFor } from '../../pool/style.ts'
import { stateDir } from '../../state-dir.ts'
import { splitArguments } from '../arguments.ts'
import { UsageError } from '../exit-codes.ts'
import { helpFor } from '../help.ts'
import { isNoPools } from '../limit/no-pools.ts'
import { styled, visible } from '../messages.ts'
import { type Onlooker, onlooker } from '../status/look.ts'

const OPTIONS = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const

/** The shape that `doctor --json` prints. */
interface Diagnosis {
  inForce: 'jobserver' | 'pool' | 'none'
  jobserver: null | {
    style: JobserverAuth['style'] | null
    auth: string | null
    usable: boolean
    reason: string | null
    code: string | null
    available: number | null
    jobs: number | null
    load: number | null
    dryRun: boolean
    variable: string
  }
  /** Null for what cannot be told, as it cannot be used. */
  pool: null | { name: string; dir: string | null; running: boolean; slots: number | null; free: number | null }
  stateDir: string | null
}

export async function main(words: string[]): Promise<void> {
  const { values, command } = splitArguments(words, OPTIONS)
  if (values.help) return console.log(helpFor('doctor'))
  if (command.length > 0) throw new UsageError('doctor: takes no command')
  const { whyNoPool, ...diagnosis } = await diagnose()
  console.log(values.json ? JSON.stringify(diagnosis, null, 2) : inWords(diagnosis, whyNoPool))
}

async function diagnose(): Promise<Diagnosis & { whyNoPool: string | null }> {
  const found = findMakeflags(process.env)
  const client = connectTo({}, false)
  const { dir } = stateFolder()
  if (!found || !client) {
    const { pool, why } = await diagnosePool(process.env.JOBSLOT_POOL || DEFAULT_POOL)
    return { inForce: pool ? 'pool' : 'none', jobserver: null, pool, stateDir: dir, whyNoPool: why }
  }
  const { flags, variable } = found
  const jobserver = {
    style: flags.jobserver?.style ?? null,
    auth: flags.jobserver ? authText(flags.jobserver) : null,
    usable: client.problem === null,
    reason: client.problem?.message ?? null,
    code: client.problem?.code ?? null,
    available: client.problem ? null : client.available,
    jobs: flags.jobs,
    load: flags.load,
    dryRun: flags.dryRun,
    variable,
  }
  client.close()
  return { inForce: 'jobserver', jobserver, pool: null, stateDir: dir, whyNoPool: null }
}

/** A null pool where this platform has none; else, with what can be told of it, why it cannot be used. */
async function diagnosePool(name: string): Promise<{ pool: Diagnosis['pool']; why: string | null }> {
  let seen: Onlooker | undefined
  try {
    seen = onlooker(name, false)
    const [{ status, asleep = false } = {}] = await seen.look()
    const { slots = null, free = null } = status ?? {}
    return { pool: { name, dir: placeOfPool(name).dir, running: !asleep, slots, free }, why: null }
  } catch (error) {
    if (isNoPools(error)) return { pool: null, why: null }
    if (!(error instanceof JobslotError)) throw error
    return { pool: { name, dir: null, running: false, slots: null, free: null }, why: error.message }
  } finally {
    await seen?.close()
  }
}

/** The state folder, or why it cannot be used. */
function stateFolder(): { dir: string | null; reason: string | null } {
  try {
    return { dir: stateDir(), reason: null }
  } catch (error) {
    if (error instanceof JobslotError) return { dir: null, reason: error.message }
    throw error
  }
}

function authText(auth: JobserverAuth): string {
  if (auth.style === 'pipe') return `${auth.read},${auth.write}`
  return auth.style === 'fifo' ? `fifo:${auth.path}` : auth.name
}

function inWords({ jobserver, pool, stateDir: folder }: Diagnosis, whyNoPool: string | null): string {
  const bold = (text: string) => styled(process.stdout, 'bold', text)
  const lines: [string, string][] = []
  if (pool) {
    lines.push(...poolInWords(pool, whyNoPool))
  } else if (!jobserver) {
    lines.push(['limit in force', 'none'])
    lines.push(['why', 'no jobserver in MAKEFLAGS, CARGO_MAKEFLAGS or MFLAGS, and this platform has no pools'])
    lines.push(['what to do', 'start the build with make -jN'])
  } else {
    const { style, auth, jobs, available, reason, usable, variable } = jobserver
    lines.push([
      'limit in force',
      auth ? `a jobserver, ${style === 'fifo' ? '' : `${style} `}${auth}` : jobs === 1 ? 'one slot' : 'a jobserver',
    ])
    lines.push(['found in', variable])
    if (jobs !== null) lines.push(['slots', String(jobs)])
    lines.push(['works', usable ? 'yes' : 'no'])
    if (reason) lines.push(['why not', reason])
    if (available !== null && style) lines.push(['tokens ready', String(available)])
    lines.push(...heldHere())
    if (!usable) lines.push(['meanwhile', 'jobslot goes on with the one slot that every command has'])
    for (const text of style && usable ? notReached(style) : []) lines.push(['not reached', text])
  }
  // Of a pool, what works not says why already.
  lines.push(['state folder', folder ?? (whyNoPool === null ? (stateFolder().reason ?? '') : 'none that can be used')])
  return lines.map(([name, text]) => `${bold(`${name}:`.padEnd(16))}${text}`).join('\n')
}

function poolInWords(pool: NonNullable<Diagnosis['pool']>, why: string | null): [string, string][] {
  const { name, running, slots, free } = pool
  const lines: [string, string][] = [['limit in force', `pool ${visible(name)}`]]
  lines.push(['found in', process.env.JOBSLOT_POOL ? 'JOBSLOT_POOL' : 'nothing: no jobserver and no pool is named'])
  lines.push(['works', why === null ? 'yes' : 'no'])
  if (why !== null) return [...lines, ['why not', why]]
  lines.push(['slots', String(slots)], ['free now', String(free)])
  lines.push(['broker', running ? 'runs' : 'starts with the first command of the pool'])
  lines.push(...heldHere())
  return [...lines, ['not reached', 'tools started here without jobslot run: no jobserver is named in MAKEFLAGS']]
}

/** The slot of a pool that whoever asks runs in. */
function heldHere(): [string, string][] {
  const name = fileNameOf(process.env.JOBSLOT_POOL || DEFAULT_POOL)
  const member = memberOf(process.env[MEMBER_VARIABLE], name)
  return member === null ? [] : [['held here', `slot ${name}/${member}`]]
}

/** Which tools the form of the jobserver leaves out. */
function notReached(style: JobserverAuth['style']): string[] {
  if (style === 'pipe') return ['ninja, which knows the fifo form only (from 1.13 on)']
  if (style !== 'fifo') return []
  const old = 'gcc -flto=jobserver before gcc 13, which knows pipes only'
  return styleFor('make') === 'pipe'
    ? ['the make found here: it is older than 4.4 and stops at the fifo form', old]
    : [old]
}
