import { statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { addJob } from '../../../store/add-job.ts'
import { UsageError } from '../../exit-codes.ts'
import { tell } from '../../messages.ts'
import { parseAdd, parseRequest } from '../add-words.ts'
import type { CommandRequest } from '../command-request.ts'
import { dirForNew } from '../place.ts'

/** What is longer is no request, however many blanks are in it. */
const MOST_BYTES = 64 * 1024 * 1024

export async function main(words: string[]): Promise<void> {
  const plan = parseAdd(words, ownFolder)
  if (plan === 'help') {
    const { jobHelp } = await (await import('../job-more.ts')).help()
    return console.log(jobHelp('add'))
  }
  const { what, options } = plan
  const request =
    what === 'stdin'
      ? parseRequest(await textOfStdin(), false)
      : 'text' in what
        ? parseRequest(what.text, true)
        : withLogFolder(what.command)
  const { id, existing } = await addJob(request, { dir: dirForNew(plan.dir), ...options })
  if (existing) tell(`nothing was added: job ${id} has this key, and has not finished`)
  print(id)
}

/** Found out by its worker, it would have failed the job. @throws UsageError */
function withLogFolder(command: CommandRequest): CommandRequest {
  const folder = command.log === undefined ? null : dirname(command.log)
  if (folder === null || mayBeFolder(folder)) return command
  throw new UsageError(`job add: --log: there is no folder ${folder}: make it, or name another`)
}

/** What this user may not look at, the worker's may. */
function mayBeFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  } catch {
    return true
  }
}

function ownFolder(): string {
  try {
    return process.cwd()
  } catch {
    throw new UsageError('job add: the folder that the command is to run in, this one, was removed')
  }
}

async function textOfStdin(): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of process.stdin as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > MOST_BYTES)
      throw new UsageError('job add: stdin has more than a request may: write it into a file and name that')
    parts.push(part)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch {
    throw new UsageError('job add: what stdin has is no UTF-8, and so no JSON')
  }
}

/** At once, and without a stream, which takes time to make. */
function print(id: number): void {
  try {
    writeSync(1, `${id}\n`)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // The job is there, so this is no failure; and nobody may want to read its number.
    if (code !== 'EPIPE') tell(`job ${id} was added, but its number could not be written (${code})`)
  }
}
