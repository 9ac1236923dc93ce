import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { JobserverAuth, Makeflags } from '../../src/makeflags/index.ts'
import { findMakeflags, parseMakeflags, rewriteMakeflags } from '../../src/makeflags/index.ts'
import { fifoJobserver, pipeJobserver, sortedHex } from '../support/jobserver.ts'
import { run, tempDir } from '../support/processes.ts'
import { requireTool } from '../support/tools.ts'

const MAKES = ['make43', 'make44'] as const
const TOKENS = Buffer.from('abc')

/**
 * A makefile whose recipes write what they are told into files: `plus` for a line marked with `+`, `plain` for a recipe
 * without one.
 */
const MAKEFILE = `
plus: ; +@env > plus; echo '$(FOO)' > foo; ls "$\${TMPDIR:-/}" > tmp
sub: ; @$(MAKE) --no-print-directory plus
plain: ; @env > plain
`

interface Made {
  stderr: string
  /** The environment that a recipe had. */
  env(recipe: 'plus' | 'plain'): Record<string, string>
  output(file: 'foo' | 'tmp'): string
}

async function make(argv: string[], env: Record<string, string> = {}): Promise<Made> {
  const cwd = tempDir()
  writeFileSync(join(cwd, 'Makefile'), MAKEFILE)
  const { code, stdout, stderr } = await run(argv, { cwd, env })
  expect(code, stdout + stderr).toBe(0)
  const read = (file: string) => readFileSync(join(cwd, file), 'utf8')
  return {
    stderr,
    env: (recipe) =>
      Object.fromEntries(
        read(recipe)
          .split('\n')
          .map((text) => /^([^=]*)=?(.*)$/s.exec(text)!.slice(1)),
      ),
    output: (file) => read(file).trimEnd(),
  }
}

describe('what a real make writes', () => {
  const calls = [
    { args: ['-j4', 'plus'], says: {} },
    { args: ['-j4', '-k', '-n', 'plus'], says: { dryRun: true } },
    { args: ['-j4', '-n', 'plus'], says: { dryRun: true } },
    { args: ['-j4', '-l2.5', '--trace', 'plus'], says: { load: 2.5 } },
    { args: ['-j4', 'FOO=--jobserver-auth=9,9 -j9', 'plus'], says: {} },
    { args: ['-kj4', '-Iproj8', 'FOO=x', 'sub'], says: {} },
  ]
  test.for(MAKES.flatMap((name) => calls.map((call) => ({ name, ...call }))))(
    '$name $args',
    async ({ name, args, says }, ctx) => {
      const made = await make([requireTool(name, ctx), ...args])
      const { MAKEFLAGS, MFLAGS, MAKELEVEL } = made.env('plus')
      const flags = parseMakeflags(MAKEFLAGS!)
      const expected: Partial<Makeflags> = { load: null, dryRun: false, problem: null, code: null, jobs: 4, ...says }
      expect(flags, MAKEFLAGS).toMatchObject(expected)
      expect(flags.jobserver?.style).toBe(name === 'make43' ? 'pipe' : 'fifo')
      expect(findMakeflags({ MFLAGS, MAKELEVEL })!.flags).toStrictEqual(flags)
    },
  )

  test.for(MAKES)('%s without a jobserver', async (name, ctx) => {
    const path = requireTool(name, ctx)
    const jobserver = async (...args: string[]) => findMakeflags((await make([path, 'plus', ...args])).env('plus'))
    expect(await jobserver()).toBe(null)
    expect(await jobserver('-j')).toBe(null)
    expect(await jobserver('-kl3', 'FOO=--jobserver-auth=3,4')).toBe(null)
    expect(await jobserver('-j1')).toMatchObject({ variable: 'MAKEFLAGS', flags: { jobserver: null, jobs: 1 } })
  })

  test.for(['t mp', 't\tmp', 't\\mp', "t'mp", 't\\ mp\\'])('make 4.4 in TMPDIR %j', async (name, ctx) => {
    const folder = join(tempDir(), name)
    mkdirSync(folder)
    const made = await make([requireTool('make44', ctx), '-j4', 'sub'], { TMPDIR: folder })
    const fifo = made
      .output('tmp')
      .split('\n')
      .find((file) => file.startsWith('GMfifo'))!
    expect(parseMakeflags(made.env('plus').MAKEFLAGS!).jobserver).toStrictEqual({
      style: 'fifo',
      path: join(folder, fifo),
    })
    expect(readdirSync(folder)).toStrictEqual([])
  })

  test('make 4.4 in pipe style withholds it from a recipe without +', async (ctx) => {
    const made = await make([requireTool('make44', ctx), '--jobserver-style=pipe', '-j4', 'plus', 'plain'])
    expect(parseMakeflags(made.env('plus').MAKEFLAGS!).jobserver?.style).toBe('pipe')
    expect(parseMakeflags(made.env('plain').MAKEFLAGS!)).toMatchObject({
      jobserver: null,
      code: 'ERR_JOBSLOT_WITHHELD',
      jobs: 4,
    })
  })

  test.for(['alone', ...MAKES] as const)('cargo: %s', async (name, ctx) => {
    const cwd = tempDir()
    const seen = join(cwd, 'seen')
    writeFileSync(join(cwd, 'Cargo.toml'), '[package]\nname = "p"\nedition = "2021"\n[lib]\npath = "lib.rs"\n')
    writeFileSync(join(cwd, 'lib.rs'), '')
    writeFileSync(
      join(cwd, 'build.rs'),
      'fn main() { std::fs::write(std::env::var("SEEN").unwrap(), std::env::var("CARGO_MAKEFLAGS").unwrap()).unwrap() }',
    )
    const cargo = [requireTool('cargo', ctx), 'build', '--offline']
    writeFileSync(join(cwd, 'Makefile'), `all: ; +@${cargo.join(' ')}\n`)
    const argv = [...(name === 'alone' ? cargo : [requireTool(name, ctx)]), '-j4']
    const { code, stderr } = await run(argv, { cwd, env: { SEEN: seen } })
    expect(code, stderr).toBe(0)

    const found = findMakeflags({ CARGO_MAKEFLAGS: readFileSync(seen, 'utf8') })
    expect(found).toMatchObject({ variable: 'CARGO_MAKEFLAGS', flags: { problem: null, jobs: null } })
    expect(found!.flags.jobserver?.style).toBe(name === 'make44' ? 'fifo' : 'pipe')
  })
})

