import { UsageError } from '../exit-codes.ts'
import { WORK_HELP } from './work-help.ts'

const HELP: Record<string, string> = {
  '': 'jobslot job',
  work: WORK_HELP,
}

/** @throws UsageError where there is no such command */
export function jobHelp(command: string): string {
  const text = Object.hasOwn(HELP, command) ? HELP[command] : undefined
  if (text === undefined) throw new UsageError(`unknown command "job ${command}"`)
  return text
}
