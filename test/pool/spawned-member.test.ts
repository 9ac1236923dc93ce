import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { spawnMember } from '../../src/pool/spawned-member.ts'

test('what a command prints is there, however long the host takes to hear of it', async () => {
  const told: number[] = []
  const host = {
    started: async () => {
      await sleep(300)
      told.push(1)
    },
    leave: async () => ({ missing: 0, extra: 0 }),
  }
  const joined = { id: 1, slots: 1, fifo: null, mark: 'test/1', capacity: 1 }
  const member = await spawnMember(host, joined, ['echo', 'hi'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    style: 'pipe',
  })
  expect(told).toEqual([])
  expect(await text(member.child.stdout!)).toBe('hi\n')
  expect(await member.exited).toEqual({ code: 0, signal: null })
})
