import type * as Fs from 'node:fs'
import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { stateDir } from '../../src/state-dir.ts'
import { tempDir } from '../support/processes.ts'

/** Who owns the folder, as the code under test sees it. */
let owner: number | undefined

vi.mock('node:fs', async (importActual) => {
  const fs = await importActual<typeof Fs>()
  const lstat = (path: string) => {
    const stats = fs.lstatSync(path)
    return Object.assign(stats, { uid: owner ?? stats.uid })
  }
  return { ...fs, lstatSync: lstat }
})

/** A user whom no other program knows. */
let uid: number
/** The folder of that user, where none is named. */
let dir: string

beforeEach(() => {
  uid = 4_000_000_000 + Math.floor(Math.random() * 200_000_000)
  dir = `/tmp/jobslot-${uid}`
  owner = uid
  vi.spyOn(process, 'getuid').mockReturnValue(uid)
})

afterEach(() => {
  vi.restoreAllMocks()
  rmSync(dir, { recursive: true, force: true })
})

test('is made, for its user alone', () => {
  expect(stateDir({})).toBe(dir)
  expect(lstatSync(dir).isDirectory()).toBe(true)
  expect(lstatSync(dir).mode & 0o777).toBe(0o700)
  expect(stateDir({})).toBe(dir)
  expect(stateDir({ JOBSLOT_DIR: '' })).toBe(dir)
})

test.for<[string, () => void, string]>([
  ['a link', () => symlinkSync(tempDir(), dir), 'it is no folder'],
  ['a file', () => writeFileSync(dir, ''), 'it is no folder'],
  ['a folder with rights for others', () => mkdirSync(dir) ?? chmodSync(dir, 0o701), 'others have rights in it'],
  ['a folder with rights for the group', () => mkdirSync(dir) ?? chmodSync(dir, 0o720), 'others have rights in it'],
])('may not be %s', ([, make, why]) => {
  make()
  expect(() => stateDir({})).toThrow(
    expect.objectContaining({
      code: 'ERR_JOBSLOT_STATE_DIR',
      message: `jobslot's state folder ${dir} cannot be used: ${why}; set JOBSLOT_DIR to a folder of your own`,
    }),
  )
})

test('may not belong to someone else', () => {
  mkdirSync(dir, { mode: 0o700 })
  owner = uid + 1
  expect(() => stateDir({})).toThrow(`it belongs to user ${uid + 1}`)
})

test('is where JOBSLOT_DIR says', () => {
  const chosen = tempDir()
  expect(stateDir({ JOBSLOT_DIR: chosen })).toBe(chosen)
  const link = join(chosen, 'link')
  symlinkSync(tempDir(), link)
  expect(stateDir({ JOBSLOT_DIR: link })).toBe(link)
  const fresh = join(chosen, 'new')
  expect(stateDir({ JOBSLOT_DIR: fresh })).toBe(fresh)
  expect(lstatSync(fresh).mode & 0o777).toBe(0o700)
  expect(existsSync(dir)).toBe(false)
})
