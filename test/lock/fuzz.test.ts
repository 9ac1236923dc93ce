import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JobslotError } from '../../src/errors.ts'
import { tryLockFile } from '../../src/lock/acquire.ts'
import { closeIdle } from '../../src/lock/handle.ts'
import { locks, sortOut } from '../../src/lock/list.ts'
import { parseRecord, parseRecords, whoAmI } from '../../src/lock/record.ts'
import { edited, edits, forAll, fuzzTimeout } from '../support/fuzz.ts'
import { tempDir } from '../support/processes.ts'

const SIZE = 256
const record = (slot: number, more: object = {}) =>
  Buffer.from(
    `${JSON.stringify({ slot, pid: 4_194_999, start: '1', label: 'make', shared: false, since: 1, ...more }).padEnd(SIZE - 1)}\n`,
  )
const SAMPLES = [
  [record(1), record(2, { waiting: true }), record(3, { shared: true })],
  [Buffer.alloc(SIZE), record(1), Buffer.from(`${' '.repeat(SIZE - 1)}\n`), record(3, { waiting: true })],
  [record(1, { label: '\u2028 "x" \ud800' })],
].map((records) => Buffer.concat(records))

const files = fc.tuple(fc.constantFrom(...SAMPLES), edits()).map(([sample, changes]) => edited(sample, changes))

test(
  'records of anything are read as parties, or the file is no lock',
  () => {
    forAll(3000, files, (content) => {
      const records = parseRecords(content)
      if (!records) return
      if (records.length !== Math.floor(content.length / SIZE)) throw new Error(`${records.length} records`)
      const { holders, waiters, abandoned } = sortOut('x', records, (slot) => slot % 2 === 0)
      for (const { pid, label, since } of [...holders, ...waiters, ...abandoned]) {
        if (!Number.isSafeInteger(pid) || !Number.isSafeInteger(since)) throw new Error('odd numbers')
        if (label !== null && typeof label !== 'string') throw new Error('odd label')
      }
    })
    forAll(2000, fc.oneof(fc.json(), fc.string({ unit: 'binary' })), (text) => void parseRecord(text))
  },
  fuzzTimeout,
)

test('any label makes a record that has room, and is read back', () => {
  forAll(2000, fc.string({ unit: 'binary', maxLength: 300 }), (label) => {
    const who = whoAmI(label)
    if (Buffer.byteLength(who) > 184 - 4) throw new Error(`${Buffer.byteLength(who)} bytes`)
    const found = parseRecord(`{"slot":1,${who},"shared":false,"since":1}`).label ?? ''
    if (found !== label && !label.startsWith(found.replace(/…$/, ''))) throw new Error(found)
  })
})

test(
  'a lock whose file has any content is taken, told as foreign, or held by nobody for long',
  () => {
    const dir = tempDir()
    const path = join(dir, 'a')
    forAll(150, files, (content) => {
      writeFileSync(path, content)
      try {
        const lock = tryLockFile(path)
        // Nobody alive holds it.
        if (!lock) throw new Error('held')
        expect(tryLockFile(path)).toBeNull()
        expect(locks({ dir })).toMatchObject([{ holders: [{ pid: process.pid }], waiters: [] }])
        lock.release()
      } catch (error) {
        if (!(error instanceof JobslotError)) throw error
        expect(error.code).toBe('ERR_JOBSLOT_LOCK_FILE')
      }
      locks({ dir })
      closeIdle(path)
    })
  },
  fuzzTimeout,
)

test('a lock file of any length is no reason to look through all of it', () => {
  const dir = tempDir()
  const path = join(dir, 'a')
  writeFileSync(path, record(1, { since: 5 }))
  truncateSync(path, 2 ** 43 - 256)
  expect(locks({ dir })).toMatchObject([{ abandoned: [{ since: 5 }] }])
  // As far as that would be, it would take hours.
  tryLockFile(path)!.release()
  closeIdle(path)
})
