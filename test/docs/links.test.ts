import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { packageDir } from '../support/cli.ts'
import { anchorsOf, linksOf } from './markdown.ts'

const SKIPPED = new Set(['node_modules', '.git', '.tools', 'dist', 'build'])

function pagesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : pagesIn(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

const pages = pagesIn(packageDir)
const links = pages.flatMap((page) => {
  const targets = linksOf(readFileSync(page, 'utf8')).filter((target) => !/^https?:/.test(target))
  return targets.map((target): [string, string, string] => [relative(packageDir, page), target, page])
})

test('there are links', () => {
  expect(pages.length).toBeGreaterThan(5)
  expect(links.length).toBeGreaterThan(15)
})

test.for(links)('%s links to %s, which is there', ([, target, page]) => {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page : join(dirname(page), path)
  expect(existsSync(file)).toBe(true)
  if (anchor !== undefined) expect(anchorsOf(readFileSync(file, 'utf8'))).toContain(anchor)
  // A reader of the published page sees what git has.
  if (statSync(file).isFile()) expect(relative(packageDir, file)).not.toMatch(/^\.\./)
})
