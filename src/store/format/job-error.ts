import type { JobError } from './line.ts'

/** An error is not refused for its length: it is cut. */
const LONGEST_TEXT = 64 * 1024

/** What went wrong, as it stands in the journal: of an error from anywhere, or of anything else. Never throws. Pure. */
export function jobErrorOf(error: unknown): JobError {
  if (typeof error !== 'object' || error === null) return { message: cut(String(error)) }
  const { message, code, stack } = error as { message?: unknown; code?: unknown; stack?: unknown }
  return {
    message: cut(typeof message === 'string' ? message : textOf(error)),
    ...(typeof code === 'string' && { code: cut(code) }),
    ...(typeof stack === 'string' && { stack: cut(stack) }),
  }
}

function textOf(value: object): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    // It is in itself, or has what JSON has no word for.
    return Object.prototype.toString.call(value)
  }
}

const cut = (text: string): string => (text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text)
