/**
 * Every error that jobslot itself raises. `code` starts with `ERR_JOBSLOT_` and is stable; the message says what
 * happened and what to do about it.
 */
export class JobslotError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'JobslotError'
    this.code = code
  }
}

/** What went wrong. The table in `docs/protocol.md` says what each means. */
export type ErrorCode = `ERR_JOBSLOT_${string}`
