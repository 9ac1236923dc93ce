import type { AcquireWords } from './acquire-words.ts'

/** The command and its environment, which are told how many slots it holds. */
export function withSlots(
  { command, substitute }: AcquireWords,
  slots: number,
): { command: string[]; env: NodeJS.ProcessEnv } {
  const [program = '', ...args] = command
  const words = substitute ? args.map((word) => word.replaceAll('{slots}', String(slots))) : args
  return { command: [program, ...words], env: { ...process.env, JOBSLOT_SLOTS: String(slots) } }
}
