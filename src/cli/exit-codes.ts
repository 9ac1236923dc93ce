/** Exit statuses of jobslot's own (sysexits.h, and the shell's for a command that cannot be run). */
export const EXIT = {
  usage: 64,
  unavailable: 69,
  software: 70,
  timeout: 75,
  cannotRun: 126,
  notFound: 127,
} as const

/** Wrong use of the command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  /** The command whose help tells more; without it, that of the command line's first word. */
  page?: string
}

/** By its name: in the bundle each file has a class of its own. */
export function isUsageError(error: unknown): error is UsageError {
  return error instanceof Error && error.name === 'UsageError'
}
