import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** The words that start the command line, with no shell and no npx in between. */
export const cli = [process.execPath, join(root, bin.jobslot)]

/** The words that start a script of `programs/`. */
export const script = (name) => [process.execPath, join(import.meta.dirname, 'programs', name)]

/** Installs what jobslot is put beside, where it was never installed or is another version by now. */
export function installPeers() {
  if (modified(join(import.meta.dirname, 'package-lock.json')) > modified(join(import.meta.dirname, 'node_modules'))) {
    process.stderr.write('bench: npm ci, in bench\n')
    execFileSync('npm', ['ci', '--silent'], { cwd: import.meta.dirname, stdio: ['ignore', 'ignore', 'inherit'] })
  }
}

/** Builds the package where it was never built or its sources are newer: old code gives figures too. */
export function build() {
  if (newest(join(root, 'src')) > modified(join(root, bin.jobslot))) npmRun('build:ts')
  if (newest(join(root, 'src-native')) > modified(addonPath())) npmRun('build:native')
}

function npmRun(name) {
  process.stderr.write(`bench: npm run ${name}\n`)
  execFileSync('npm', ['run', '--silent', name], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
}

function addonPath() {
  try {
    return createRequire(import.meta.url)('node-gyp-build').path(root)
  } catch {
    return null
  }
}

/** When the file was last written; 0 where there is none. */
function modified(file) {
  return (file && statSync(file, { throwIfNoEntry: false })?.mtimeMs) ?? 0
}

function newest(folder) {
  const files = readdirSync(folder, { recursive: true }).map((name) => join(folder, name))
  return Math.max(...files.map(modified))
}

const SOURCES = {
  pair: join(import.meta.dirname, 'programs/pair.c'),
  stopwatch: join(import.meta.dirname, 'programs/stopwatch.c'),
  taker: join(import.meta.dirname, 'programs/taker.c'),
  job: join(root, 'test/support/job.c'),
}

/** Compiles the C programs into `dir`. Returns where each is found. */
export function compilePrograms(dir) {
  for (const [name, source] of Object.entries(SOURCES)) {
    execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-o', join(dir, name), source], { stdio: 'inherit' })
  }
  return (name) => join(dir, name)
}

/** The make on the PATH, and a newer one where the tests' tools are: one for each style of jobserver. */
export function findMakes() {
  const tools = process.env.JOBSLOT_TEST_TOOLS ?? join(root, '.tools')
  const makes = []
  for (const path of ['make', join(tools, 'bin/make')]) {
    try {
      const [, version] = /^GNU Make (\S+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' })) ?? []
      if (version && !makes.some((known) => known.version === version)) makes.push({ path, version })
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
      process.stderr.write(`bench: there is no ${path}, so it is not measured\n`)
    }
  }
  return makes
}

/**
 * The bench may itself run under make; and some of Node's own variables make each start of a Node longer
 * (NODE_EXTRA_CA_CERTS by more than the start itself), which would make a ratio to it look better than it is.
 */
export function scrubbedEnvironment(stateDir) {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(MAKEFLAGS|MFLAGS|MAKELEVEL|CARGO_MAKEFLAGS|JOBSLOT_.*|NODE_.*)$/.test(name),
  )
  return { ...Object.fromEntries(kept), JOBSLOT_DIR: stateDir }
}

/** Makes FIFOs that keep their tokens, as a jobserver's do, until `close`. */
export function fifoMaker() {
  const open = []
  return {
    makeFifo(path, tokens) {
      execFileSync('mkfifo', ['-m', '600', path])
      const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
      writeSync(fd, '+'.repeat(tokens))
      open.push(fd)
      return path
    },
    close() {
      for (const fd of open.splice(0)) closeSync(fd)
    },
  }
}
