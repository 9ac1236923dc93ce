import { expect, test } from 'vitest'
import type { JoinRequest } from '../../src/pool/host.ts'
import { Queue } from '../../src/pool/queue.ts'

const request = (of: Partial<JoinRequest>): JoinRequest => ({
  ...{ kind: 'acquire', pid: 1, startTime: '1', label: null, min: 1, max: 1, draws: false },
  ...{ limit: null, priority: 0, weight: 1, since: 0 },
  ...of,
})

function queueOf(...requests: Partial<JoinRequest>[]): Queue {
  const queue = new Queue()
  requests.forEach((of, i) => void queue.add(i, request(of), undefined, () => {}).catch(() => {}))
  return queue
}

const ids = (queue: Queue, most: number) => queue.planned(most).map(({ id }) => id)

test('goes by priority, then by age, then by arrival', () => {
  const queue = queueOf({ since: 5 }, { since: 3 }, { since: 9, priority: 1 }, { since: 3 })
  expect(ids(queue, 100)).toEqual([2, 1, 3, 0])
  expect(queue.status().map(({ id }) => id)).toEqual([2, 1, 3, 0])
})

test('plans no more than there could be slots for, but all who want none', () => {
  const queue = queueOf(...Array.from({ length: 3000 }, () => ({})), { min: 0, max: 0 })
  expect(ids(queue, 4)).toEqual([0, 1, 2, 3, 4, 3000])
})

test('leaves out who wants more than there is: those behind would wait with them', () => {
  expect(ids(queueOf({ min: 9 }, { min: 9 }, {}), 4)).toEqual([2])
})

test('has nobody in it who was taken, gave up, or was sent away', async () => {
  const queue = new Queue()
  const gaveUp = new AbortController()
  let left = 0
  const waits = [0, 1, 2].map((id) => queue.add(id, request({}), id === 1 ? gaveUp.signal : undefined, () => left++))
  const ends = Promise.allSettled(waits)
  queue.take(0)?.resolve({ id: 0, slots: 1, fifo: null, mark: '', capacity: 1 })
  gaveUp.abort(new Error('enough'))
  queue.end(new Error('closed'))
  expect((await ends).map((end) => (end.status === 'rejected' ? end.reason.message : end.value.slots))).toEqual([
    1,
    'enough',
    'closed',
  ])
  expect([queue.size, left, ids(queue, 10)]).toEqual([0, 1, []])
})
