import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { placeOfPool } from '../../src/broker/place.ts'
import { readSettings } from '../../src/broker/settings.ts'
import { baseName } from '../../src/worker/place.ts'
import { requireProgram } from '../cli/recipes.ts'
import { needMounts, needRoot } from '../lock/needs.ts'
import { tempDir, waitFor } from '../support/processes.ts'
import { asked, failure, type Named, named, speakTo } from './named.ts'

const hello = { protocol: 1, pid: process.pid, slots: null }
const join_ = { ...asked(), key: 1 }

describe('a message that is none', () => {
  const cases: [method: string, message: unknown][] = [
    ['join', null],
    ['join', 'all of it'],
    ['join', []],
    ...[
      { min: -1 },
      { min: 2, max: 1 },
      { min: 1.5 },
      { max: 65_537 },
      { max: Number.NaN },
      { max: '1' },
      { kind: 'king' },
      { kind: '__proto__' },
      { label: 7 },
      { draws: 1 },
      { limit: -1 },
      { weight: 0 },
      { weight: Number.POSITIVE_INFINITY },
      { priority: null },
      { since: -1 },
      { key: 0 },
    ].map((wrong): [string, unknown] => ['join', { ...join_, ...wrong }]),
    ['started', { id: 1 }],
    ['started', { id: 1, command: { pid: -1, startTime: '1' } }],
    ['started', { id: 1, command: { pid: 1, startTime: '../1' } }],
    ['leave', { id: 1 }],
    ['leave', { id: '1', signaled: true }],
    ['rejoin', { id: -1 }],
    ['release', {}],
    ['resize', { slots: 1e9 }],
    ['resize', { slots: -1 }],
    ['resize', null],
    ['govern', { limits: { maxLoad: -1 } }],
    ['govern', { limits: { maxload: 1 } }],
    ['govern', { limits: null }],
    ['hello', hello],
  ]

  test('is an error to who sent it, and changes nothing', async () => {
    const n = named()
    const pool = await n.connect('ci', { slots: 3 })
    const { id } = await pool.join(asked())
    const before = await pool.status()
    const worker = await speakTo()
    expect(await failure(worker.call('status'))).toMatchObject({ code: 'ERR_JOBSLOT_POOL_MESSAGE' })
    await worker.call('hello', hello)
    for (const [method, message] of cases) {
      expect([method, message, (await failure(worker.call(method, message))).code]).toEqual([
        ...[method, message, 'ERR_JOBSLOT_POOL_MESSAGE'],
      ])
    }
    expect(await failure(worker.call('constructor'))).toMatchObject({ code: 'ERR_JOBSLOT_NO_METHOD' })
    worker.notify('leave', 'nonsense')
    worker.notify('hungry', { id: 77 })
    expect(await pool.status()).toEqual(before)
    await worker.close()
    await pool.leave(id, { signaled: false })
  })

  test('cannot speak for another, not even of the same process', async () => {
    const n = named()
    const pool = await n.connect('ci', { slots: 3 })
    const { id } = await pool.join(asked())
    const worker = await speakTo()
    await worker.call('hello', hello)
    const command = { pid: 1, startTime: '1' }
    for (const [method, message] of [
      ['leave', { id, signaled: false }],
      ['started', { id, command }],
      ['release', { id }],
    ] as const) {
      expect(await failure(worker.call(method, message))).toMatchObject({ code: 'ERR_JOBSLOT_NO_SLOT' })
    }
    // Who asks is what the kernel says.
    await worker.call('join', { ...join_, pid: 1, startTime: '0' })
    expect((await pool.status()).members.map(({ pid }) => pid)).toEqual([process.pid, process.pid])
    await worker.close()
  })

  test('that is no message at all ends its connection alone', async () => {
    const n = named()
    const pool = await n.connect('ci', { slots: 3 })
    const path = join(n.dir, 'workers', `${baseName('pool ci')}.sock`)
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '', '\0'.repeat(1000), 'jobslot-worker 1.15\n\xff\xff\xff\xff']) {
      const socket = connect({ path })
      await new Promise((resolve) => socket.once('connect', resolve))
      socket.on('error', () => {})
      socket.write(Buffer.from(bytes, 'latin1'))
      await sleep(20)
      socket.destroy()
    }
    expect(await pool.status()).toMatchObject({ slots: 3, free: 3 })
  })

  test('of another version is refused with what to do, by the broker and by its user', async () => {
    const n = named()
    const pool = await n.connect('ci', { slots: 3 })
    const worker = await speakTo()
    const error = await failure(worker.call('hello', { ...hello, protocol: 2, more: 'who knows' }))
    expect(error).toMatchObject({
      code: 'ERR_JOBSLOT_POOL_VERSION',
      message: expect.stringContaining('speaks version 1 of the pools’ protocol and this program 2'.replace('’', "'")),
    })
    await worker.close()
    expect(await pool.status()).toMatchObject({ slots: 3 })
  })
})

