import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, relative } from 'node:path'
import { cliFile, packageDir } from '../support/cli.ts'
import { tempDir } from '../support/processes.ts'

const MAKEFILE = `all: one two
one two:
\t@echo made $@
clean:
\t@echo cleaned
`

/** A project that has jobslot installed, and that make can build. */
export function projectFolder(): string {
  const folder = tempDir()
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
  symlinkSync(packageDir, join(folder, 'node_modules/jobslot'))
  symlinkSync(cliFile, join(folder, 'node_modules/.bin/jobslot'))
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  writeFileSync(join(folder, 'Makefile'), MAKEFILE)
  return folder
}

/** A folder in which everything is as in a fresh clone; the caller removes it. */
export interface Clone {
  folder: string
  /** With an npm whose `npm ci` does nothing: the dependencies are there, and no network is needed. */
  env: { PATH: string }
}

const NOT_IN_A_CLONE = /^(node_modules|\.git|\.tools|dist|build|prebuilds\/[^/]+|examples\/.*\/build)$/

export function freshClone(): Clone {
  const parent = mkdtempSync(join(tmpdir(), 'jobslot-clone-'))
  const folder = join(parent, 'jobslot')
  cpSync(packageDir, folder, {
    recursive: true,
    filter: (path) => !NOT_IN_A_CLONE.test(relative(packageDir, path)) || path.endsWith('README.md'),
  })
  // Entry by entry: a real `npm ci` that slips through would empty the folder, and must find only links there.
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  for (const name of readdirSync(join(packageDir, 'node_modules'))) {
    symlinkSync(join(packageDir, 'node_modules', name), join(modules, name))
  }
  const bin = join(parent, 'bin')
  mkdirSync(bin)
  const rest = process.env.PATH ?? ''
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\n[ "$1" = ci ] || PATH='${rest}' exec npm "$@"\n`, { mode: 0o755 })
  return { folder, env: { PATH: `${bin}${delimiter}${rest}` } }
}

export function removeClone({ folder }: Clone): void {
  rmSync(join(folder, '..'), { recursive: true, force: true, maxRetries: 5 })
}
