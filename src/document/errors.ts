import { JobslotError } from '../errors.ts'

/** What is at the path is not a document, or not a whole one. */
export function notADocument(path: string, problem: string): JobslotError {
  return new JobslotError(
    'ERR_JOBSLOT_DOCUMENT',
    `${path} cannot be used as a document and was left as it is, for ${problem}: ` +
      'put back a copy of it, or move it away to begin anew',
  )
}

export function cannotRead(path: string, cause: unknown): JobslotError {
  return failed(`the document ${path} cannot be read (${messageOf(cause)})`, cause)
}

export function cannotWrite(path: string, cause: unknown): JobslotError {
  return failed(`the document ${path} cannot be written (${messageOf(cause)}) and has the value that it had`, cause)
}

/** It is in place for all to see, but the disk would not say that it will stay so. */
export function mayBeLost(path: string, cause: unknown): JobslotError {
  const what = `the document ${path} has its new value, but may lose it in a power cut (${messageOf(cause)})`
  return new JobslotError('ERR_JOBSLOT_DOCUMENT_IO', `${what}: write it again when the disk works`, { cause })
}

function failed(what: string, cause: unknown): JobslotError {
  return new JobslotError('ERR_JOBSLOT_DOCUMENT_IO', `${what}: ${cureOf(cause)}`, { cause })
}

function cureOf(cause: unknown): string {
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'make room'
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'to read it takes the right to read the file, to write it the right to make files in its folder'
    case 'ENOENT':
    case 'ENOTDIR':
      return 'its folder has to be there'
    default:
      return 'the cause has to go first'
  }
}

const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))
