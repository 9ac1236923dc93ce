import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LEDGER_RECORD, Ledger, type LedgerRecord } from '../../src/account/ledger.ts'
import { GRANTED_BYTES, headerOf, memberOf, parsed, textOf, textOfMember } from '../../src/account/ledger-record.ts'
import { JobslotError } from '../../src/errors.ts'
import { edited, edits, forAll, fuzzTimeout, oddValues } from '../support/fuzz.ts'
import { openFdCount, tempDir } from '../support/processes.ts'

const member: LedgerRecord = {
  ...{ id: 7, kind: 'run', pid: 1234, startTime: '987654', commandPid: 1235, commandStart: '987660', base: 1 },
  ...{
    fifo: 'member-7',
    label: 'all of it',
    priority: -1,
    weight: 2.5,
    max: 4,
    since: 1_700_000_000_000,
    heldBack: null,
  },
}

test(
  'a record that was changed is damaged, or is what stood there',
  () => {
    const whole = textOfMember(member)!
    forAll(8000, edits(3), (changes) => {
      const text = edited(whole, changes).subarray(0, LEDGER_RECORD - GRANTED_BYTES)
      const value = parsed(text)
      // Zeros are a place where nobody is, and behind the record they say nothing.
      if (value !== undefined && value !== null) expect(memberOf(value)).toEqual(member)
      if (value === null && text.some((byte) => byte !== 0)) throw new Error('taken for a place where nobody is')
    })
  },
  fuzzTimeout,
)

test('a record with any field is one that can be believed, or none', () => {
  forAll(3000, fc.tuple(fc.constantFrom(...Object.keys(member)), oddValues), ([name, odd]) => {
    const found = memberOf({ ...member, [name]: odd })
    if (!found) return
    for (const pid of [found.pid, found.commandPid ?? 1]) if (!(pid > 0 && pid < 2 ** 31)) throw new Error(`${pid}`)
    if (!(found.base >= 0 && Number.isFinite(found.priority) && found.weight > 0)) throw new Error('odd numbers')
    if (found.fifo !== null && /[/\0]|^\.\.?$/.test(found.fifo)) throw new Error(`a way out: ${found.fifo}`)
  })
  forAll(1000, oddValues, (odd) => {
    headerOf(odd)
    memberOf(odd)
    textOf({ odd })
  })
})

test(
  'a ledger that was changed is opened with what can be read of it, or refused',
  () => {
    const path = join(tempDir(), 'ledger')
    const first = Ledger.open(path, { pool: 'ci', places: 8 })
    for (const index of [0, 1, 5]) first.write(index, { ...member, id: index + 1 })
    first.close()
    const whole = readFileSync(path)
    const before = openFdCount(process.pid)
    forAll(1500, edits(3), (changes) => {
      writeFileSync(path, edited(whole, changes))
      try {
        const ledger = Ledger.open(path, { pool: 'ci', places: 8 })
        for (const { index, granted, record } of ledger.records()) {
          if (!(index >= 0 && index < ledger.places && granted >= 0 && granted <= 65_536)) throw new Error(`${index}`)
          if (record) expect({ ...record, id: 7 }).toEqual(member)
        }
        ledger.close()
      } catch (error) {
        if (!(error instanceof JobslotError)) throw error
      }
    })
    expect(openFdCount(process.pid)).toBe(before)
  },
  fuzzTimeout,
)
