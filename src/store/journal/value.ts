import { isUtf8 } from 'node:buffer'
import { crc32 as zlibCrc32 } from 'node:zlib'
import type { Disk } from '../disk/disk.ts'
import { failed } from '../errors.ts'
import { valueName } from '../format/format.ts'
import type { Value } from '../format/line.ts'

/** Longer ones lie in files of their own. */
const LONGEST_INLINE = 64 * 1024

/** What a job may be fulfilled with: it comes out as a Buffer. Text is UTF-8; undefined is empty. */
export type ValueInput = string | Uint8Array | undefined

export function bytesOf(value: ValueInput): Buffer {
  if (value === undefined) return Buffer.alloc(0)
  if (typeof value === 'string') return Buffer.from(value)
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  throw new TypeError('a value must be a string or bytes: make a string of it, for instance by JSON.stringify')
}

/** As it stands in a line: text where it is text; undefined where it is too long for one. */
export function inlineValue(bytes: Buffer): Value | undefined {
  if (bytes.length > LONGEST_INLINE) return undefined
  return isUtf8(bytes) ? { value: bytes.toString() } : { base64: bytes.toString('base64') }
}

/** A long one gets a file made for it, which the line then names. */
export async function fileValue(disk: Disk, id: number, claim: number | undefined, bytes: Buffer): Promise<Value> {
  // No other fulfilment of the job has this name.
  const name = valueName(id, claim ?? Math.floor(Math.random() * Number.MAX_SAFE_INTEGER))
  try {
    await disk.make(name, (append) => append(bytes), true)
  } catch (error) {
    throw failed(disk.dir, error)
  }
  return { file: name, bytes: bytes.length, crc: crcOf(bytes) }
}

/** @throws JobslotError `ERR_JOBSLOT_STORE_IO` where its file is missing or damaged */
export function readValue(disk: Disk, value: Value): Buffer {
  if (value.value !== undefined) return Buffer.from(value.value)
  if (value.base64 !== undefined) return Buffer.from(value.base64, 'base64')
  const bytes = value.file === undefined ? null : readWhole(disk, value.file)
  if (bytes && bytes.length === value.bytes && crcOf(bytes) === value.crc) return bytes
  throw failed(disk.dir, new Error(`${value.file} ${bytes ? 'is damaged' : 'is missing'}`))
}

function readWhole(disk: Disk, name: string): Buffer | null {
  const file = disk.open(name)
  if (!file) return null
  try {
    const bytes = Buffer.allocUnsafe(file.size())
    return bytes.subarray(0, file.read(bytes, 0, bytes.length))
  } finally {
    file.close()
  }
}

const crcOf = (bytes: Buffer): string => zlibCrc32(bytes).toString(16).padStart(8, '0')
