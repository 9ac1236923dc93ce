import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Line } from '../../src/client/line.ts'

test('first come, first out', () => {
  const line = new Line<string>()
  for (const member of 'abcd') line.add(member)
  expect(line.size).toBe(4)
  expect([line.shift(), line.shift()]).toEqual(['a', 'b'])
  line.add('e')
  expect([line.shift(), line.shift(), line.shift(), line.shift()]).toEqual(['c', 'd', 'e', undefined])
  expect(line.size).toBe(0)
})

test('does what an array does, whatever is asked of it', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const) }),
    fc.record({ do: fc.constant('shift' as const) }),
    fc.record({ do: fc.constant('remove' as const), which: fc.nat(12) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const line = new Line<number>()
      let model: number[] = []
      steps.forEach((each, next) => {
        if (each.do === 'add') {
          line.add(next)
          model.push(next)
        } else if (each.do === 'shift') {
          expect(line.shift()).toBe(model.shift())
        } else {
          // Now and then one that is not, or no longer, in the line.
          const member = model[each.which] ?? each.which
          expect(line.remove(member)).toBe(model.includes(member))
          model = model.filter((other) => other !== member)
        }
        expect(line.size).toBe(model.length)
      })
      for (const member of model) expect(line.shift()).toBe(member)
      expect(line.shift()).toBeUndefined()
    }),
  )
})

test('a step costs no more in a long line than in a short one', () => {
  const cost = (length: number) => {
    const line = new Line<number>()
    for (let i = 0; i < length; i++) line.add(i)
    const before = process.cpuUsage().user
    for (let i = length; i < length + 100_000; i++) {
      line.add(i)
      line.shift()
    }
    return process.cpuUsage().user - before
  }
  cost(100)
  // Where a step costs in proportion to the length, the ratio is above a hundred.
  expect(cost(50_000) / cost(100)).toBeLessThan(15)
})
