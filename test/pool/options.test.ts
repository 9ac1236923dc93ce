import { describe, expect, test } from 'vitest'
import { createPool, openPool } from '../../src/pools.ts'
import { useState } from './state.ts'

/** What the calls refuse, and what of theirs is of no use any more. */

type Any = Parameters<typeof createPool>[0]

describe('createPool refuses', () => {
  test.for<[unknown, RegExp]>([
    [4, /createPool takes an object of options, not 4/],
    [null, /not null/],
    [{ size: 3 }, /createPool has no option "size": it has slots, /],
    [{ slots: '4' }, /slots must be a whole number/],
    [{ slots: -1 }, /slots must be a whole number/],
    [{ maxLoad: 0 }, /maxLoad must be a number above 0/],
    [{ weight: 0 }, /weight must be/],
  ])('%j', async ([options, message]) => {
    useState()
    await expect(createPool(options as Any)).rejects.toThrow(message)
  })
})

test('openPool refuses a name that is empty, and what is the governor’s', async () => {
  useState()
  await expect(openPool('')).rejects.toThrow(/must not be empty/)
  await expect(openPool('ci', { maxLoad: 3 } as never)).rejects.toThrow(/openPool has no option "maxLoad"/)
})

describe('a pool', () => {
  test('rejects what makes no sense, and does not throw', async () => {
    useState()
    const pool = await createPool({ slots: 1 })
    await expect(pool.resize(-1)).rejects.toThrow(/slots must be/)
    await expect(pool.govern({ maxLoad: Number.NaN })).rejects.toThrow(/maxLoad must be/)
    await pool.close()
  })

  test.for<[unknown[], RegExp]>([
    [['true', 'x'], /an array of its arguments/],
    [['true', null], /an array of its arguments/],
    [['true', [1]], /an array of its arguments, which are strings/],
    [['true', { shell: true }], /an array of its arguments/],
    [[['true']], /the command must be a string/],
    [['true', [], null], /spawn takes an object of options, not null/],
    [['true', [], { lable: 'x' }], /spawn has no option "lable": it has label, /],
    [['true', [], { style: 'semaphore' }], /style must be 'auto', 'fifo' or 'pipe', not semaphore/],
    [['true', [], { timeout: '5s' }], /timeout must be a number of milliseconds/],
  ])('refuses to spawn %j, and has its slot still', async ([words, message]) => {
    useState()
    const pool = await createPool({ slots: 1 })
    await expect(pool.spawn(...(words as [string]))).rejects.toThrow(message)
    expect(await (await pool.spawn('true', [], { stdio: 'ignore', timeout: 20_000 })).exited).toMatchObject({ code: 0 })
    await pool.close()
  })

  test('is not governed by what is no limit', async () => {
    useState()
    const pool = await createPool({ slots: 1 })
    await expect(pool.govern(16 as never)).rejects.toThrow(/govern takes an object of options, not 16/)
    await expect(pool.govern({ load: 16 } as never)).rejects.toThrow(/govern has no option "load": it has maxLoad, /)
    await pool.close()
  })

  test('says of itself that it was closed', async () => {
    useState()
    const pool = await createPool({ slots: 1 })
    await pool.close()
    const closed = { code: 'ERR_JOBSLOT_CLOSED', message: 'this pool was closed: open it anew' }
    for (const use of [pool.acquire(), pool.run(() => {}), pool.spawn('true'), pool.status(), pool.resize(1)]) {
      await expect(use).rejects.toMatchObject(closed)
    }
    expect(() => pool.tryAcquire()).toThrow(closed.message)
    expect(await pool.close()).toEqual({ missing: 0, extra: 0 })
  })

  test('with a timeout of 0 is asked for what it has now', async () => {
    useState()
    for (const pool of [await createPool({ slots: 1 }), await openPool('ci', { slots: 1 })]) {
      const first = await pool.spawn('sleep', ['5'], { timeout: 0, stdio: 'ignore' })
      await expect(pool.spawn('true', [], { timeout: 0 })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
      first.kill()
      await first.exited
      await pool.close()
    }
  })

  test('of no slots lets whoever wants several wait until it has some', async () => {
    useState()
    const pool = await createPool({ slots: 0 })
    const slot = pool.acquire({ timeout: 20_000 })
    await pool.resize(1)
    ;(await slot).release()
    await pool.close()
  })
})
