import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The checkout's folder, as a package. */
export const packageDir = resolve(import.meta.dirname, '../..')

const { bin, exports } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')) as {
  bin: { jobslot: string }
  exports: { '.': { default: string } }
}

/** What `jobslot` and `import 'jobslot'` start, as package.json has it; `global-setup.ts` sees to it that both are there. */
export const cliFile = join(packageDir, bin.jobslot)
export const libraryFile = join(packageDir, exports['.'].default)

/** The words before those of a jobslot command line. */
export const cli: readonly string[] = [process.execPath, cliFile]
