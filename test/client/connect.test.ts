import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { connect } from '../../src/client/connect.ts'
import { packageDir } from '../support/cli.ts'
import { distinctTokens, fifoJobserver } from '../support/jobserver.ts'
import { run, tempDir } from '../support/processes.ts'
import { runAlone } from './program.ts'

describe('where no limit is in force', () => {
  test.for([
    {},
    { MAKEFLAGS: '' },
    { MAKEFLAGS: 'w' },
    { MAKEFLAGS: 'k -l4', MAKELEVEL: '1' },
    { MAKEFLAGS: ' -j1' },
    { MAKEFLAGS: ' -- CC=--jobserver-auth=3,4', MAKELEVEL: '1' },
  ])('connect() is null: %j', (env) => {
    expect(connect({ env })).toBeNull()
    expect(connect({ env, strict: true })).toBeNull()
  })

  test('a fallback gives slots of one’s own', async () => {
    const client = connect({ env: {}, fallback: 3 })
    expect(client).toMatchObject({ auth: null, jobs: 3, load: null, problem: null, available: 3 })
    const slots = [client.acquireSync(), await client.acquire(), client.tryAcquire()]
    expect(client.tryAcquire()).toBeNull()
    await expect(client.acquire({ timeout: 1 })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
    const waiting = client.acquire()
    slots[1]?.release()
    await waiting
    expect(client.available).toBe(0)
    client.close()
  })

  test('a fallback is each client’s own, and its slots come back with close()', () => {
    const [one, other] = [connect({ env: {}, fallback: 1 }), connect({ env: {}, fallback: 1 })]
    expect([one.tryAcquire(), other.tryAcquire()]).not.toContain(null)
    one.close()
    expect(() => one.tryAcquire()).toThrow(/was closed/)
    expect(other.available).toBe(0)
    other.close()
  })

  test('blocking for one’s own slots is refused: nobody could release one', () => {
    const client = connect({ env: {}, fallback: 1 })
    client.acquireSync()
    expect(() => client.acquireSync()).toThrow(expect.objectContaining({ code: 'ERR_JOBSLOT_DEADLOCK' }))
    client.close()
  })

  test.for([0, -1, 1.5, Number.NaN, Infinity, '4' as unknown as number])('a fallback of %s is refused', (fallback) => {
    expect(() => connect({ env: {}, fallback })).toThrow(/fallback must be a whole number of slots, at least 1/)
  })
})

describe('-j1 of the make above', () => {
  const env = { MAKEFLAGS: ' -j1', MAKELEVEL: '1' }

  test('is a limit of one, whatever the fallback', async () => {
    const client = connect({ env, fallback: 8 })
    expect(client).toMatchObject({ auth: null, jobs: 1, problem: null, available: 1 })
    const slot = await client.acquire()
    expect(slot.implicit).toBe(true)
    expect(client.tryAcquire()).toBeNull()
    const waiting = client.acquire()
    slot.release()
    expect((await waiting).implicit).toBe(true)
    expect(() => client.acquireSync({ timeout: 1000 })).toThrow(expect.objectContaining({ code: 'ERR_JOBSLOT_GONE' }))
    client.close()
  })

  test('is shared by all who connect', () => {
    const [one, other] = [connect({ env }), connect({ env, strict: true })]
    expect(one?.tryAcquire()).not.toBeNull()
    expect(other?.tryAcquire()).toBeNull()
    one?.close()
    expect(other?.tryAcquire()).not.toBeNull()
    other?.close()
  })

  test('leaves a child its environment', () => {
    const client = connect({ env })
    const options = { env, stdio: 'inherit' as const }
    expect(client?.childOptions(options)).toBe(options)
    client?.close()
  })
})

test('a jobserver goes before the fallback', () => {
  const { makeflags } = fifoJobserver(tempDir(), distinctTokens(2))
  for (const variable of ['MAKEFLAGS', 'CARGO_MAKEFLAGS', 'MFLAGS']) {
    const client = connect({ env: { [variable]: makeflags }, fallback: 8, strict: true })
    expect(client).toMatchObject({ jobs: 3, available: 3, problem: null })
    client.close()
  }
})

test('the addon is loaded for a jobserver, and for nothing else', async () => {
  const { makeflags } = fifoJobserver(tempDir(), distinctTokens(1))
  const steps = await runAlone(`
    import { readFileSync } from 'node:fs'
    const steps = {}
    const note = (step) => { steps[step] = /\\.node$/m.test(readFileSync('/proc/self/maps', 'utf8')) }
    note('import')
    connect()
    note('connect')
    const slots = connect({ fallback: 2 })
    await slots.run(() => slots.run(() => {}))
    await slots.limit(() => {})
    slots.childOptions()
    slots.close()
    note('fallback')
    const one = connect({ env: { MAKEFLAGS: ' -j1', MAKELEVEL: '1' } })
    await one.run(() => {})
    note('-j1')
    connect({ env: { MAKEFLAGS: ' -j2 --jobserver-auth=rubbish!' } })
    connect({ env: { MAKEFLAGS: ' -j2 --jobserver-auth=fifo:/nonexistent' } })
    note('unusable')
    connect({ env: { MAKEFLAGS: ${JSON.stringify(makeflags)} } })
    note('jobserver')
    console.log(JSON.stringify(steps))
  `)
  expect(steps).toEqual({
    import: false,
    connect: false,
    fallback: false,
    '-j1': false,
    unusable: false,
    jobserver: true,
  })
})

test('CommonJS can require it, and gets the same module as import', async () => {
  const dir = tempDir()
  mkdirSync(join(dir, 'node_modules'))
  symlinkSync(packageDir, join(dir, 'node_modules/jobslot'))
  const code = `
    const { connect, parseMakeflags, JobslotError } = require('jobslot')
    const fd = require('jobslot/fd')
    import('jobslot').then((module) => console.log(
      connect(), module.connect === connect, typeof parseMakeflags, typeof JobslotError, typeof fd.dup))
  `
  const result = await run([process.execPath, '--input-type=commonjs', '-e', code], { cwd: dir })
  expect(result).toMatchObject({ code: 0, stdout: 'null true function function function\n' })
})

test('nothing is left to keep the process alive, nor a listener to be seen', async () => {
  const { makeflags } = fifoJobserver(tempDir(), distinctTokens(1))
  const listeners = await runAlone(
    `
    const client = connect()
    const held = await client.acquire()
    await client.acquire({ timeout: 600_000 })
    const waiting = client.acquire({ timeout: 600_000, signal: AbortSignal.timeout(600_000) })
    held.release()
    await waiting
    client.acquire({ timeout: 20 }).catch(() => {
      console.log(JSON.stringify(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => process.listenerCount(signal))))
    })
    `,
    { env: { MAKEFLAGS: makeflags } },
  )
  expect(listeners).toEqual([0, 0, 0])
})
