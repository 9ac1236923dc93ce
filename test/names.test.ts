import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fileNameOf, nameOfFile } from '../src/names.ts'

const lone = '\ud800'
const astral = '😀'

describe('the file of a lock, by its name', () => {
  test.each([
    ['build', 'build'],
    ['a-b_c9', 'a-b_c9'],
    ['', '%'],
    ['.', '%2e'],
    ['..', '%2e%2e'],
    ['/', '%2f'],
    ['a/b', 'a%2fb'],
    ['A', '%41'],
    ['a.queue', 'a%2equeue'],
    ['%', '%25'],
    ['%2e', '%252e'],
    ['%u0041', '%25u0041'],
    ['\0', '%00'],
    [' ', '%20'],
    ['ä', '%c3%a4'],
    [astral, '%f0%9f%98%80'],
    [lone, '%ud800'],
    ['\udc00\ud800', '%udc00%ud800'],
    [`${lone}0041`, '%ud8000041'],
  ])('%j: %s', (name, file) => {
    expect(fileNameOf(name)).toBe(file)
    expect(nameOfFile(file)).toBe(name)
  })

  test('one of 180 characters is whole, one of 181 is cut, and those that differ at the end differ', () => {
    expect(fileNameOf('a'.repeat(180))).toBe('a'.repeat(180))
    const cut = fileNameOf('a'.repeat(181))
    expect(cut).toMatch(/^a{100}\.[0-9a-f]{64}$/)
    expect(fileNameOf(`${'a'.repeat(181)}b`)).not.toBe(cut)
    // The file's own name is what is known of it.
    expect(nameOfFile(cut)).toBe(cut)
    expect(fileNameOf('Ä'.repeat(100_000)).length).toBeLessThan(200)
  })

  test('a name that was cut is not that of another lock', () => {
    const cut = fileNameOf('a'.repeat(181))
    expect(fileNameOf(cut)).not.toBe(cut)
  })
})

/** Any string of UTF-16 units: half pairs and all. Some are long, or look like what the encoding makes. */
const anyName = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
  fc.string({ unit: fc.constantFrom('%', 'u', '0', 'd', '8', '2', 'e', '.', 'A', 'a', lone, '\udc00'), maxLength: 30 }),
  fc.string({ unit: fc.constantFrom('a', 'A', '/'), minLength: 170, maxLength: 300 }),
)

describe('any string', () => {
  test('has a file name that every file system takes', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const file = fileNameOf(name)
        expect(file).toMatch(/^[a-z0-9_%-]+(\.[0-9a-f]{64})?$/)
        // With the ending of its queue it fits as well.
        expect(Buffer.byteLength(`${file}.queue`)).toBeLessThanOrEqual(255)
      }),
      { numRuns: 5000 },
    )
  })

  test('comes back from it, unless it was cut', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const file = fileNameOf(name)
        expect(nameOfFile(file)).toBe(file.includes('.') ? file : name)
      }),
      { numRuns: 5000 },
    )
  })

  test('has a file of its own, also where case is not told apart', () => {
    fc.assert(
      fc.property(anyName, anyName, (one, other) => {
        const same = fileNameOf(one).toLowerCase() === fileNameOf(other).toLowerCase()
        expect(same).toBe(one === other)
      }),
      { numRuns: 5000 },
    )
    fc.assert(
      fc.property(fc.uniqueArray(anyName, { minLength: 50, maxLength: 200 }), (names) => {
        expect(new Set(names.map(fileNameOf)).size).toBe(names.length)
      }),
      { numRuns: 50 },
    )
  })

  test('a file that is no lock has some name all the same', () => {
    for (const file of ['%', '%zz', '%u12', '%ud800%', 'README.md', '%c3', 'a b']) {
      expect(typeof nameOfFile(file)).toBe('string')
    }
    fc.assert(fc.property(anyName, (file) => typeof nameOfFile(file) === 'string'))
  })
})
