#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { endBy } from './child.ts'
import { main as acquire } from './commands/acquire.ts'
import { EXIT, isUsageError, UsageError } from './exit-codes.ts'
import { tell } from './messages.ts'
import { isInterrupted } from './signals.ts'

// What ps and a recipe's other commands see: without it, they would see a `node` (`client/callers.ts`).
process.title = ['jobslot', ...process.argv.slice(2)].join(' ')

type Main = (words: string[]) => Promise<void>

/** What is not `acquire` lies in files that `acquire` does not read. */
const COMMANDS: Record<string, () => Promise<{ main: Main }>> = {
  run: async () => (await import('./bundles/more.ts')).run(),
  acquire: async () => ({ main: acquire }),
  release: async () => (await import('./bundles/more.ts')).release(),
  status: async () => (await import('./bundles/more.ts')).status(),
  resize: async () => (await import('./bundles/more.ts')).resize(),
  remove: async () => (await import('./bundles/more.ts')).remove(),
  doctor: async () => (await import('./bundles/more.ts')).doctor(),
  lock: async () => (await import('./bundles/more.ts')).lock(),
  locks: async () => (await import('./bundles/more.ts')).locks(),
  job: () => import('./job/job.ts'),
}

/** Started by `acquire --for` alone. */
const KEEPER = async () => (await import('./bundles/more.ts')).keep()
const isKeeper = (name: string) => name === 'keep' && process.env.JOBSLOT_KEEPER_CLOSES !== undefined

async function main(words: string[]): Promise<void> {
  const [name = '', ...rest] = words
  if (name === '--version' || name === '-V') {
    const file = join(import.meta.dirname, '../../package.json')
    console.log((JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version)
    return
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    const { helpFor } = await (await import('./bundles/more.ts')).help()
    console.log(helpFor(rest.join(' ')))
    return
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : isKeeper(name) ? KEEPER : undefined
  if (!load) {
    const { noCommand, unknownCommand } = await (await import('./bundles/more.ts')).unknown()
    const known = Object.keys(COMMANDS)
    throw new UsageError(name === '' ? noCommand(known) : unknownCommand(name, known))
  }
  const command = await load()
  await command.main(rest)
}

main(process.argv.slice(2)).catch(fail)

function fail(error: unknown): never {
  if (isInterrupted(error)) endBy(error.signal)
  if (isUsageError(error)) {
    const [name = ''] = process.argv.slice(2)
    const page = error.page ?? (Object.hasOwn(COMMANDS, name) ? name : '')
    const more = `see jobslot ${page && `${page} `}--help`
    tell(error.message.endsWith('?') ? `${error.message} S${more.slice(1)}` : `${error.message}: ${more}`)
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
