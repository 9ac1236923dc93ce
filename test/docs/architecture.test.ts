import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageDir } from '../support/cli.ts'

const page = readFileSync(join(packageDir, 'docs/architecture.md'), 'utf8')

/** The rows of the table with these two heads: the second cell by the first. */
function table(first: string, second: string): Map<string, string> {
  const [, body = ''] = page.split(new RegExp(`^\\| ${first} +\\| ${second} +\\|\n.*\n`, 'm'))
  const lines = body.split('\n\n', 1)[0]!.trimEnd().split('\n')
  return new Map(lines.map((line) => line.split('|').slice(1, 3) as [string, string]))
}

/** What the map says of each folder. */
function folders(): Map<string, string> {
  const items = page.matchAll(/^- \*\*`(src[^`]*)`\*\*:((?:.+\n)+?)(?=-|\n)/gm)
  return new Map([...items].map(([, folder, text]) => [folder!, text!]))
}

const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word!)

const sources = ['src', 'src-native'].flatMap((top) =>
  readdirSync(join(packageDir, top), { recursive: true, encoding: 'utf8' })
    .map((name) => join(top, name))
    .filter((path) => statSync(join(packageDir, path)).isFile()),
)

describe('the map', () => {
  const files = new Set<string>()
  for (const [folder, text] of folders()) {
    for (const word of quoted(text).filter((word) => /\.(c?ts|cc|h|map)$/.test(word))) files.add(join(folder, word))
  }

  test('names every source file, and none that is not there', () => {
    expect([...files].sort()).toEqual([...sources].sort())
  })
})

describe('uses', () => {
  // They name what is exported, from wherever it is.
  const faces = ['src/index.ts', 'src/lock.ts', 'src/pools.ts']
  const mayUse = new Map([...table('part', 'may use')].map(([part, text]) => [quoted(part)[0]!, quoted(text)]))
  const partOf = (path: string) => relative('src', path).replace(/\.ts$/, '').split('/')[0]!
  const uses = sources
    .filter((path) => path.startsWith('src/') && !faces.includes(path))
    .flatMap((path) =>
      [...readFileSync(join(packageDir, path), 'utf8').matchAll(/(?:from|import) ?\(?'(\.[^']+)'/g)].map(
        ([, target]) => `${partOf(path)} uses ${partOf(join(dirname(path), target!))}`,
      ),
    )
  const found = [...new Set(uses)].filter((use) => {
    const [user, used] = use.split(' uses ')
    return user !== used && used !== 'errors'
  })

  test('go only where the map says, and everywhere where it says', () => {
    const allowed = [...mayUse].flatMap(([part, others]) => others.map((other) => `${part} uses ${other}`))
    expect(found.sort()).toEqual(allowed.filter((use) => use !== 'native uses src-native').sort())
  })
})
