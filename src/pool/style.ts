import { basename } from 'node:path'
import type { Style } from './offer.ts'

const NINJA = /^(ninja|ninja-build|samu)$/
const MAKE = /^(g|re)?make$/

/**
 * Which form of MAKEFLAGS suits a command. A make before 4.4 dies on the FIFO form and ninja knows no other, so no one
 * form serves both: the command itself decides, else the make that would be found.
 */
export function styleFor(command: string): Style {
  const name = basename(command)
  if (NINJA.test(name)) return 'fifo'
  return styleOfMake(MAKE.test(name) ? command : 'make')
}

/** Whether the command is a make that dies of the FIFO form. */
export function stopsAtFifo(command: string): boolean {
  return MAKE.test(basename(command)) && styleOfMake(command) === 'pipe'
}

function styleOfMake(make: string): Style {
  const { spawnSync } = process.getBuiltinModule('node:child_process')
  const { stdout } = spawnSync(make, ['--version'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 5000,
  })
  return styleOfVersion(stdout ?? '')
}

/** By the first line of `make --version`. A make that is no GNU make knows neither form. */
export function styleOfVersion(text: string): Style {
  const [, major = '', minor = ''] = /^GNU Make (\d+)\.(\d+)/.exec(text) ?? []
  if (major === '') return 'fifo'
  return Number(major) > 4 || (Number(major) === 4 && Number(minor) >= 4) ? 'fifo' : 'pipe'
}
