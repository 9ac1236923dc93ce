// Usage: node test/package/types.mjs [TARBALL]
//
// Compiles test/types against jobslot's tarball (packed now, if none is given) as users would: with the oldest TypeScript
// that the README names and with newer ones, as ESM and as CommonJS, everything strict and the package's own declarations
// checked as well.
import { cpSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { install, makeFolder, output, pack } from './tarball.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const compilers = { 5.7: 'typescript@~5.7.0', 5.9: 'typescript@~5.9.0', 7: 'typescript@7' }
// To import ESM from CommonJS is known to TypeScript from 5.8 on.
const settings = [
  { compiler: '5.7', type: 'module', module: 'node16', resolution: 'node16' },
  { compiler: '5.7', type: 'module', module: 'esnext', resolution: 'bundler' },
  { compiler: '5.9', type: 'module', module: 'nodenext', resolution: 'nodenext' },
  { compiler: '5.9', type: 'commonjs', module: 'nodenext', resolution: 'nodenext' },
  { compiler: '7', type: 'module', module: 'nodenext', resolution: 'nodenext' },
  { compiler: '7', type: 'commonjs', module: 'nodenext', resolution: 'nodenext' },
  { compiler: '7', type: 'module', module: 'esnext', resolution: 'bundler' },
]

const folder = makeFolder()
const user = join(folder, 'user')
const tarball = process.argv[2] ? resolve(process.argv[2]) : pack(root, folder)
const packages = Object.entries(compilers).map(([name, spec]) => `typescript-${name}@npm:${spec}`)
install(tarball, user, process.env.PATH, ['--ignore-scripts', '@types/node@20', ...packages])

const count = { passed: 0, failed: 0 }
for (const setting of settings) {
  const name = `TypeScript ${setting.compiler}, ${setting.type}, moduleResolution ${setting.resolution}`
  try {
    compile(setting)
    console.log(`ok    ${name}`)
    count.passed++
  } catch (error) {
    console.log(`FAIL  ${name}: ${error.message}`)
    count.failed++
  }
}
console.log(`types: ${count.passed} passed, ${count.failed} failed`)
process.exitCode = count.failed > 0 ? 1 : 0

function compile({ compiler, type, module, resolution }) {
  const project = join(user, `${compiler}-${type}-${resolution}`)
  cpSync(join(root, 'test/types'), project, { recursive: true })
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type }))
  const compilerOptions = {
    ...{
      target: 'es2022',
      lib: ['es2022', 'esnext.disposable'],
      types: ['node'],
      module,
      moduleResolution: resolution,
    },
    ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true },
    allowImportingTsExtensions: true,
  }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  output(process.execPath, [join(user, `node_modules/typescript-${compiler}/bin/tsc`), '-p', project])
}
