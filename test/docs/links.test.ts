import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { packageDir } from '../support/cli.ts'
import { anchorsOf, linksOf } from './markdown.ts'
import { pages } from './pages.ts'

const read = (page: string) => readFileSync(join(packageDir, page), 'utf8')

const links = pages.flatMap((page) =>
  linksOf(read(page))
    .filter((target) => !/^https?:/.test(target))
    .map((target): [string, string] => [page, target]),
)

test('there are links', () => {
  expect(pages.length).toBeGreaterThan(5)
  expect(links.length).toBeGreaterThan(15)
})

test.for(links)('%s links to %s, which is there', ([page, target]) => {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page : join(dirname(page), path)
  expect(existsSync(join(packageDir, file))).toBe(true)
  if (anchor !== undefined) expect(anchorsOf(read(file))).toContain(anchor)
})
