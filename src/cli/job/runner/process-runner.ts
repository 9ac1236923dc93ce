import { closeSync, statSync } from 'node:fs'
import type { Style } from '../../../pool/offer.ts'
import { type Member, spawnMember } from '../../../pool/spawned-member.ts'
import { styleFor } from '../../../pool/style.ts'
import type { JobStore, PulledJob } from '../../../store.ts'
import { commandOf } from '../command-request.ts'
import { logPath } from '../logs.ts'
import { Ending } from './ending.ts'
import type { Leftovers } from './leftovers.ts'
import { JobLog, JobOutput } from './output.ts'
import { patiently } from './passing.ts'
import { type RequestFile, writeRequest } from './request-file.ts'
import type { Assignment, Result, Runner } from './run.ts'
import { addRunMark, RUN_VARIABLE } from './run-marks.ts'

interface Options {
  store: JobStore
  leftovers: Leftovers
  /** What runs each job; empty: its own command. */
  command: readonly string[]
  /** Of the limit, for the jobs. */
  env: NodeJS.ProcessEnv
  /** How many ms a run has to end that is to end. */
  graceFor(job: PulledJob): Promise<number>
}

/** What a job's process is to be. */
interface Program {
  words: string[]
  cwd: string
}

/** Runs each job as a process. */
export class ProcessRunner implements Runner {
  readonly #options: Options
  readonly #styles = new Map<string, Style>()

  constructor(options: Options) {
    this.#options = options
  }

  async run(assignment: Assignment): Promise<Result> {
    const { job, host, joined, end, stop } = assignment
    const { store } = this.#options
    let log: JobLog | null = null
    let request: RequestFile | null = null
    let member: Member | string | null = null
    try {
      const program = this.#programFor(job)
      if (typeof program === 'string') return { ok: false, error: program, final: true }
      if (!isFolder(program.cwd)) return { ok: false, error: `its folder ${program.cwd} is not there` }
      if (end.aborted) return null
      log = new JobLog(logPath(store.dir, job), job.attempt)
      request = await patiently(() => writeRequest(store.dir, job.id, job.request), AbortSignal.any([end, stop]))
      const ending = new Ending(assignment, () => this.#options.graceFor(job))
      member = await this.#start(program, request, assignment, ending)
      if (typeof member === 'string') {
        log.write(Buffer.from(`${member}\n`))
        return { ok: false, error: member }
      }
      const output = new JobOutput(log, member.child.stdout!, member.child.stderr!)
      log = null
      return await this.#toItsEnd(member, output, ending)
    } catch (error) {
      if (end.aborted || (stop.aborted && !request)) return null
      return { ok: false, error: (error as Error).message }
    } finally {
      log?.close()
      request?.remove()
      // Else it was given back with the process's end.
      if (member === null) await host.leave(joined.id, { signaled: false }).catch(() => {})
    }
  }

  async prepare(): Promise<void> {}

  async close(): Promise<void> {}

  /** Or why there is none. */
  #programFor({ request }: PulledJob): Program | string {
    const own = commandOf(request)
    const { command } = this.#options
    if (command.length > 0) return { words: [...command], cwd: process.cwd() }
    if (own) return { words: own.cmd, cwd: own.cwd }
    return 'its request is no command: jobslot job work needs one that runs it, behind --'
  }

  /** Or why it could not be started; then its slot is given back. */
  async #start(
    program: Program,
    request: RequestFile,
    { job, joined }: Assignment,
    { host }: Ending,
  ): Promise<Member | string> {
    const { store, leftovers, env } = this.#options
    const { id, attempt } = job
    const [name = '', ...args] = program.words
    const stdin = request.open()
    try {
      return await spawnMember(host, joined, [name, ...args], {
        cwd: program.cwd,
        env: {
          ...process.env,
          ...env,
          JOBSLOT_STORE: store.dir,
          JOBSLOT_JOB: String(id),
          JOBSLOT_ATTEMPT: String(attempt),
          JOBSLOT_REQUEST: request.path,
          [RUN_VARIABLE]: addRunMark(process.env[RUN_VARIABLE], leftovers.mark, { id, attempt }),
        },
        stdio: [stdin, 'pipe', 'pipe'],
        // A session of its own: a terminal's Ctrl-C does not end it, and all that it starts can be ended with it.
        detached: true,
        style: this.#styleFor(name),
      })
    } catch (error) {
      const isMissing = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
      // Its folder was there just now.
      return isMissing ? noSuchCommand(name) : (error as Error).message
    } finally {
      closeSync(stdin)
    }
  }

  async #toItsEnd(member: Member, output: JobOutput, ending: Ending): Promise<Result> {
    ending.watch(member.pid)
    const exit = await member.exited
    await output.settled()
    if (await ending.over()) return null
    if (exit.code === 0) return { ok: true, value: output.value }
    const how = exit.signal ? `ended by ${exit.signal}` : `exit status ${exit.code}`
    const { lastLines } = output
    return { ok: false, error: lastLines === '' ? how : `${how}: ${lastLines}` }
  }

  /** To ask make for its version takes some milliseconds. */
  #styleFor(program: string): Style {
    let style = this.#styles.get(program)
    if (style === undefined) {
      style = styleFor(program)
      this.#styles.set(program, style)
    }
    return style
  }
}

function noSuchCommand(name: string): string {
  const isShells = /[\s=]/.test(name)
  return `${name}: there is no such command${isShells ? `; a shell's line needs sh -c '…'` : ''}`
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