describe('a real make takes a rewritten text', () => {
  const UNAVAILABLE = 'jobserver unavailable'
  const pipe: JobserverAuth = { style: 'pipe', read: 20, write: 21 }
  const texts = [
    '',
    'k',
    ' -j9 --jobserver-auth=7,8',
    'kj9 --trace',
    '-kj9',
    'k -j9 -l2.5 --jobserver-auth=7,8 --jobserver-auth=-2,-2 -- FOO=a\\ b',
    ' -Iproj8 --jobserver-style=pipe -- FOO=--jobserver-auth=9,9',
    '-j FOO=bar',
  ]

  /** Make, told this text, must be the client of the jobserver, and know all else that the text says. */
  function expectTaken(made: Made, text: string, auth: JobserverAuth): void {
    expect(made.stderr).not.toContain(UNAVAILABLE)
    expect(made.stderr).not.toContain('resetting jobserver mode')
    const flags = parseMakeflags(made.env('plus').MAKEFLAGS!)
    expect(flags.jobserver).toStrictEqual(auth)
    expect(flags).toMatchObject({ jobs: TOKENS.length + 1, load: parseMakeflags(text).load })
    expect(made.env('plus').MFLAGS).toMatch(/k/.test(text) ? /^-k/ : /^-j|^-I/)
    expect(made.output('foo')).toBe(/FOO=(.*)/.exec(text)?.[1]?.replace('\\', '') ?? '')
  }

  test.for(MAKES.flatMap((name) => texts.map((text) => ({ name, text }))))(
    '$name, pipe, $text',
    async ({ name, text }, ctx) => {
      const makeflags = rewriteMakeflags(text, { auth: pipe, jobs: TOKENS.length + 1 })
      const server = pipeJobserver(TOKENS, pipe)
      const argv = ['env', `MAKEFLAGS=${makeflags}`, requireTool(name, ctx), 'sub']
      expectTaken(await make(server.around(argv)), text, pipe)
      expect(Buffer.from(server.report().tokens, 'hex')).toHaveLength(TOKENS.length)
    },
  )

  test.for(texts)('make 4.4, fifo, %j', async (text, ctx) => {
    const folder = join(tempDir(), 'a b\\c')
    mkdirSync(folder)
    const server = fifoJobserver(folder, TOKENS)
    const auth: JobserverAuth = { style: 'fifo', path: server.path }
    const MAKEFLAGS = rewriteMakeflags(text, { auth, jobs: TOKENS.length + 1 })
    expectTaken(await make([requireTool('make44', ctx), 'sub'], { MAKEFLAGS }), text, auth)
    expect(server.drain()).toHaveLength(sortedHex(TOKENS).length)
  })

  test.for(MAKES.flatMap((name) => texts.map((text) => ({ name, text }))))(
    '$name, scrubbed, $text',
    async ({ name, text }, ctx) => {
      const made = await make([requireTool(name, ctx), 'plus'], { MAKEFLAGS: rewriteMakeflags(text, null) })
      expect(made.stderr).not.toContain(UNAVAILABLE)
      expect(findMakeflags(made.env('plus'))).toBe(null)
    },
  )

  test.for(MAKES)('%s would have complained', async (name, ctx) => {
    const MAKEFLAGS = rewriteMakeflags('k', { auth: pipe, jobs: 4 })
    expect((await make([requireTool(name, ctx), 'plus'], { MAKEFLAGS })).stderr).toContain(UNAVAILABLE)
  })
})
