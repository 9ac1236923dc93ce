import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const read = (...names) => JSON.parse(readFileSync(join(...names), 'utf8'))

/** Those that only draw are no peers. */
const DRAWING = ['vega', 'vega-lite']

/** Programs that are measured where they are there. */
const TOOLS = [
  { name: 'flock', line: /util-linux (\S+)/, how: 'flock(1), of util-linux (Debian: apt-get install util-linux)' },
  { name: 'sem', line: /^GNU parallel (\S+)/, how: 'sem, of GNU parallel (Debian: apt-get install parallel)' },
]

/** Which of the tools there are, in which version, and how to get the others. */
export function findTools() {
  const found = []
  const missing = []
  for (const { name, line, how } of TOOLS) {
    const version = versionOf(name, line)
    if (version !== null) found.push({ name, version })
    else {
      missing.push(how)
      process.stderr.write(`bench: THERE IS NO ${name}, SO IT IS NOT MEASURED: install ${how}\n`)
    }
  }
  return { found, missing }
}

function versionOf(name, line) {
  try {
    return (
      line.exec(execFileSync(name, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))?.[1] ??
      null
    )
  } catch {
    return null
  }
}

/** Everything that jobslot is put beside, with its version. */
export function peerVersions({ makes, tools }) {
  const { dependencies } = read(import.meta.dirname, 'package.json')
  const packages = Object.keys(dependencies).filter((name) => !DRAWING.includes(name))
  const Database = createRequire(import.meta.url)('better-sqlite3')
  const db = new Database(':memory:')
  const sqlite = db.prepare('SELECT sqlite_version() AS version').get().version
  db.close()
  return [
    ...packages.map((name) => ({
      name,
      version: read(import.meta.dirname, 'node_modules', name, 'package.json').version,
    })),
    { name: 'SQLite', version: sqlite },
    ...makes.map(({ version }) => ({ name: 'GNU make', version })),
    ...tools.found,
    { name: 'cc', version: execFileSync('cc', ['-dumpfullversion', '-dumpversion'], { encoding: 'utf8' }).trim() },
  ]
}

/** Which jobslot: the package's version and, in a checkout, the commit. */
export function measuredVersion() {
  const { version } = read(root, 'package.json')
  const git = (...args) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    const changed = git('status', '--porcelain', '--', 'src', 'src-native', 'bench') !== ''
    return `${version}, commit ${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`
  } catch {
    return version
  }
}
