/** The request that `job add -- CMD…` makes: a command, the folder that it is to run in, and where its output goes. */
export interface CommandRequest {
  cmd: string[]
  cwd: string
  /** An absolute path; without it the output lies in the store's folder. */
  log?: string
}

/** Null for a request that is none of these. Pure. */
export function commandOf(request: unknown): CommandRequest | null {
  if (typeof request !== 'object' || request === null) return null
  const { cmd, cwd, log } = request as Record<string, unknown>
  const isCommand = Array.isArray(cmd) && cmd.length > 0 && cmd.every((word) => typeof word === 'string')
  if (!isCommand || typeof cwd !== 'string') return null
  return { cmd, cwd, ...(typeof log === 'string' && { log }) }
}