describe('another PID namespace', () => {
  const under = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
  const use = `say(await failure(BrokerClient.connect('ci', { slots: 3 }).then((pool) => pool.close())))`

  test('is refused a pool that is in use here, and the other way round', async (ctx) => {
    needRoot(ctx)
    requireProgram('unshare', ctx)
    const n = named()
    const pool = await n.connect('ci', { slots: 3 })
    const inside = n.program(use, { under })
    expect(await inside.says()).toMatchObject({
      code: 'ERR_JOBSLOT_POOL_NAMESPACE',
      message: expect.stringMatching(/in use from another PID namespace.*JOBSLOT_DIR/),
    })
    await inside.result
    expect(await pool.status()).toMatchObject({ slots: 3 })
    await pool.close()
    await waitFor(() => n.brokers().length === 0)

    const owner = n.program(
      `const pool = await openPool('ci', { slots: 3 })
       const member = await pool.spawn('sleep', ['60'])
       say(member.pid)
       await member.exited`,
      { under },
    )
    await owner.says()
    const { code } = await failure(n.connect('ci'))
    expect(code).toBe('ERR_JOBSLOT_POOL_NAMESPACE')
    // Its broker and who spoke for the member are killed: what it runs still has its slot.
    for (const pid of n.brokers()) process.kill(pid, 'SIGKILL')
    expect(await failure(n.connect('ci'))).toMatchObject({ code: expect.stringMatching(/NAMESPACE|LEDGER/) })
    owner.child.kill('SIGKILL')
    await owner.result.catch(() => {})
    // And when all of it has ended, nothing is in the way.
    await waitFor(async () => {
      const again = await n.connect('ci').catch(() => null)
      return again !== null && (await again.status()).free === 3
    })
  })
})

/** A file system of its own on the state folder. */
const small = ({ dir }: Named, size: string) => [
  ...['unshare', '-m', 'sh', '-c', `mount -t tmpfs -o size=${size},mode=700 none ${dir} && exec "$@"`, 'sh'],
]

