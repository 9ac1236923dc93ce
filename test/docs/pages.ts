import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { packageDir } from '../support/cli.ts'

const NOT_OURS = new Set(['node_modules', '.git', '.tools', 'dist', 'build'])

/** Every Markdown page of the checkout, relative to it. */
export const pages = pagesIn(packageDir).map((path) => relative(packageDir, path))

function pagesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : pagesIn(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}
