import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/protocol.md'), 'utf8')

describe('docs/protocol.md', () => {
  test('has a row for each code of the source, and no other', () => {
    const inSource = new Set<string>()
    for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue
      const source = readFileSync(join(root, 'src', file), 'utf8')
      for (const [code] of source.matchAll(/ERR_JOBSLOT_[A-Z_]*[A-Z]/g)) inSource.add(code)
    }
    const inPage = [...page.matchAll(/^\| `(ERR_JOBSLOT_[A-Z_]+)` +\|/gm)].map(([, code]) => code)
    expect(inPage.toSorted()).toStrictEqual([...inSource].toSorted())
  })
})