describe('a folder', () => {
  const cannot = async (n: Named, code = 'ERR_JOBSLOT_STATE_DIR') => {
    const error = await failure(n.connect('ci', { slots: 1 }))
    expect(error).toMatchObject({ name: 'JobslotError', code })
    return error.message
  }

  test('of others is not used', async (ctx) => {
    needRoot(ctx)
    const n = named()
    const pools = join(n.dir, 'pools')
    mkdirSync(pools, { mode: 0o700 })
    chownSync(pools, 65534, 65534)
    expect(await cannot(n)).toMatch(/pools.*belongs to user 65534/)
    rmSync(pools, { recursive: true })
    mkdirSync(join(pools, 'ci'), { recursive: true, mode: 0o700 })
    chownSync(join(pools, 'ci'), 65534, 65534)
    expect(await cannot(n)).toMatch(/pools\/ci.*belongs to user 65534/)
    chownSync(join(pools, 'ci'), 0, 0)
    chmodSync(join(pools, 'ci'), 0o777)
    expect(await cannot(n)).toMatch(/others have rights/)
    chmodSync(join(pools, 'ci'), 0o700)
    const pool = await n.connect('ci', { slots: 1 })
    expect((await pool.status()).free).toBe(1)
  })

  test('that is a link, or none, is not used', async () => {
    const n = named()
    symlinkSync(tempDir(), join(n.dir, 'pools'))
    expect(await cannot(n)).toMatch(/pools.*no folder/)
    rmSync(join(n.dir, 'pools'))
    writeFileSync(join(n.dir, 'pools'), '')
    expect(await cannot(n)).toMatch(/pools.*no folder/)
  })

  test('that cannot be written in is an error, to other users than root', async (ctx) => {
    needRoot(ctx)
    requireProgram('setpriv', ctx)
    const n = named()
    chownSync(n.dir, 65534, 65534)
    chmodSync(n.dir, 0o500)
    const under = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--']
    const other = n.program(`say(await failure(BrokerClient.connect('ci', { slots: 3 })))`, { under })
    expect(await other.says()).toMatchObject({
      code: 'ERR_JOBSLOT_STATE_DIR',
      message: expect.stringMatching(/cannot be used.*JOBSLOT_DIR/),
    })
  })

  for (const size of ['64k', '1m']) {
    test(`of ${size} has no room for an account: who wants in is told`, async (ctx) => {
      needMounts(ctx)
      const n = named()
      const program = n.program(`say(await failure(BrokerClient.connect('ci', { slots: 3 })))`, {
        under: small(n, size),
      })
      expect(await program.says()).toMatchObject({
        name: 'JobslotError',
        code: 'ERR_JOBSLOT_STATE_DIR',
        message: expect.stringMatching(/its disk is full \(ENOSPC\); make room, or set JOBSLOT_DIR/),
      })
    })
  }

  test('that fills up later harms nobody who is in', async (ctx) => {
    needMounts(ctx)
    const n = named()
    const under = small(n, '1400k')
    const program = n.program(
      `
      const pool = await BrokerClient.connect('ci', { slots: 4 })
      const first = await pool.join(asked())
      const fd = fs.openSync(${JSON.stringify(join(n.dir, 'rest'))}, 'w')
      try { for (;;) fs.writeSync(fd, Buffer.alloc(4096)) } catch {}
      say(await failure(pool.resize(3)))
      say((await pool.status()).slots)
      // In the place that was taken for it when the pool was made.
      const second = await pool.join(asked())
      say(await failure(pool.join(asked({ kind: 'run', draws: true })).then(({ id }) => pool.leave(id, { signaled: false }))))
      const broker = pool.brokerPid
      fs.closeSync(fd)
      fs.rmSync(${JSON.stringify(join(n.dir, 'rest'))})
      await pool.resize(3)
      await pool.leave(first.id, { signaled: false })
      await pool.leave(second.id, { signaled: false })
      say({ same: broker === pool.brokerPid, free: (await pool.status()).free })
      await pool.close()`,
      { under },
    )
    expect(await program.says()).toMatchObject({
      code: 'ERR_JOBSLOT_STATE_DIR',
      message: expect.stringMatching(/ENOSPC/),
    })
    expect(await program.says(2)).toBe(4)
    expect(['none', 'ERR_JOBSLOT_STATE_DIR']).toContain(((await program.says(3)) as { code: string }).code)
    expect(await program.says(4)).toEqual({ same: true, free: 3 })
  })
})

describe('what lies there', () => {
  test.each([
    { what: 'empty', text: '' },
    { what: 'cut', text: '{"jobslot":"document 1","crc32":"7' },
    { what: 'of somebody else', text: '{"slots":3}' },
  ])('as settings that are $what is told, and not taken for none', async ({ text }) => {
    const n = named()
    const first = await n.connect('ci', { slots: 3 })
    await first.close()
    await waitFor(() => n.brokers().length === 0)
    const { settings } = placeOfPool('ci')
    const sound = readFileSync(settings)
    writeFileSync(settings, text)
    const error = await failure(n.connect('ci'))
    expect(error).toMatchObject({ code: 'ERR_JOBSLOT_POOL_SETTINGS', message: expect.stringContaining(settings) })
    writeFileSync(settings, sound)
    // At once, in the same broker.
    expect((await (await n.connect('ci')).status()).slots).toBe(3)
  })

  test('as settings can be read as a document', async () => {
    const n = named()
    const pool = await n.connect('ci', { slots: 3 })
    await pool.govern({ maxLoad: 8, maxPressure: { io: 20 } })
    expect(readSettings(placeOfPool('ci'))).toMatchObject({ slots: 3, limits: { maxLoad: 8, maxPressure: { io: 20 } } })
  })

  test('as an account that is damaged is refused while anything of the pool runs, and then made anew', async () => {
    const n = named()
    const other = n.program(`
      const pool = await openPool('ci', { slots: 4 })
      say((await pool.spawn('sleep', ['33.1'])).pid)
      await sleep(60_000)`)
    const command = (await other.says()) as number
    for (const pid of [...n.brokers(), other.pid]) process.kill(pid, 'SIGKILL')
    await other.result
    const ledger = join(n.dir, 'pools/ci/ledger')
    const bytes = readFileSync(ledger)
    for (const at of [1100, 2100]) bytes[at] = (bytes[at] as number) ^ 0x55
    writeFileSync(ledger, bytes)
    expect(await failure(n.connect('ci'))).toMatchObject({ code: 'ERR_JOBSLOT_LEDGER' })
    process.kill(command, 'SIGKILL')
    await waitFor(async () => {
      const pool = await n.connect('ci').catch(() => null)
      return pool !== null && (await pool.status()).free === 4
    })
  })
})
