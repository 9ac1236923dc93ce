import { chmodSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { styleFor, styleOfVersion } from '../../src/pool/style.ts'
import { tempDir } from '../support/processes.ts'
import { requireTool } from '../support/tools.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

test.for<[string, 'pipe' | 'fifo']>([
  ['GNU Make 3.81\n', 'pipe'],
  ['GNU Make 4.0\n', 'pipe'],
  ['GNU Make 4.3\nBuilt for x86_64-pc-linux-gnu\n', 'pipe'],
  ['GNU Make 4.3.91\n', 'pipe'],
  ['GNU Make 4.4\n', 'fifo'],
  ['GNU Make 4.4.1\n', 'fifo'],
  ['GNU Make 4.10\n', 'fifo'],
  ['GNU Make 5.0\n', 'fifo'],
  ['GNU Make 10.1\n', 'fifo'],
  ['bmake 4.3\n', 'fifo'],
  ['Not GNU Make 4.3\n', 'fifo'],
  ['', 'fifo'],
])('styleOfVersion(%j) is %s', ([text, style]) => {
  expect(styleOfVersion(text)).toBe(style)
})

describe('styleFor', () => {
  /** Puts a program of that name before all others, which prints a version and nothing else. */
  function stub(name: string, version: string): string {
    const dir = tempDir()
    const path = join(dir, name)
    writeFileSync(path, `#!/bin/sh\nif [ "$1" = --version ]; then echo "${version}"; fi\n`)
    chmodSync(path, 0o755)
    vi.stubEnv('PATH', `${dir}${delimiter}${process.env.PATH}`)
    return path
  }

  test('ninja knows the fifo form only, whatever make there is', () => {
    stub('make', 'GNU Make 4.3')
    for (const name of ['ninja', '/usr/bin/ninja', 'ninja-build', 'samu']) expect(styleFor(name)).toBe('fifo')
  })

  test('a make decides for itself', () => {
    const old = stub('make', 'GNU Make 4.3')
    stub('gmake', 'GNU Make 4.4.1')
    expect(styleFor('gmake')).toBe('fifo')
    expect(styleFor('make')).toBe('pipe')
    expect(styleFor(old)).toBe('pipe')
  })

  test('else the make that would be found does', () => {
    stub('make', 'GNU Make 4.3')
    for (const name of ['sh', 'cmake', 'npm', 'makeinfo', './make.sh', '']) expect(styleFor(name)).toBe('pipe')
    stub('make', 'GNU Make 4.4')
    for (const name of ['sh', 'cmake', 'npm', 'makeinfo', './make.sh', '']) expect(styleFor(name)).toBe('fifo')
  })

  test('without a make, the form is that of newer ones', () => {
    vi.stubEnv('PATH', tempDir())
    expect(styleFor('cargo')).toBe('fifo')
    expect(styleFor('/nonexistent/make')).toBe('fifo')
  })

  test('a real make is asked even where MAKEFLAGS names what it cannot read', (ctx) => {
    const makes = [requireTool('make43', ctx), requireTool('make44', ctx)]
    vi.stubEnv('MAKEFLAGS', ' -j4 --jobserver-auth=fifo:/nonexistent/fifo')
    expect(makes.map(styleFor)).toEqual(['pipe', 'fifo'])
  })
})
