import { type JobError, type Options, objectOf, type Place, type Value } from '../format/line.ts'
import type { State } from '../state/state.ts'
import type { Files } from './files.ts'

export type Texts = { text(id: number, place: Place): string }

/** The line that has a job's request and options. */
export function jobLineOf(state: State, texts: Texts, row: number): Options & { t: number; request: unknown } {
  const { id, file, offset, length } = state.table
  const place = { file: file[row]!, offset: offset[row]!, length: length[row]! }
  return JSON.parse(texts.text(id[row]!, place))
}

/** The line of a finished job that has its value or error. */
export function endLineOf(state: Pick<State, 'table'>, files: Files, row: number): Value & { error?: JobError } {
  const { endFile, endOffset, endLength } = state.table
  const text = files.text({ file: endFile[row]!, offset: endOffset[row]!, length: endLength[row]! })
  return objectOf(text) ?? {}
}
