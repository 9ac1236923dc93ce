import { chmodSync, chownSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { locks } from '../../src/lock.ts'
import { requireProgram } from '../cli/recipes.ts'
import { tempDir, waitFor } from '../support/processes.ts'
import { needRoot } from './needs.ts'
import { type Party, type PartyOptions, startParty, stillWaits } from './party.ts'

beforeEach((ctx) => {
  needRoot(ctx)
  requireProgram('setpriv', ctx)
})

const NOBODY = 65534
const OTHER = 65533
const GROUP = 65000

interface Folder {
  mode: number
  uid?: number
  gid?: number
}

/** A folder that its users can reach. */
function folder({ mode, uid = 0, gid = 0 }: Folder): string {
  const outer = tempDir()
  chmodSync(outer, 0o755)
  const dir = join(outer, 'shared')
  mkdirSync(dir)
  chownSync(dir, uid, gid)
  chmodSync(dir, mode)
  return dir
}

/** Of the file, and of all that lies in the folder beside it. */
function rights(dir: string): { file: string; folder: string; fifos: string[] } {
  const show = (path: string) => {
    const { mode, uid, gid } = statSync(path)
    return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`
  }
  const queue = join(dir, 'a.queue')
  const fifos = readdirSync(queue).map((name) => show(join(queue, name)))
  return { file: show(join(dir, 'a')), folder: show(queue), fifos: [...new Set(fifos)] }
}

interface Who extends PartyOptions {
  is: string
}
const root: Who = { is: 'root' }
const nobody: Who = { is: 'nobody', uid: NOBODY, gid: NOBODY }
// setpriv has to change the groups before it gives up being root.
const asMember = (uid: number): Who => ({
  is: `${uid} of the group`,
  under: ['setpriv', '--reuid', String(uid), '--regid', String(uid), '--groups', String(GROUP), '--'],
})

const pairs: { what: string; place: Folder; users: [Who, Who] }[] = [
  { what: 'one that all may write in', place: { mode: 0o777 }, users: [root, nobody] },
  { what: 'one like /tmp', place: { mode: 0o1777 }, users: [root, nobody] },
  {
    what: 'one like /tmp, without root',
    place: { mode: 0o1777 },
    users: [nobody, { is: 'another', uid: OTHER, gid: OTHER }],
  },
  { what: "a user's own, and root", place: { mode: 0o700, uid: NOBODY, gid: NOBODY }, users: [root, nobody] },
  {
    what: "a user's own that others may read, and root",
    place: { mode: 0o755, uid: NOBODY, gid: NOBODY },
    users: [root, nobody],
  },
  { what: "a group's", place: { mode: 0o770, gid: GROUP }, users: [asMember(NOBODY), asMember(OTHER)] },
  { what: "a group's, with its bit", place: { mode: 0o2770, gid: GROUP }, users: [asMember(NOBODY), asMember(OTHER)] },
  { what: "a group's, sticky", place: { mode: 0o3770, gid: GROUP }, users: [asMember(NOBODY), asMember(OTHER)] },
  { what: "a group's, and root", place: { mode: 0o2775, gid: GROUP }, users: [root, asMember(NOBODY)] },
]

describe.each(pairs)('two users in $what', ({ place, users }) => {
  test.each([
    { first: users[0], second: users[1] },
    { first: users[1], second: users[0] },
  ])('$first.is first, then $second.is: whatever the umask is', async ({ first, second }) => {
    const dir = folder(place)
    const parties = [
      startParty({ ...first, umask: 0o077 }),
      startParty({ ...second, umask: 0o027 }),
      startParty(second),
    ]
    const [one, two, third] = (await Promise.all(parties)) as [Party, Party, Party]
    await one.lock('a', { dir, label: 'one' })
    expect(await two.tryLock('a', { dir })).toBeNull()
    const waiting = two.lock('a', { dir, timeout: 10_000 })
    await waitFor(() => locks({ dir })[0]?.waiters.length === 1)
    const bits = (place.mode & 0o666).toString(8)
    const { file, folder: queue, fifos } = rights(dir)
    expect(file.split(' ')[0]).toBe(bits)
    expect(Number.parseInt(queue, 8) & 0o666).toBe(place.mode & 0o666)
    for (const fifo of fifos) expect(fifo.split(' ')[0]).toBe(bits)
    // Not by a second look: by the FIFO of another's.
    const began = performance.now()
    await one.release()
    await waiting
    expect(performance.now() - began).toBeLessThan(1500)
    const back = one.lock('a', { dir, timeout: 10_000 })
    expect(await stillWaits(back)).toBe(true)
    await two.kill()
    expect(await back).toMatchObject({ abandonedBy: { pid: two.pid } })
    expect(await one.do(`return locks({ dir: ${JSON.stringify(dir)} })[0].holders.length`)).toBe(1)
    await one.release()
    await one.end()
    expect(await third.tryLock('a', { dir })).toMatchObject({ abandonedBy: null })
  })
})

test('root gives the files to the owner of the folder', async () => {
  const dir = folder({ mode: 0o750, uid: NOBODY, gid: GROUP })
  const party = await startParty({ umask: 0o077 })
  await party.lock('a', { dir })
  expect(rights(dir)).toEqual({
    file: `640 ${NOBODY}:${GROUP}`,
    folder: `750 ${NOBODY}:${GROUP}`,
    fifos: [`640 ${NOBODY}:${GROUP}`],
  })
})

describe('a folder that cannot exclude the other user is an error', () => {
  const refused = { code: 'ERR_JOBSLOT_LOCK_FOLDER' }

  test('one that belongs to another, in which this user may read', async () => {
    const dir = folder({ mode: 0o755 })
    const party = await startParty(nobody)
    await expect(party.tryLock('a', { dir })).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('EACCES'),
    })
    const owner = await startParty()
    await owner.lock('a', { dir })
    await expect(party.tryLock('a', { dir })).rejects.toMatchObject(refused)
    await expect(party.lock('a', { dir, timeout: 100 })).rejects.toMatchObject(refused)
  })

  test('one with a group that this user cannot give its files to', async () => {
    // All may write, but the group has rights that others have not.
    const dir = folder({ mode: 0o772, gid: GROUP })
    const party = await startParty(nobody)
    await expect(party.tryLock('a', { dir })).rejects.toMatchObject(refused)
    expect(readdirSync(dir)).toEqual([])
  })

  test('one that this user may not enter', async () => {
    const dir = folder({ mode: 0o700 })
    const party = await startParty(nobody)
    await expect(party.tryLock('a', { dir })).rejects.toMatchObject(refused)
    await expect(party.do(`return locks({ dir: ${JSON.stringify(dir)} })`)).rejects.toMatchObject(refused)
    const hidden = join(dir, 'inner')
    mkdirSync(hidden)
    await expect(party.tryLock('a', { dir: hidden })).rejects.toMatchObject(refused)
  })
})

test('two users who take it in turns, and make its files anew, meet no rights of a moment', {
  timeout: 30_000,
}, async () => {
  const dir = folder({ mode: 0o1777 })
  const parties = await Promise.all([
    startParty({ ...nobody, umask: 0o077 }),
    startParty({ uid: OTHER, gid: OTHER, umask: 0o077 }),
    startParty({ umask: 0o077 }),
  ])
  const counts = parties.map((party: Party) =>
    party.do(`let count = 0
      for (const end = Date.now() + 2500; Date.now() < end; count++) {
        // A label of its own is a handle of its own: it comes and goes.
        const held = await lock('abc'[count % 3], { dir: ${JSON.stringify(dir)}, timeout: 8000, label: String(count) })
        held.release()
      }
      return count`),
  )
  for (const count of await Promise.all(counts)) expect(count).toBeGreaterThan(20)
})
