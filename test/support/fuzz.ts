import fc from 'fast-check'

/** `npm run fuzz` sets it: how many times as many inputs as in `npm test`. */
const times = Number(process.env.JOBSLOT_FUZZ_RUNS ?? 1)
const seed = process.env.JOBSLOT_TEST_SEED

export const runs = (count: number): number => Math.max(1, Math.ceil(count * times))

/** For a test of so many runs at most `count` of which take a millisecond. */
export const fuzzTimeout = 60_000 + 120_000 * Math.max(1, times)

const parameters = (count: number): fc.Parameters<unknown> => ({
  numRuns: runs(count),
  endOnFailure: process.env.JOBSLOT_FUZZ_SHRINK === '0',
  ...(seed !== undefined && { seed: Number(seed) }),
})

/** Fails with the seed, the shrunk input and the reason; JOBSLOT_TEST_SEED repeats it. */
export function forAll<T>(count: number, inputs: fc.Arbitrary<T>, check: (input: T) => void): void {
  fc.assert(
    fc.property(inputs, (input) => check(input)),
    parameters(count) as fc.Parameters<[T]>,
  )
}

export function forAllAsync<T>(
  count: number,
  inputs: fc.Arbitrary<T>,
  check: (input: T) => Promise<void>,
): Promise<void> {
  return fc.assert(
    fc.asyncProperty(inputs, (input) => check(input)),
    parameters(count) as fc.Parameters<[T]>,
  )
}

/** Numbers that a field of a file or message may have, and should not. */
export const oddNumbers: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(
  ...[0, -0, -1, 0.5, 1e308, -1e308, 5e-324, 2 ** 31, 2 ** 32, 2 ** 32 - 1, 2 ** 52, 2 ** 53 - 1, 2 ** 53, 1e21],
)

/** What is no number where one should be. */
export const oddValues: fc.Arbitrary<unknown> = fc.oneof(
  oddNumbers,
  fc.constantFrom<unknown>(null, true, false, '', '1', '__proto__', 'constructor', [], {}, [null], { length: 9 }, '\0'),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.jsonValue({ maxDepth: 2 }),
)

/** A change of bytes, its place as a share of the length: so it shrinks, and fits what is shorter, too. */
type Edit =
  | { is: 'flip'; at: number; bits: number }
  | { is: 'cut'; at: number }
  | { is: 'insert'; at: number; bytes: Uint8Array }
  | { is: 'erase'; at: number; length: number }
  | { is: 'repeat'; at: number; length: number; to: number }
  | { is: 'double' | 'swap' | 'drop'; line: number; other: number }

const place = fc.double({ min: 0, max: 1, noNaN: true })
const oddBytes = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 6 }),
  fc
    .constantFrom(
      ...['\n', '\0', '{', '}', '"', '\\', ' ', '0', '-', '9'.repeat(20), '['.repeat(3000), '{"__proto__":'],
      ...['\ud800', '\u2028', '{"n":', ',"t":', 'null', '\r\n', '00000000 {}\n', 'x'.repeat(20_000)],
    )
    .map((text) => new Uint8Array(Buffer.from(text))),
  fc.constantFrom(new Uint8Array([0xff]), new Uint8Array([0xc0, 0x80]), new Uint8Array([0xed, 0xa0, 0x80])),
)
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ is: fc.constant('flip' as const), at: place, bits: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ is: fc.constant('cut' as const), at: place }),
  fc.record({ is: fc.constant('insert' as const), at: place, bytes: oddBytes }),
  fc.record({ is: fc.constant('erase' as const), at: place, length: fc.nat(40) }),
  fc.record({ is: fc.constant('repeat' as const), at: place, length: fc.nat(400), to: place }),
  fc.record({
    is: fc.constantFrom('double' as const, 'swap' as const, 'drop' as const),
    line: fc.nat(),
    other: fc.nat(),
  }),
)

export const edits = (most = 4): fc.Arbitrary<readonly Edit[]> => fc.array(edit, { minLength: 1, maxLength: most })

export const edited = (bytes: Buffer, changes: readonly Edit[]): Buffer => changes.reduce(changed, bytes)

function changed(bytes: Buffer, change: Edit): Buffer {
  if ('line' in change) return relined(bytes, change)
  const at = Math.min(bytes.length, Math.floor(change.at * (bytes.length + 1)))
  const [before, behind] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (change.is) {
    case 'flip': {
      const flipped = Buffer.from(bytes)
      if (at < flipped.length) flipped[at]! ^= change.bits
      return flipped
    }
    case 'cut':
      return Buffer.from(before)
    case 'insert':
      return Buffer.concat([before, change.bytes, behind])
    case 'erase':
      return Buffer.concat([before, behind.subarray(change.length)])
    case 'repeat': {
      const to = Math.floor(change.to * (bytes.length + 1))
      return Buffer.concat([bytes.subarray(0, to), behind.subarray(0, change.length), bytes.subarray(to)])
    }
  }
}

function relined(bytes: Buffer, change: Extract<Edit, { line: number }>): Buffer {
  const lines = bytes.toString('latin1').split(/(?<=\n)/)
  const [line, other] = [change.line % lines.length, change.other % lines.length]
  if (change.is === 'double') lines.splice(other, 0, lines[line]!)
  else if (change.is === 'drop') lines.splice(line, 1)
  else [lines[line], lines[other]] = [lines[other]!, lines[line]!]
  return Buffer.from(lines.join(''), 'latin1')
}
