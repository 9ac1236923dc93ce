import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { curveSvg } from './curve.mjs'
import { reportPage } from './page.mjs'

const docs = join(import.meta.dirname, '../../docs')
const PICTURES = 'benchmarks'

/** Where the figures of the page are kept, and those of the real projects. */
export const figuresFile = join(docs, PICTURES, 'figures.json')
export const projectsFile = join(docs, PICTURES, 'projects.json')

/** Writes the page and its pictures; pictures of before are removed. Returns where the page is. */
export async function writeReport(figures, projects) {
  const folder = join(docs, PICTURES)
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(folder)) if (name.endsWith('.svg')) rmSync(join(folder, name))
  const rows = [...figures.rows, ...(projects?.rows ?? [])]
  for (const table of rows.flatMap(({ tables }) => tables)) {
    if (table.curve) writeFileSync(join(folder, `${table.curve.file}.svg`), `${await curveSvg(table)}\n`)
  }
  const page = join(docs, 'benchmarks.md')
  writeFileSync(page, reportPage(figures, projects, { pictures: PICTURES }))
  return page
}

export function writeFigures(file, figures) {
  writeFileSync(file, `${JSON.stringify(figures, null, 1)}\n`)
}

/** @throws with a message for the user */
export function readFigures(file) {
  const figures = parsed(file)
  if (!Array.isArray(figures?.rows)) throw new Error(`${file} has no "rows": give a file that --json has written`)
  return figures
}

function parsed(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Error(`${file} cannot be read (${error.message}): give a file that --json has written`)
  }
}
