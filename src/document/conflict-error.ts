import { JobslotError } from '../errors.ts'

/** A document has another version than the one that a write was to replace. */
export class ConflictError extends JobslotError {
  /** The version that the write named. */
  readonly expected: number
  /** The version that the document has. */
  readonly actual: number

  /** @internal */
  constructor(path: string, expected: number, actual: number) {
    super(
      'ERR_JOBSLOT_CONFLICT',
      `the document ${path} has version ${actual}, not ${expected}: read it again and write with the version found`,
    )
    this.name = 'ConflictError'
    this.expected = expected
    this.actual = actual
  }
}
