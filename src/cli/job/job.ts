import { isUsageError, UsageError } from '../exit-codes.ts'

type Main = (words: string[]) => Promise<void>

/** What is not `add` lies in files that `add` does not read. */
const COMMANDS: Record<string, () => Promise<{ main: Main }>> = {
  add: () => import('./commands/add.ts'),
  list: async () => (await import('./job-more.ts')).list(),
  show: async () => (await import('./job-more.ts')).show(),
  wait: async () => (await import('./job-more.ts')).wait(),
  cancel: async () => (await import('./job-more.ts')).cancel(),
  retry: async () => (await import('./job-more.ts')).retry(),
  remove: async () => (await import('./job-more.ts')).remove(),
  log: async () => (await import('./job-more.ts')).log(),
  pause: async () => (await import('./job-more.ts')).pause(),
  resume: async () => (await import('./job-more.ts')).resume(),
  stats: async () => (await import('./job-more.ts')).stats(),
  verify: async () => (await import('./job-more.ts')).verify(),
  compact: async () => (await import('./job-more.ts')).compact(),
  work: () => import('./commands/work.ts'),
}

/** `jobslot job …`. */
export async function main(words: string[]): Promise<void> {
  const [name = '', ...rest] = words
  if (name === '--help' || name === '-h' || name === 'help') {
    const { jobHelp } = await (await import('./job-more.ts')).help()
    console.log(jobHelp(rest[0] ?? ''))
    return
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!load) {
    const { noJobCommand, unknownJobCommand } = await (await import('../bundles/more.ts')).unknown()
    const known = Object.keys(COMMANDS)
    throw new UsageError(name === '' ? noJobCommand(known) : unknownJobCommand(name, known))
  }
  try {
    const command = await load()
    await command.main(rest)
  } catch (error) {
    if (isUsageError(error)) {
      error.page ??= `job ${name}`
      // Those of what all commands share do not know whose they are.
      if (!error.message.startsWith(`job ${name}`)) error.message = `job ${name}: ${error.message}`
    }
    throw error
  }
}
