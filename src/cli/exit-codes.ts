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
export class UsageError extends Error {}
