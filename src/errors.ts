/**
 * Every error that jobslot itself raises. `code` starts with `ERR_JOBSLOT_` and is stable; the message says what
 * happened and what to do about it.
 */
export class JobslotError extends Error {
  /** What went wrong, for programs: `ERR_JOBSLOT_TIMEOUT`, for instance. */
  readonly code: ErrorCode

  /** @internal */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'JobslotError'
    this.code = code
  }
}

/** What went wrong. The tables of "Errors" in `docs/protocol.md` say what each code means and what to do about it. */
export type ErrorCode = `ERR_JOBSLOT_${string}`
