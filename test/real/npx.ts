import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cliFile, packageDir } from '../support/cli.ts'
import { tempDir } from '../support/processes.ts'

/** jobslot as users start it where it is installed; nothing is fetched. */
export const npx = ['npx', '--no-install', 'jobslot']

/** Leaves stderr to the commands that npm starts. */
export const quietNpm = { npm_config_loglevel: 'error', npm_config_update_notifier: 'false' }

/** A folder in which npx finds the checkout, with the links that `npm install` makes for a folder. */
export function withPackage(dir = tempDir()): string {
  const bin = join(dir, 'node_modules/.bin')
  writeFileSync(join(dir, 'package.json'), '{ "private": true }')
  mkdirSync(bin, { recursive: true })
  symlinkSync(packageDir, join(dir, 'node_modules/jobslot'))
  symlinkSync(cliFile, join(bin, 'jobslot'))
  return dir
}
