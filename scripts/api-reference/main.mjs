// Usage: npm run api [-- --check]
//
// Writes docs/api, a page for each entry point of the package, from the docstrings; with --check, says whether the pages
// there are what would be written. What can be imported and has no docstring is an error.
//
// typedoc works on the JavaScript API of TypeScript, which TypeScript 7 does not have: so it is here, in a package of its
// own, with a TypeScript of its own.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const here = import.meta.dirname
const pages = join(here, '../../docs/api')

const NOTE = '<!-- Written by `npm run api` from the docstrings: change those. -->'
const MODULES = [
  'jobslot',
  ...['fd', 'lock', 'store', 'worker', 'compat/fs-job-store'].map((name) => `jobslot/${name}`),
]

const words = process.argv.slice(2)
if (words.some((word) => word !== '--check') || words.length > 1) {
  process.stderr.write('Usage: npm run api [-- --check]\n')
  process.exit(64)
}

install()
const generated = await generate()
const stored = readPages(pages)
if (generated === null) process.exitCode = 1
else if (words.includes('--check')) process.exitCode = check() ? 0 : 1
else write()

/** Once, and again when the lock file has changed. */
function install() {
  const modified = (file) => statSync(join(here, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (modified('package-lock.json') <= modified('node_modules')) return
  process.stderr.write('api: npm ci, in scripts/api-reference\n')
  execFileSync('npm', ['ci', '--silent'], { cwd: here, stdio: ['ignore', 'ignore', 'inherit'] })
}

/** The text of each page by its name; null where typedoc objects, as it has told by then. */
async function generate() {
  const { Application, ReflectionKind, TypeDocReader } = await import('typedoc')
  const out = mkdtempSync(join(tmpdir(), 'jobslot-api-'))
  try {
    const options = { options: join(here, 'typedoc.json'), out }
    const app = await Application.bootstrapWithPlugins(options, [new TypeDocReader()])
    const project = await app.convert()
    if (!project) return null
    app.validate(project)
    for (const name of undocumented(project, ReflectionKind)) app.logger.error(`${name} has no docstring`)
    await app.generateOutputs(project)
    return app.logger.hasErrors() || app.logger.hasWarnings() ? null : tidied(readPages(out))
  } finally {
    rmSync(out, { recursive: true })
  }
}

/**
 * What can be imported, with its members and calls. Not the fields of an object type that is written out in place: what it
 * is part of tells of them.
 */
function undocumented(project, Kind) {
  const kinds = Kind.SomeExport | Kind.Property | Kind.Accessor | Kind.Method
  const isPartOfLiteral = (one) => one.parent?.kindOf(Kind.TypeLiteral)
  const comments = (one) => [one, ...(one.signatures ?? []), ...(one.getSignature ? [one.getSignature] : [])]
  return project
    .getReflectionsByKind(kinds)
    .filter((one) => !one.flags.isExternal && !isPartOfLiteral(one) && !one.inheritedFrom)
    .filter((one) => !comments(one).some((part) => part.hasComment()))
    .filter((one) => !one.kindOf(Kind.Reference | Kind.Namespace))
    .map((one) => one.getFriendlyFullName())
}

function readPages(folder) {
  if (!existsSync(folder)) return new Map()
  const names = readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.md'))
    .sort()
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

/** The pages as they lie in docs/api: in one folder, named by what is imported, with an index of our own. */
function tidied(pages) {
  const fileOf = (module) => `${basename(module)}.md`
  const paths = new Map(
    MODULES.flatMap((name) => [`${name}.md`, `${name}/README.md`].map((path) => [path, fileOf(name)])),
  )
  const index = MODULES.map((module) => `- [\`${module}\`](${fileOf(module)})`).join('\n')
  const tidy = [...pages].flatMap(([path, text]) => {
    const name = paths.get(path)
    return name ? [[name, `${NOTE}\n\n${tidiedPage(text)}\n`]] : []
  })
  return new Map([['README.md', `${NOTE}\n\n# API reference\n\n${index}\n`], ...tidy])
}

function tidiedPage(text) {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading.toLowerCase().replace(/\W/g, ''))
  return (
    text
      // What the plugin counts as one more of the same name may be none.
      .replaceAll(/\(#(\w+)-(\d+)\)/g, (link, name, before) =>
        headings.filter((heading) => heading === name).length > Number(before) ? link : `(#${name})`,
      )
      .replaceAll(/\]\((?:[^)#\s]*\/)?([\w-]+\.md)/g, ']($1')
      // What CommonJS exports as a whole has no name there.
      .replaceAll(/"?export="?/g, 'JobStore')
      .replaceAll('(#export)', '(#jobstore)')
      .replace(/^## Namespaces\n[^#]*/m, '')
      // What a type has by a symbol, of which only the docstring can tell.
      .replaceAll(/^### Indexable\n\n```ts\n\[key: number\].*\n```\n\n/gm, '')
      .replaceAll(/^#+ Returns\n\n`(?:void|Promise`\\<`void)`(?:\\>)?\n\n?/gm, '')
      .replaceAll(/ +$/gm, '')
      .trimEnd()
  )
}

function check() {
  const stale = [...new Set([...generated.keys(), ...stored.keys()])].filter(
    (name) => generated.get(name) !== stored.get(name),
  )
  if (stale.length === 0) console.log(`api: ${stored.size} pages in docs/api say what the docstrings do`)
  else process.stderr.write(`api: not what the docstrings say: ${stale.join(', ')} in docs/api: run npm run api\n`)
  return stale.length === 0
}

function write() {
  rmSync(pages, { recursive: true, force: true })
  mkdirSync(pages, { recursive: true })
  for (const [name, text] of generated) writeFileSync(join(pages, name), text)
  console.log(`api: ${generated.size} pages written to docs/api`)
}
