import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openDocument } from '../../src/document/document.ts'
import { decodeDocument, encodeDocument, LAST_VERSION } from '../../src/document/format.ts'
import { jsonText } from '../../src/document/json-text.ts'
import { edited, edits, forAll, fuzzTimeout } from '../support/fuzz.ts'
import { tempDir } from '../support/processes.ts'

const documents = fc.tuple(
  fc.integer({ min: 1, max: LAST_VERSION }),
  fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }),
)

test(
  'a file that was changed is no document',
  () => {
    forAll(8000, fc.tuple(documents, edits()), ([[version, value], changes]) => {
      const whole = encodeDocument(version, JSON.stringify(value))
      const bytes = edited(whole, changes)
      const decoded = decodeDocument(bytes)
      if ('problem' in decoded) expect(decoded.problem).not.toMatch(/\n/)
      else if (!bytes.equals(whole)) throw new Error(`taken for ${JSON.stringify(decoded)}`)
    })
  },
  fuzzTimeout,
)

test(
  'what can be written is read back as it was; all else is a TypeError',
  () => {
    forAll(3000, fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true }), (value) => {
      let json: string
      try {
        json = jsonText(value)
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
        return
      }
      const decoded = decodeDocument(encodeDocument(1, json))
      expect(JSON.stringify((decoded as { value: unknown }).value)).toBe(JSON.stringify(JSON.parse(json)))
    })
  },
  fuzzTimeout,
)

test('a value of any depth is written and read, or refused', async () => {
  const document = await openDocument(join(tempDir(), 'd.json'))
  for (const levels of [100, 1000, 5000, 100_000]) {
    const text = `${'['.repeat(levels)}${']'.repeat(levels)}`
    const written = await document.write(JSON.parse(text)).catch((error) => error)
    if (typeof written === 'number') expect((await document.read()).version).toBe(written)
    else expect(written).toMatchObject({ name: 'TypeError', message: expect.stringContaining('too deep') })
    // From elsewhere it may come all the same.
    expect('problem' in decodeDocument(encodeDocument(1, text))).toBe(false)
  }
})

test.each<[string, (path: string) => unknown]>([
  ['a FIFO', (path) => execFileSync('mkfifo', [path])],
  ['a folder', (path) => mkdirSync(path)],
  ['a link to itself', (path) => symlinkSync(path, path)],
  ['a link to a device', (path) => symlinkSync('/dev/zero', path)],
  [
    'a file without an end',
    (path) => {
      writeFileSync(path, 'x')
      truncateSync(path, 2 ** 40)
    },
  ],
])('%s is no document, and is not waited for', async (_, make) => {
  const path = join(tempDir(), 'd.json')
  make(path)
  const reading = openDocument(path).then((document) => document.read())
  await expect(reading).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_JOBSLOT_DOCUMENT/) })
})
