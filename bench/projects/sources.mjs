import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * The source packages, unpacked in folders of their names in `cache`; those that are there already are left as they are.
 * All of apt's state lies in `cache` meanwhile: the system's own lists stay untouched. What comes is checked by apt, by
 * the signature of the mirror's list.
 */
export async function fetchSources(names, suite, cache, signal) {
  const missing = names.filter((name) => !existsSync(join(cache, name)))
  if (missing.length === 0) return
  mkdirSync(cache, { recursive: true })
  const own = mkdtempSync(join(cache, 'new-'))
  try {
    for (const folder of ['lists/partial', 'archives/partial', 'packages'])
      mkdirSync(join(own, folder), { recursive: true })
    const isolated = await findMirror(own, suite, signal)
    const packages = join(own, 'packages')
    await run('apt-get', [...isolated, 'source', '--download-only', ...missing], { cwd: packages, signal })
    for (const name of missing) {
      const dsc = readdirSync(packages).find((file) => file.startsWith(`${name}_`) && file.endsWith('.dsc'))
      await run('dpkg-source', ['--no-copy', '-x', dsc, join(own, name)], { cwd: packages, signal })
      renameSync(join(own, name), join(cache, name))
    }
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}

/** Another vendor may have a suite of that name: the signature tells, so every mirror is tried until one passes. */
async function findMirror(own, suite, signal) {
  const isolated = [
    '-qq',
    ...['-o', `Dir::Etc::SourceList=${join(own, 'sources.list')}`, '-o', 'Dir::Etc::SourceParts=/dev/null'],
    ...['-o', `Dir::State::Lists=${join(own, 'lists')}`, '-o', `Dir::Cache=${own}`],
    ...['-o', `APT::Sandbox::User=${userInfo().username}`],
  ]
  const format = ['--format', '$(REPO_URI)', 'Created-By: Packages']
  const { stdout } = await run('apt-get', ['indextargets', ...format], { signal })
  const reasons = []
  for (const mirror of new Set(stdout.split('\n').filter((line) => line !== ''))) {
    writeFileSync(join(own, 'sources.list'), `deb-src [signed-by=${KEYRING}] ${mirror} ${suite} main\n`)
    try {
      await run('apt-get', [...isolated, '-o', 'APT::Update::Error-Mode=any', 'update'], { signal })
      return isolated
    } catch (error) {
      signal.throwIfAborted()
      reasons.push(error.stderr.trim())
    }
  }
  throw new Error(
    `no Debian mirror with the sources of ${suite} was found among this machine's apt sources: add one\n${reasons.join('\n')}`,
  )
}

/** As its changelog says: `leveldb (1.23-4) unstable; urgency=medium`. */
export function versionOf(folder) {
  const [, version] = /^\S+ \(([^)]+)\)/.exec(readFileSync(join(folder, 'debian/changelog'), 'utf8')) ?? []
  return version ?? 'unknown'
}
