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

const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word!)

const sources = ['src', 'src-native'].flatMap((top) =>
  readdirSync(join(packageDir, top), { recursive: true, encoding: 'utf8' })
    .map((name) => join(top, name))
    .filter((path) => statSync(join(packageDir, path)).isFile()),
)

test('files.md names every source file, and none that is not there', () => {
  const sections = readFileSync(join(packageDir, 'docs/files.md'), 'utf8').split(/^## /m).slice(1)
  const named = sections.flatMap((section) => {
    const [folder = ''] = quoted(section)
    const names = section.split('\n').filter((line) => line.startsWith('- '))
    return names.flatMap((line) => quoted(line.split(':', 1)[0]!)).map((name) => join(folder, name))
  })
  expect(named.sort()).toEqual(sources.sort())
})

/** Who imports what: paths from the package's folder. */
const imports = sources
  .filter((path) => path.startsWith('src/'))
  .flatMap((path) =>
    [...readFileSync(join(packageDir, path), 'utf8').matchAll(/(?:from|import) ?\(?'(\.[^']+)'/g)].map(
      ([, target]) => [path, join(dirname(path), target!)] as const,
    ),
  )

describe('uses', () => {
  // They name what is exported, from wherever it is.
  const faces = ['src/index.ts', 'src/lock.ts', 'src/pools.ts']
  const mayUse = new Map([...table('part', 'may use')].map(([part, text]) => [quoted(part)[0]!, quoted(text)]))
  const everyones = quoted(page.match(/^Everyone may use .*?\. /m)![0])
  const partOf = (path: string) => relative('src', path).replace(/\.ts$/, '').split('/')[0]!
  const uses = imports
    .filter(([user]) => !faces.includes(user))
    .map(([user, used]) => `${partOf(user)} uses ${partOf(used)}`)
  const found = [...new Set(uses)].filter((use) => {
    const [user, used] = use.split(' uses ')
    return user !== used && !everyones.includes(`${used}.ts`)
  })

  test('go only where the map says, and everywhere where it says', () => {
    const allowed = [...mayUse].flatMap(([part, others]) => others.map((other) => `${part} uses ${other}`))
    expect(found.sort()).toEqual(allowed.filter((use) => use !== 'native uses src-native').sort())
  })

  test('are in the picture, those of folders', () => {
    const arrows = [...page.matchAll(/^ +([\w-]+)(?:\[.*?\])? --> ([\w-]+)/gm)].map(([, from, to]) => [from!, to!])
    const drawn = new Set(arrows.flat())
    const behind = (part: string): string[] =>
      arrows.filter(([from]) => from === part).flatMap(([, to]) => [to!, ...behind(to!)])
    for (const [from, to] of arrows) expect(mayUse.get(from!)).toContain(to)
    for (const [part, others] of mayUse) {
      if (!drawn.has(part)) continue
      expect(behind(part)).toEqual(expect.arrayContaining(others.filter((other) => drawn.has(other))))
    }
  })
})

describe('inside a part, a folder uses only those before it', () => {
  const orders = [...page.matchAll(/^- (`\w+`: (?:`\w+`(?:, )?)+)$/gm)].map(([, line]) => quoted(line!))

  test.each(orders)('%s', (part, ...order) => {
    const folderOf = (path: string) => relative(join('src', part), path).split('/').slice(0, -1)[0] ?? ''
    const back = imports.filter(([user, used]) => {
      const [above, below] = [order.indexOf(folderOf(user)), order.indexOf(folderOf(used))]
      return user.startsWith(`src/${part}/`) && used.startsWith(`src/${part}/`) && above >= 0 && below > above
    })
    expect(back).toEqual([])
    const folders = imports.map(([user]) => user).filter((user) => user.startsWith(`src/${part}/`))
    // What is bundled together says nothing of who uses whom.
    const named = new Set([...order, '', 'bundles'])
    expect(folders.map(folderOf).filter((folder) => !named.has(folder))).toEqual([])
  })

  test('is said of all that have folders', () => {
    expect(orders.map(([part]) => part).sort()).toEqual(['cli', 'store', 'worker'])
  })
})
