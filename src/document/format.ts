import { constants } from 'node:buffer'
import { crc32 } from 'node:zlib'

/*
 * A document is one JSON object on one line, with nothing left open to the writer but three things:
 *
 *   {"jobslot":"document 1","crc32":"8 hex digits","version":N,"value":…}\n
 *
 * The checksum is over the bytes from `"version"` to the closing brace, so that a damaged version is no other version.
 */
const BEGIN = '{"jobslot":"document 1","crc32":"'
const OTHER_FORMAT = '{"jobslot":"document '
const HEAD = /^\{"jobslot":"document 1","crc32":"([0-9a-f]{8})",/
const HEAD_BYTES = BEGIN.length + '01234567",'.length
const END = '}\n'
const BODY = /^"version":([1-9]\d{0,15}),"value":/
const LONGEST_VALUE = constants.MAX_STRING_LENGTH - 100
const LONGEST_BODY_HEAD = '"version":9007199254740991,"value":'.length

/** The greatest version there can be. */
export const LAST_VERSION = Number.MAX_SAFE_INTEGER

export type Decoded = { version: number; value: unknown } | { problem: string }

/** @param json the value's text */
export function encodeDocument(version: number, json: string): Buffer {
  // Read back it is one string, whose length is limited in bytes then.
  if (Buffer.byteLength(json) > LONGEST_VALUE) {
    throw new TypeError(`the value is too long for a document: its JSON has more than ${LONGEST_VALUE} bytes`)
  }
  const body = Buffer.from(`"version":${version},"value":${json}`)
  return Buffer.concat([Buffer.from(`${BEGIN}${checksum(body)}",`), body, Buffer.from(END)])
}

/** What a file says, or what is wrong with it. A file that is not byte by byte as it was written has no value. */
export function decodeDocument(bytes: Buffer): Decoded {
  const head = HEAD.exec(bytes.toString('latin1', 0, HEAD_BYTES))
  if (!head) return { problem: foreign(bytes) }
  if (bytes.toString('latin1', bytes.length - END.length) !== END) return { problem: 'its end is missing' }
  const body = bytes.subarray(HEAD_BYTES, bytes.length - END.length)
  if (checksum(body) !== head[1]) return { problem: 'its checksum does not fit, so it was damaged or edited' }
  return bodyOf(body)
}

/** The checksum fits: what is still wrong here was made so. */
function bodyOf(body: Buffer): Decoded {
  const head = BODY.exec(body.toString('latin1', 0, LONGEST_BODY_HEAD))
  const version = Number(head?.[1])
  if (!head || version > LAST_VERSION) return { problem: 'it has no version that is a whole number above 0' }
  try {
    return { version, value: JSON.parse(body.toString('utf8', head[0].length)) }
  } catch (error) {
    return { problem: `its value is no JSON (${(error as Error).message})` }
  }
}

function foreign(bytes: Buffer): string {
  if (bytes.length === 0) return 'it is empty'
  const begin = bytes.toString('latin1', 0, BEGIN.length)
  if (begin === BEGIN) return 'its checksum is missing'
  if (begin.startsWith(OTHER_FORMAT)) return 'it has a format that this version of jobslot does not know'
  return 'it does not begin as a document does'
}

function checksum(bytes: Buffer): string {
  return crc32(bytes).toString(16).padStart(8, '0')
}
