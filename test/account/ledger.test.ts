import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Account } from '../../src/account/account.ts'
import { LEDGER_RECORD, Ledger, type LedgerRecord } from '../../src/account/ledger.ts'
import { textOf } from '../../src/account/ledger-record.ts'
import { startProgram } from '../fd/program.ts'
import { openFdCount, tempDir } from '../support/processes.ts'
import { testFifo } from './fifos.ts'

const member: LedgerRecord = {
  id: 7,
  kind: 'run',
  pid: 1234,
  startTime: '987654',
  commandPid: 1235,
  commandStart: '987660',
  base: 1,
  fifo: 'member-7',
  label: 'all of it',
  priority: -1,
  weight: 2.5,
  max: 4,
  since: 1_700_000_000_000,
  heldBack: null,
}
const least: LedgerRecord = {
  ...member,
  kind: 'process',
  commandPid: null,
  commandStart: null,
  base: 0,
  fifo: null,
  label: null,
  max: null,
  heldBack: 3,
}

const open = (path: string, pool = 'p', places?: number) => {
  const ledger = Ledger.open(path, places === undefined ? { pool } : { pool, places })
  onTestFinished(() => ledger.close())
  return ledger
}

/** A ledger in which a member stands in place 3, closed. */
function written(records: Record<number, LedgerRecord> = { 3: member }) {
  const path = join(tempDir(), 'ledger')
  const ledger = Ledger.open(path, { pool: 'p', places: 10 })
  for (const [index, record] of Object.entries(records)) ledger.write(Number(index), record)
  ledger.close()
  return path
}

function overwrite(path: string, position: number, bytes: Buffer): void {
  const fd = openSync(path, 'r+')
  writeSync(fd, bytes, 0, bytes.length, position)
  closeSync(fd)
}

/** The text of the first record as it would be here, but for what is said. */
const header = (over: object) => {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const pidNamespace = readlinkSync('/proc/self/ns/pid')
  return textOf({ format: 1, boot, pidNamespace, pool: 'p', ...over }) as Buffer
}

const code = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
  return 'no error'
}

describe('a ledger', () => {
  test('tells after another opening what was written, and what was granted', () => {
    const path = join(tempDir(), 'ledger')
    const ledger = open(path)
    const account = new Account(ledger.fd, ledger.places, () => {})
    ledger.write(0, member)
    ledger.write(1022, least)
    account.add(0, testFifo().opened())
    account.grant(0, 5)
    account.take(0, 2)
    account.close()
    ledger.close()
    expect(open(path).records()).toEqual([
      { index: 0, granted: 3, record: member },
      { index: 1022, granted: 0, record: least },
    ])
  })

  test('keeps what was granted when a record is written anew, and nothing when it is erased', () => {
    const ledger = open(join(tempDir(), 'ledger'))
    const account = new Account(ledger.fd, ledger.places, () => {})
    onTestFinished(() => account.close())
    ledger.write(2, member)
    account.add(2, testFifo().opened())
    account.grant(2, 5)
    ledger.write(2, { ...member, label: 'x' })
    expect(ledger.records()).toMatchObject([{ granted: 5, record: { label: 'x' } }])
    account.remove(2)
    account.forget(2)
    expect(ledger.records()).toMatchObject([{ granted: 0 }])
    ledger.erase(2)
    expect(ledger.records()).toEqual([])
  })

  test('of a member that is gone says what its survivors hold', () => {
    const path = join(tempDir(), 'ledger')
    const ledger = open(path)
    const account = new Account(ledger.fd, ledger.places, () => {})
    onTestFinished(() => account.close())
    const fifo = testFifo()
    account.add(2, fifo.opened())
    account.grant(2, 5)
    fifo.take(3)
    expect(account.remove(2)).toEqual({ drained: 2, held: 3 })
    expect(ledger.records()).toEqual([{ index: 2, granted: 3, record: null }])
    fifo.give(3)
    expect(account.remove(2)).toEqual({ drained: 3, held: 0 })
    fifo.give(2)
    expect(account.remove(2)).toEqual({ drained: 2, held: -2 })
  })

  test('takes a label as far as it fits, and refuses what does not', () => {
    const ledger = open(join(tempDir(), 'ledger'))
    for (const character of ['x', 'ä', '😀', '\u0001', '"']) {
      ledger.write(0, { ...member, label: character.repeat(5000) })
      expect(ledger.records()[0]?.record?.label).toMatch(/^(.)\1{20,}…$/u)
    }
    expect(code(() => ledger.write(0, { ...member, fifo: 'f'.repeat(1100) }))).toBe('ERR_JOBSLOT_LEDGER')
    expect(() => ledger.write(1023, member)).toThrow(RangeError)
    expect(() => ledger.erase(-1)).toThrow(RangeError)
  })

  test('in memory has no file', () => {
    const ledger = Ledger.memory()
    ledger.write(0, member)
    ledger.erase(0)
    expect(ledger).toMatchObject({ fd: null, path: null })
    expect(ledger.records()).toEqual([])
    ledger.close()
  })

  test('takes its room when it is made, for itself alone, and leaves nothing else', () => {
    const dir = tempDir()
    const path = join(dir, 'ledger')
    open(path)
    const { size, blocks, mode } = statSync(path)
    expect(size).toBe(1024 * LEDGER_RECORD)
    expect(blocks * 512).toBeGreaterThanOrEqual(size)
    expect(mode & 0o777).toBe(0o600)
    expect(readdirSync(dir)).toEqual(['ledger'])
  })
})

