import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
// @ts-expect-error It is JavaScript, as all of the bench is.
import { complaintsIn, faults, MODES, script } from '../../../bench/projects/modes.mjs'

const [POOL, AT_ONCE, IN_TURN] = MODES

function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), "jobslot test's "))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return dir
}

describe('the script of a mode', () => {
  const builds = (dir: string) =>
    ['a', 'b'].map((name) => ({ name, dir, argv: ['echo', `it's ${name}`], log: join(dir, `${name}.log`) }))
  // The name of a build, which follows these words, is the shell's $0.
  const record = ['sh', '-c', 'exec "$@"']
  const options = { run: ['env', 'IN=pool'], jobs: 3, record }
  const run = (text: string) => spawnSync('/bin/sh', ['-c', text]).status

  it.each([AT_ONCE, IN_TURN])('gives each build its own limit: $name', (mode) => {
    const dir = scratch()
    const inDir = builds(dir).map((build) => ({ ...build, argv: ['sh', '-c', 'echo "$PWD $0"'] }))
    expect(run(script(mode, inDir, options))).toBe(0)
    for (const { log } of inDir) expect(readFileSync(log, 'utf8')).toBe(`${dir} -j3\n`)
  })

  it('puts each build into the pool, without a limit of its own', () => {
    const text = script(POOL, builds('/dir'), { ...options, record: ['job', 'builds', '0'] })
    expect(text).toContain(`exec job builds 0 a env IN=pool --label a -- echo 'it'\\''s a') >/dir/a.log 2>&1 &`)
    expect(text).not.toContain('-j3')
  })

  it.each([AT_ONCE, IN_TURN])(
    'fails where a build that is not the last fails, and builds the others: $name',
    (mode) => {
      const dir = scratch()
      const [a, b] = builds(dir)
      expect(run(script(mode, [{ ...a, argv: ['sh', '-c', 'exit 3'] }, b], options))).toBe(3)
      expect(readFileSync(b?.log ?? '', 'utf8')).toBe("it's b -j3\n")
    },
  )

  it('is valid for the shell', () => {
    for (const mode of MODES) execFileSync('/bin/sh', ['-n', '-c', script(mode, builds('/dir'), options)])
  })
})

describe('what is wrong with a round', () => {
  const result = (mode: unknown, changes = {}) => ({
    ...{ mode, jobs: 9, peak: 2, outputs: new Map([['a.o', '1']]), complaints: [] },
    ...changes,
  })
  const round = (changes: object, place = 0) =>
    MODES.map((mode: unknown, i: number) => result(mode, i === place ? changes : {}))

  it('is nothing, where all is as it should be', () => {
    expect(faults(round({}), 2)).toEqual([])
  })

  it('is a pool above its slots, while those without a pool may be', () => {
    expect(faults(round({ peak: 3 }), 2)).toEqual(['in one pool: 3 jobs at once, the pool has 2 slots'])
    expect(faults(round({ peak: 6 }, 1), 2)).toEqual([])
  })

  it('is another number of jobs', () => {
    expect(faults(round({ jobs: 8 }, 2), 2)).toEqual(['in turn, each with -jN: 8 jobs, in one pool: 9'])
  })

  it('is another content, a missing file, and nothing at all', () => {
    const other = 'at once, each with -jN: 1 of 1 files are other (a.o) than in one pool'
    expect(faults(round({ outputs: new Map([['a.o', '2']]) }, 1), 2)).toEqual([other])
    expect(
      faults(
        round(
          {
            outputs: new Map([
              ['a.o', '1'],
              ['b.o', '1'],
            ]),
          },
          1,
        ),
        2,
      ),
    ).toHaveLength(1)
    expect(faults(round({ outputs: new Map() }, 1), 2)).toHaveLength(1)
    expect(
      faults(
        MODES.map((mode: unknown) => result(mode, { outputs: new Map() })),
        2,
      ),
    ).toHaveLength(3)
  })

  it('is what a mode complains of', () => {
    expect(faults(round({ complaints: ['a: jobslot: 1 token is missing'] }), 2)).toEqual([
      'in one pool: a: jobslot: 1 token is missing',
    ])
  })
})

it('takes what a log says of tokens and limits as a fault, and waiting as none', () => {
  const missing = 'jobslot: 1 token was not given back: a client was killed, or still runs in the background'
  const lost = "make[1]: warning: jobserver unavailable: using -j1.  Add `+' to parent make rule."
  const log = `cc -c a.c\njobslot: waiting for 1 slot of pool bench (2 of 2 held)\n${missing}\n${lost}\ndone\n`
  expect(complaintsIn(log)).toEqual([missing, lost])
})
