import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { cliFile, libraryFile, packageDir } from './cli.ts'

interface Product {
  /** The npm script that makes it. */
  script: string
  files: string[]
  sources: string[]
}

const inPackage = (...names: string[]): string[] => names.map((name) => join(packageDir, name))

const products: Product[] = [
  {
    script: 'build:native',
    files: inPackage('build/Release/jobslot.node'),
    sources: inPackage('binding.gyp', 'src-native'),
  },
  {
    script: 'build:ts',
    files: [cliFile, libraryFile],
    sources: inPackage('src', 'scripts/bundle.mjs', 'tsconfig.build.json', 'tsconfig.json'),
  },
]

/** The tests start what users start: what is missing, or older than its sources, is built before they run. */
export default function setup(): void {
  for (const { script, files, sources } of products) {
    const built = Math.min(...files.map(modified))
    const changed = Math.max(...sources.flatMap(withFiles).map(modified))
    if (built < changed) execFileSync('npm', ['run', '--silent', script], { cwd: packageDir, stdio: 'inherit' })
  }
}

/** In ms; 0 for what does not exist. */
function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** A file, or a folder with all files below it: a folder's own time tells of files that were removed. */
function withFiles(path: string): string[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [path]
  return [path, ...readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))]
}
