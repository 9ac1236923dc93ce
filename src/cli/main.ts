#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { endBy } from './child.ts'
import { EXIT, UsageError } from './exit-codes.ts'
import { tell } from './messages.ts'
import { Interrupted } from './signals.ts'

// What ps and a recipe's other commands see: without it, they would see a `node` (`client/callers.ts`).
process.title = ['jobslot', ...process.argv.slice(2)].join(' ')

type Main = (words: string[]) => Promise<void>

const COMMANDS: Record<string, () => Promise<{ main: Main }>> = {
  run: () => import('./commands/run.ts'),
  acquire: () => import('./commands/acquire.ts'),
  release: () => import('./commands/release.ts'),
  status: () => import('./commands/status.ts'),
  resize: () => import('./commands/resize.ts'),
  doctor: () => import('./commands/doctor.ts'),
  lock: () => import('./commands/lock.ts'),
  locks: () => import('./commands/locks.ts'),
}

/** Started by `acquire --for` alone. */
const KEEPER = () => import('./commands/keep.ts')
const isKeeper = (name: string) => name === 'keep' && process.env.JOBSLOT_KEEPER_CLOSES !== undefined

async function main(words: string[]): Promise<void> {
  const [name = '', ...rest] = words
  if (name === '--version' || name === '-V') {
    const file = new URL('../../package.json', import.meta.url)
    console.log((JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version)
    return
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    const { helpFor } = await import('./help.ts')
    console.log(helpFor(rest[0] ?? ''))
    return
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : isKeeper(name) ? KEEPER : undefined
  if (!load) throw new UsageError(whatCommand(name))
  const command = await load()
  await command.main(rest)
}

function whatCommand(name: string): string {
  if (name === '')
    return 'no command was given; there are run, acquire, release, status, resize, doctor, lock and locks'
  if (/^-j/.test(name)) return `unknown command "${name}"; was jobslot run ${name} meant?`
  return `unknown command "${name}"`
}

main(process.argv.slice(2)).catch(fail)

function fail(error: unknown): never {
  if (error instanceof Interrupted) endBy(error.signal)
  if (error instanceof UsageError) {
    const [name = ''] = process.argv.slice(2)
    tell(`${error.message}: see jobslot ${Object.hasOwn(COMMANDS, name) ? `${name} ` : ''}--help`)
    process.exit(EXIT.usage)
  }
  const { code, message, stack } = error as NodeJS.ErrnoException
  if (code?.startsWith('ERR_JOBSLOT_')) {
    tell(message)
    process.exit(EXIT.unavailable)
  }
  tell(`a fault of jobslot's own: ${stack ?? message}`)
  process.exit(EXIT.software)
}
