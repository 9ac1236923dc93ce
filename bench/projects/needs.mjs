import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'

const TOOLS = 'run scripts/real-build-tools.sh .tools, or name such a folder in JOBSLOT_TEST_TOOLS'

/** Where each of `programs` is found on the PATH, and a make and a ninja that know the jobserver's FIFO. */
export function findNeeds(root) {
  const missing = []
  const folders = (process.env.PATH ?? '').split(delimiter)
  const newer = join(resolve(root, process.env.JOBSLOT_TEST_TOOLS ?? '.tools'), 'bin')
  const need = (name, cure, places = folders, least = null) => {
    const path = places.map((folder) => join(folder, name)).find((path) => isGood(path, least))
    if (path === undefined) missing.push(`${name}${least ? ` ${least} or later` : ''}: ${cure}`)
    return path
  }
  const found = {
    aptGet: need('apt-get', "this bench needs a Debian, as it builds Debian's source packages"),
    dpkgSource: need('dpkg-source', 'apt-get install dpkg-dev'),
    cc: need('cc', 'apt-get install gcc'),
    cxx: need('c++', 'apt-get install g++'),
    ar: need('ar', 'apt-get install binutils'),
    cmake: need('cmake', 'apt-get install cmake'),
    make: need('make', TOOLS, [newer, ...folders], '4.4'),
    ninja: need('ninja', TOOLS, [newer, ...folders], '1.13'),
  }
  if (missing.length > 0) throw new Error(`what it needs is missing:\n  ${missing.join('\n  ')}`)
  return found
}

function isGood(path, least) {
  try {
    accessSync(path, constants.X_OK)
    return least === null || isAtLeast(versionIn(path), least)
  } catch {
    return false
  }
}

/** The version that a tool's `--version` tells, as it stands there. */
export function versionIn(path) {
  const output = execFileSync(path, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return /\d+(\.\d+)+/.exec(output)?.[0] ?? 'unknown'
}

/** 4.10 is above 4.9. */
export function isAtLeast(version, least) {
  const [a, b] = [version, least].map((text) => text.split('.').map(Number))
  const at = b.findIndex((number, i) => number !== (a[i] ?? 0))
  return at === -1 || (a[at] ?? 0) > b[at]
}
