import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Where `name` is on the PATH, or null. */
export function which(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      return realpathSync(join(folder, name))
    } catch {}
  }
  return null
}

/** A folder for one run of the tests, removed when the process exits. */
export function makeFolder() {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'jobslot-package-')))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A folder to be the whole PATH: node and npm, no compiler and no python. */
export function makeBarePath(folder) {
  const path = join(folder, 'bin')
  mkdirSync(path)
  symlinkSync(process.execPath, join(path, 'node'))
  for (const name of ['npm', 'sh']) symlinkSync(which(name), join(path, name))
  return path
}

/** Runs a program and returns what it printed. @throws Error with that, where it failed or took too long. */
export function output(program, words, options = {}) {
  const { status, signal, error, stdout, stderr } = spawnSync(program, words, {
    encoding: 'utf8',
    timeout: 300_000,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  })
  if (error || status !== 0) {
    const end = error?.message ?? (signal ? `ended by ${signal}` : `exit status ${status}`)
    throw new Error(`${[program, ...words].join(' ')}: ${end}\n${stdout ?? ''}${stderr ?? ''}`.trimEnd())
  }
  return stdout
}

/** Packs the project as `npm publish` would, dist and prebuilds built anew. */
export function pack(root, folder) {
  output('npm', ['pack', '--pack-destination', folder], { cwd: root, timeout: 600_000 })
  return join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz')),
  )
}

/**
 * Installs the tarball into an empty folder and returns the names of packages with install scripts, which npm would
 * have to run.
 */
export function install(tarball, folder, path, options = []) {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  output('npm', ['install', '--no-audit', '--no-fund', ...options, tarball], {
    cwd: folder,
    env: { ...process.env, PATH: path },
  })
  const { packages } = JSON.parse(readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8'))
  return Object.keys(packages).filter((name) => packages[name].hasInstallScript)
}
