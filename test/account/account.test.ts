import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Account, type Purse, type Watch } from '../../src/account/account.ts'
import { waitFor } from '../support/processes.ts'
import { testFifo } from './fifos.ts'

/** An account of one FIFO, and what it tells. */
function one() {
  const told: Purse[] = []
  let events = 0
  const account = new Account(null, 10, () => {
    events++
    told.push(...account.changed())
  })
  onTestFinished(() => account.close())
  const fifo = testFifo()
  account.add(3, fifo.opened())
  return { account, fifo, told, events: () => events }
}

/** Longer than any look at a FIFO is away. */
const quiet = () => sleep(30)

describe('tokens', () => {
  test('granted ones lie in the FIFO, and are taken back', () => {
    const { account, fifo } = one()
    expect(account.read(3)).toEqual({ index: 3, granted: 0, visible: 0, debt: 0, stirs: 0 })
    expect(account.grant(3, 5)).toBe(5)
    expect(account.read(3)).toEqual({ index: 3, granted: 5, visible: 5, debt: 0, stirs: 0 })
    fifo.take(2)
    expect(account.read(3)).toMatchObject({ granted: 5, visible: 3 })
    expect(account.take(3, 2)).toBe(2)
    expect(account.take(3, 9)).toBe(1)
    expect(account.take(3, 9)).toBe(0)
    expect(account.read(3)).toMatchObject({ granted: 2, visible: 0 })
  })

  test('no more are granted than there is room for', () => {
    const { account, fifo } = one()
    expect(account.grant(3, 70_000)).toBe(65_536)
    expect(account.grant(3, 1)).toBe(0)
    expect(account.read(3)).toMatchObject({ granted: 65_536, visible: 65_536 })
    expect(fifo.visible()).toBe(65_536)
  })

  test('what clients write beyond what was granted is no token, and is taken as a surplus', () => {
    const { account, fifo } = one()
    account.grant(3, 2)
    fifo.give(3)
    expect(account.read(3)).toMatchObject({ granted: 2, visible: 5 })
    expect(account.takeSurplus(3)).toBe(3)
    expect(account.read(3)).toMatchObject({ granted: 2, visible: 2 })
    expect(account.takeSurplus(3)).toBe(0)
    fifo.give(1)
    expect(account.take(3, 9)).toBe(2)
    expect(account.read(3)).toMatchObject({ granted: 0, visible: 1 })
  })
})

describe('a debt', () => {
  test('is paid at once by what lies there, and later by what comes back, each time an event', async () => {
    const { account, fifo, told } = one()
    account.grant(3, 4)
    fifo.take(3)
    account.owe(3, 3)
    expect(account.read(3)).toMatchObject({ granted: 3, visible: 0, debt: 2 })
    for (const debt of [1, 0]) {
      fifo.give(1)
      await waitFor(() => told.at(-1)?.debt === debt)
      expect(told.at(-1)).toMatchObject({ granted: debt + 1, visible: 0, debt })
    }
    fifo.give(1)
    await quiet()
    expect(fifo.visible()).toBe(1)
    expect(account.read(3)).toMatchObject({ granted: 1, visible: 1, debt: 0 })
  })

  test('can be cancelled', async () => {
    const { account, fifo } = one()
    account.grant(3, 1)
    fifo.take(1)
    account.owe(3, 1)
    account.owe(3, 0)
    fifo.give(1)
    await quiet()
    expect(account.read(3)).toMatchObject({ granted: 1, visible: 1, debt: 0 })
  })

  test('is never more than what was granted', async () => {
    const { account, fifo } = one()
    account.grant(3, 1)
    fifo.take(1)
    account.owe(3, 5)
    fifo.give(3)
    await waitFor(() => account.read(3).debt === 0)
    expect(account.read(3)).toMatchObject({ granted: 0, visible: 2 })
  })
})

describe('a watch', () => {
  const watching = (want: Watch) => {
    const made = one()
    made.account.grant(3, 3)
    made.account.watch(3, want)
    return made
  }

  test('0 tells nothing', async () => {
    const { fifo, events } = watching(0)
    fifo.take(3)
    await quiet()
    expect(events()).toBe(0)
  })

  test('1 tells that it is empty, and nothing else', async () => {
    const { fifo, told, events } = watching(1)
    fifo.take(2)
    await quiet()
    fifo.give(1)
    await quiet()
    expect(events()).toBe(0)
    fifo.take(2)
    await waitFor(() => events() > 0)
    expect(told).toMatchObject([{ granted: 3, visible: 0 }])
  })

  test('2 tells that there is more, or less', async () => {
    const { fifo, told } = watching(2)
    fifo.take(1)
    await waitFor(() => told.length === 1)
    await quiet()
    fifo.give(1)
    await waitFor(() => told.length === 2)
    expect(told).toMatchObject([{ visible: 2 }, { visible: 3 }])
  })

  test('tells what somebody has read meanwhile', async () => {
    const { account, fifo, events } = watching(1)
    for (let i = 1; i < 20; i++) {
      fifo.take(3)
      expect(account.read(3)).toMatchObject({ visible: 0 })
      await waitFor(() => events() === i)
      fifo.give(3)
      account.read(3)
      await sleep(3)
    }
  })

  test('is not stirred by what is done through the account', async () => {
    const { account, events } = watching(2)
    for (let i = 0; i < 50; i++) {
      account.grant(3, 2)
      account.take(3, 2)
      await sleep(1)
    }
    account.takeSurplus(3)
    await quiet()
    expect(events()).toBe(0)
    expect(account.read(3)).toMatchObject({ visible: 3, stirs: 0 })
  })
})