test('that finds no room is an error, and leaves nothing', async () => {
  const dir = tempDir()
  const { ended } = startProgram(
    `
    const { Ledger } = await import(built + 'account/ledger.js')
    try {
      Ledger.open('${dir}/ledger', { pool: 'p' })
    } catch ({ code, message }) {
      say([code, message])
    }`,
    // Half of what it needs. Without a handler the signal would be the program's end.
    { under: ['sh', '-c', 'trap "" XFSZ; ulimit -f 1000; exec "$@"', 'sh'] },
  )
  expect(await ended).toEqual([['ERR_JOBSLOT_STATE_DIR', expect.stringContaining('EFBIG')]])
  expect(readdirSync(dir)).toEqual([])
})

describe('what is found', () => {
  const kept = (path: string) => open(path).records()

  test('from before the machine was started is not kept', () => {
    const path = written()
    overwrite(path, 4, header({ boot: 'earlier' }))
    expect(kept(path)).toEqual([])
    expect(kept(path)).toEqual([])
  })

  test.each([
    ['of another version', { format: 2 }, /another version of jobslot \(format 2\).*remove/],
    ['of another PID namespace', { pidNamespace: 'pid:[1]' }, /PID namespace/],
  ])('%s is an error while somebody stands in it, and else begun anew', (_, over, message) => {
    for (const records of [{ 3: member }, {}]) {
      const path = written(records)
      overwrite(path, 4, header(over))
      if (3 in records) {
        expect(code(() => open(path))).toBe('ERR_JOBSLOT_LEDGER')
        expect(() => open(path)).toThrow(message)
      } else {
        expect(kept(path)).toEqual([])
      }
    }
  })

  test('of another pool is an error', () => {
    const path = written()
    expect(() => open(path, 'q')).toThrow(/it is the ledger of pool "p"/)
  })

  test('with a damaged first record is an error while somebody stands in it', () => {
    const path = written()
    overwrite(path, 30, Buffer.from('#'))
    expect(() => open(path)).toThrow(/first record is damaged/)
    const empty = written({})
    overwrite(empty, 30, Buffer.from('#'))
    expect(kept(empty)).toEqual([])
  })

  test('with a damaged record tells of it, and of the others', () => {
    const path = written({ 1: least, 3: member })
    overwrite(path, 4 * LEDGER_RECORD + 100, Buffer.from('#'))
    overwrite(path, 4 * LEDGER_RECORD, Buffer.from([3, 0, 0, 0]))
    expect(kept(path)).toEqual([
      { index: 1, granted: 0, record: least },
      { index: 3, granted: 3, record: null },
    ])
  })

  test('with an impossible number tells of it', () => {
    const path = written()
    overwrite(path, 4 * LEDGER_RECORD, Buffer.from([0, 0, 0, 0x80]))
    expect(kept(path)).toEqual([{ index: 3, granted: 0, record: null }])
    const ledger = open(path)
    const account = new Account(ledger.fd, ledger.places, () => {})
    onTestFinished(() => account.close())
    account.add(3, testFifo().opened())
    expect(account.read(3)).toMatchObject({ granted: 0 })
  })

  test('cut short is read as far as it goes', () => {
    const path = written({ 1: least, 3: member })
    for (const [size, count] of [
      [5 * LEDGER_RECORD - 1, 1],
      [4 * LEDGER_RECORD, 1],
      [2 * LEDGER_RECORD, 0],
      [LEDGER_RECORD, 0],
      [10, 0],
      [0, 0],
    ] as const) {
      truncateSync(path, size)
      expect(kept(path), `${size} bytes`).toHaveLength(count)
    }
  })

  test('as anything else is an error', () => {
    const dir = tempDir()
    mkdirSync(join(dir, 'folder'))
    symlinkSync('target', join(dir, 'link'))
    writeFileSync(join(dir, 'text'), 'text\n'.repeat(1000))
    const before = openFdCount(process.pid)
    for (const name of ['folder', 'link', 'none/ledger'])
      expect(
        code(() => open(join(dir, name))),
        name,
      ).toBe('ERR_JOBSLOT_STATE_DIR')
    expect(code(() => open(join(dir, 'text')))).toBe('ERR_JOBSLOT_LEDGER')
    expect(openFdCount(process.pid)).toBe(before)
  })

  test('with any bytes changed is either refused or read, and never more than was written', () => {
    const changes = fc.array(fc.tuple(fc.nat(11 * LEDGER_RECORD - 1), fc.nat(255)), { minLength: 1, maxLength: 20 })
    const size = fc.option(fc.nat(11 * LEDGER_RECORD))
    const path = written({ 1: least, 3: member })
    const whole = readFileSync(path)
    fc.assert(
      fc.property(changes, size, (changed, cut) => {
        const bytes = Buffer.from(whole)
        // Where something stands, mostly.
        for (const [at, byte] of changed)
          bytes[at % 2 ? at : ([0, 2, 4][at % 3] as number) * LEDGER_RECORD + (at % 300)] = byte
        writeFileSync(path, cut === null ? bytes : bytes.subarray(0, cut))
        let ledger: Ledger
        try {
          ledger = Ledger.open(path, { pool: 'p', places: 10 })
        } catch (error) {
          expect((error as NodeJS.ErrnoException).code).toBe('ERR_JOBSLOT_LEDGER')
          return
        }
        try {
          for (const { record } of ledger.records()) expect([null, member, least]).toContainEqual(record)
          new Account(ledger.fd, ledger.places, () => {}).close()
        } finally {
          ledger.close()
        }
      }),
    )
  })
})
