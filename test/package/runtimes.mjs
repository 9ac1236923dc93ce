// Usage: node test/package/runtimes.mjs [TARBALL]
//
// Installs jobslot's tarball (packed now, if none is given) as a user would who has no compiler, and runs smoke.mjs
// and the command line on it in each runtime. They are fetched once, into .tools/runtimes. A runtime that cannot be
// had is skipped with a message; where CI is set, it is a failure.
import { copyFileSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { table } from './runtime-table.mjs'
import { install, makeBarePath, makeFolder, output, pack } from './tarball.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const count = { passed: 0, failed: 0, skipped: 0 }

const folder = makeFolder()
const path = makeBarePath(folder)
const tarball = process.argv[2] ? resolve(process.argv[2]) : pack(join(here, '../..'), folder)

check('npm install', () => {
  const scripts = install(tarball, join(folder, 'plain'), path)
  if (scripts.length > 0) throw new Error(`these packages have install scripts: ${scripts.join(', ')}`)
  // From the lock file npm knows less of the package than from its tarball.
  output('npm', ['ci', '--no-audit', '--no-fund'], { cwd: join(folder, 'plain'), env: { ...process.env, PATH: path } })
  return 'without a compiler, runs no script; nor does npm ci'
})

const user = join(folder, 'user')
const installed = check('npm install --ignore-scripts', () => {
  install(tarball, user, path, ['--ignore-scripts'])
  copyFileSync(join(here, 'smoke.mjs'), join(user, 'smoke.mjs'))
  const makeflags = run(['node_modules/.bin/jobslot', 'run', '-j', '3', 'node', '-p', 'process.env.MAKEFLAGS'])
  if (!/-j3 .*--jobserver-auth=/.test(makeflags)) throw new Error(`jobslot run: MAKEFLAGS is "${makeflags}"`)
  return 'without a compiler, jobslot run has a jobserver'
})

for (const { name, start } of installed ? table : []) {
  const runtime = started(name, start)
  if (runtime) check(name, () => smoke(runtime))
}

const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
console.log(`package: ${count.passed} passed, ${count.failed} failed${skipped}`)
process.exitCode = count.failed > 0 ? 1 : 0

function check(name, test) {
  try {
    console.log(`ok    ${name}: ${test()}`)
    count.passed++
    return true
  } catch (error) {
    console.log(`FAIL  ${name}: ${error.message}`)
    count.failed++
    return false
  }
}

/** What `start` returns, or null where the runtime cannot be had. */
function started(name, start) {
  try {
    const runtime = start()
    run([...runtime.command, '--version'], runtime.env)
    return runtime
  } catch (error) {
    const outcome = process.env.CI ? 'failed' : 'skipped'
    console.log(`${process.env.CI ? 'FAIL' : 'SKIP'}  ${name}: cannot be had: ${error.message}`)
    count[outcome]++
    return null
  }
}

function smoke({ command, options, env }) {
  const jobslot = join(user, 'node_modules/jobslot')
  const { bin, version } = JSON.parse(readFileSync(join(jobslot, 'package.json'), 'utf8'))
  const told = run([...command, ...options, join(jobslot, bin.jobslot), '--version'], env)
  if (told !== version) throw new Error(`jobslot --version printed ${JSON.stringify(told)}`)
  const checks = run([...command, ...options, 'smoke.mjs'], env)
  if (!/^\d+ checks passed$/.test(checks)) throw new Error(`it ended early, and printed ${JSON.stringify(checks)}`)
  return `${run([...command, '--version'], env).match(/\d+\.\d+\.\d+/)?.[0]}, ${checks}`
}

/** Runs a command in the user's folder, with nothing of this process's environment. */
function run([program, ...words], env = {}) {
  return output(program, words, {
    cwd: user,
    env: { PATH: path, HOME: user, TMPDIR: user, NO_COLOR: '1', ...env },
    timeout: 120_000,
  }).trim()
}
