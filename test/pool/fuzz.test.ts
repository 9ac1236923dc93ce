import fc from 'fast-check'
import { test } from 'vitest'
import { addMark, memberOf, parseMarks, removeMark, removePool } from '../../src/pool/marks.ts'
import { parseStat } from '../../src/proc.ts'
import { edited, edits, forAll, fuzzTimeout } from '../support/fuzz.ts'

const MARKS = 'ci/1 my%20pool/22 ci/300'
const STAT = '123 (a b) (x) S 45 123 123 34816 200 4194560 1000 0 0 0 5 6 7 8 20 0 1 0 987654321 1000000 200 1\n'

test(
  'marks in any text',
  () => {
    forAll(
      5000,
      fc.oneof(
        edits().map((changes) => edited(Buffer.from(MARKS), changes).toString()),
        fc.string(),
      ),
      (text) => {
        for (const { pool, id } of parseMarks(text)) if (pool === '' || !(id >= 0)) throw new Error(`${pool}/${id}`)
        memberOf(text, 'ci')
        const marked = addMark(text, 'ci/7')
        if (memberOf(marked, 'ci') !== 7) throw new Error(marked)
        if (marked.split(' ').length > 64) throw new Error('too many')
        if (removeMark(marked, 'ci/7')?.split(' ').includes('ci/7')) throw new Error('still there')
        if (parseMarks(removePool(marked, 'ci') ?? '').some(({ pool }) => pool === 'ci')) throw new Error('still there')
      },
    )
  },
  fuzzTimeout,
)

test(
  'a line of /proc/PID/stat that was changed, or cut',
  () => {
    forAll(5000, edits(), (changes) => void parseStat(edited(Buffer.from(STAT), changes).toString()))
    forAll(2000, fc.string({ unit: 'binary', maxLength: 15 }), (name) => {
      const found = parseStat(`7 (${name}) S 45 123 123 34816 200 64 1 0 0 0 5 6 7 8 20 0 1 0 99 1 2 3\n`)
      if (found?.name !== name || found.parent !== 45 || found.startTime !== '99')
        throw new Error(JSON.stringify(found))
    })
  },
  fuzzTimeout,
)
