import { connectTo } from '../../client/connect.ts'
import { JobslotError } from '../../errors.ts'
import { findMakeflags, type JobserverAuth } from '../../makeflags/index.ts'
import { styleFor } from '../../pool/style.ts'
import { stateDir } from '../../state-dir.ts'
import { splitArguments } from '../arguments.ts'
import { UsageError } from '../exit-codes.ts'
import { helpFor } from '../help.ts'
import { styled } from '../messages.ts'

const OPTIONS = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const

/** The shape that `doctor --json` prints. */
interface Diagnosis {
  inForce: 'jobserver' | 'none'
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
  pool: null
  stateDir: string | null
}

export async function main(words: string[]): Promise<void> {
  const { values, command } = splitArguments(words, OPTIONS)
  if (values.help) return console.log(helpFor('doctor'))
  if (command.length > 0) throw new UsageError('doctor: takes no command')
  const diagnosis = diagnose()
  console.log(values.json ? JSON.stringify(diagnosis, null, 2) : inWords(diagnosis))
}

function diagnose(): Diagnosis {
  const found = findMakeflags(process.env)
  const client = connectTo({}, false)
  const { dir } = stateFolder()
  if (!found || !client) return { inForce: 'none', jobserver: null, pool: null, stateDir: dir }
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
  return { inForce: 'jobserver', jobserver, pool: null, stateDir: dir }
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

function inWords({ jobserver, stateDir: folder }: Diagnosis): string {
  const bold = (text: string) => styled(process.stdout, 'bold', text)
  const lines: [string, string][] = []
  if (!jobserver) {
    lines.push(['limit in force', 'none'])
    lines.push(['why', 'no jobserver in MAKEFLAGS, CARGO_MAKEFLAGS or MFLAGS'])
    lines.push(['what to do', 'start the build with jobslot run -j N -- CMD, or with make -jN'])
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
    if (!usable) lines.push(['meanwhile', 'jobslot goes on with the one slot that every command has'])
    for (const text of style && usable ? notReached(style) : []) lines.push(['not reached', text])
  }
  lines.push(['state folder', folder ?? stateFolder().reason ?? ''])
  return lines.map(([name, text]) => `${bold(`${name}:`.padEnd(16))}${text}`).join('\n')
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
