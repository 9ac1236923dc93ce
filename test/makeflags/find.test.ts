import { describe, expect, test } from 'vitest'
import { findMakeflags, parseMakeflags } from '../../src/makeflags/index.ts'

const PIPE = ' -j4 --jobserver-auth=3,4'
const FIFO = ' -j4 --jobserver-auth=fifo:/tmp/f'
const WITHHELD = ' -j4 --jobserver-auth=-2,-2'
const CARGO = '-j --jobserver-fds=8,9 --jobserver-auth=8,9'

describe('the first variable that names a jobserver', () => {
  test.each<[string, Record<string, string | undefined>, string | null]>([
    ['none at all', {}, null],
    ['empty', { MAKEFLAGS: '', CARGO_MAKEFLAGS: undefined, MFLAGS: '' }, null],
    ['none names one', { MAKEFLAGS: 'k -j4', CARGO_MAKEFLAGS: '-j', MFLAGS: '-k' }, null],
    ['all', { MAKEFLAGS: PIPE, CARGO_MAKEFLAGS: CARGO, MFLAGS: PIPE }, 'MAKEFLAGS'],
    ['an unusable one counts', { MAKEFLAGS: WITHHELD, CARGO_MAKEFLAGS: CARGO }, 'MAKEFLAGS'],
    ['garbage counts', { MAKEFLAGS: '--jobserver-auth=what', CARGO_MAKEFLAGS: CARGO }, 'MAKEFLAGS'],
    ['a plain make below cargo', { MAKEFLAGS: 'w', CARGO_MAKEFLAGS: CARGO, MAKELEVEL: '1' }, 'CARGO_MAKEFLAGS'],
    ["a user's own MAKEFLAGS", { MAKEFLAGS: '-j8', CARGO_MAKEFLAGS: CARGO }, 'CARGO_MAKEFLAGS'],
    ['only behind --', { MAKEFLAGS: ' -- A=--jobserver-auth=9,9', MFLAGS: PIPE }, 'MFLAGS'],
    ['MFLAGS alone', { MFLAGS: '-k -j4 --jobserver-auth=3,4' }, 'MFLAGS'],
    // An explicit -j1 means one.
    ['-j1 in a recipe', { MAKEFLAGS: ' -j1', MAKELEVEL: '1', CARGO_MAKEFLAGS: CARGO }, 'MAKEFLAGS'],
    ['-j1 further down', { MAKEFLAGS: 'w -j1', MAKELEVEL: '3' }, 'MAKEFLAGS'],
    ['-j1 by the user', { MAKEFLAGS: '-j1', CARGO_MAKEFLAGS: CARGO }, 'CARGO_MAKEFLAGS'],
    ['-j1 by the user, level 0', { MAKEFLAGS: '-j1', MAKELEVEL: '0' }, null],
    ['-j1, no level', { MAKEFLAGS: '-j1', MAKELEVEL: 'x' }, null],
    ['-j1 elsewhere', { CARGO_MAKEFLAGS: '-j1', MFLAGS: '-j1', MAKELEVEL: '1' }, null],
    ['-j1, and a jobserver', { MAKEFLAGS: '-j1 --jobserver-auth=3,4', MAKELEVEL: '1' }, 'MAKEFLAGS'],
  ])('%s', (_case, env, variable) => {
    const found = findMakeflags(env)
    expect(found?.variable ?? null).toBe(variable)
    if (found) expect(found.flags).toStrictEqual(parseMakeflags(env[found.variable]!))
  })

  test('what -j1 gives', () => {
    const { flags } = findMakeflags({ MAKEFLAGS: 'k -j1', MAKELEVEL: '1' })!
    expect(flags).toMatchObject({ jobserver: null, problem: null, code: null, jobs: 1 })
  })
})

describe('MFLAGS, as make writes it beside MAKEFLAGS', () => {
  test.each([
    ['kn -j4 --jobserver-auth=3,4', '-kn -j4 --jobserver-auth=3,4'],
    [' -Iinc -j4 --jobserver-auth=3,4', '-Iinc -j4 --jobserver-auth=3,4'],
    [PIPE, '-j4 --jobserver-auth=3,4'],
    [FIFO, '-j4 --jobserver-auth=fifo:/tmp/f'],
    [' -j4 --jobserver-auth=fifo:/t$x\\\\y/f', '-j4 --jobserver-auth=fifo:/t$$x\\\\y/f'],
    [' --no-print-directory --jobserver-auth=3,4', '--no-print-directory --jobserver-auth=3,4'],
    [' - n --jobserver-auth=3,4', ' - n --jobserver-auth=3,4'],
  ])('%j and %j say the same', (makeflags, mflags) => {
    expect(findMakeflags({ MFLAGS: mflags })!.flags).toStrictEqual(parseMakeflags(makeflags))
  })
})
