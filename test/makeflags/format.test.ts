import { describe, expect, test } from 'vitest'
import type { JobserverAuth, Limit } from '../../src/makeflags/index.ts'
import { formatAuth, parseMakeflags, rewriteMakeflags } from '../../src/makeflags/index.ts'

const limit: Limit = { auth: { style: 'pipe', read: 20, write: 21 }, jobs: 2 }
const NEW = '-j2 --jobserver-fds=20,21 --jobserver-auth=20,21'

describe('formatAuth', () => {
  test.each<[JobserverAuth, string]>([
    [{ style: 'pipe', read: 3, write: 4 }, '--jobserver-fds=3,4 --jobserver-auth=3,4'],
    [{ style: 'fifo', path: '/tmp/GMfifo1' }, '--jobserver-auth=fifo:/tmp/GMfifo1'],
    [{ style: 'fifo', path: '/tmp/a b\tc\\d$e' }, '--jobserver-auth=fifo:/tmp/a\\ b\\\tc\\\\d$e'],
    [{ style: 'semaphore', name: 'gmake_semaphore_1' }, '--jobserver-auth=gmake_semaphore_1'],
  ])('%j: %j', (auth, words) => {
    expect(formatAuth(auth)).toBe(words)
    expect(parseMakeflags(words).jobserver).toStrictEqual(auth)
  })
})

describe('rewriteMakeflags', () => {
  test.each([
    // [text, without a limit, with one: where it differs from the former with the new words behind it]
    ['', '', ` ${NEW}`],
    [' ', '', ` ${NEW}`],
    [' -j4 --jobserver-auth=3,4', '', ` ${NEW}`],
    ['k -j4 --jobserver-auth=3,4', 'k', `k ${NEW}`],
    ['kn', 'kn', `kn ${NEW}`],
    [' -j1', '', ` ${NEW}`],
    ['-j8', '', ` ${NEW}`],
    ['-k -j8', ' -k', ` -k ${NEW}`],
    [' -- FOO=x', ' -- FOO=x', ` ${NEW} -- FOO=x`],
    [
      ' -j4 --jobserver-auth=3,4 -- BAZ=--jobserver-auth=9,9 FOO=bar',
      ' -- BAZ=--jobserver-auth=9,9 FOO=bar',
      ` ${NEW} -- BAZ=--jobserver-auth=9,9 FOO=bar`,
    ],
    ['k -j3 --jobserver-auth=3,4 --jobserver-auth=-2,-2 -- F=a\\ b  G', 'k -- F=a\\ b  G', `k ${NEW} -- F=a\\ b  G`],
    [
      ' -j2 -Otarget --jobserver-auth=fifo:/tmp/a\\ b --shuffle=5 --sync-mutex=fnm:/tmp/m',
      ' -Otarget --shuffle=5 --sync-mutex=fnm:/tmp/m',
      ` -Otarget --shuffle=5 --sync-mutex=fnm:/tmp/m ${NEW}`,
    ],
    ['k -Iinc -j4 -l2.5 --jobserver-auth=3,4 --trace', 'k -Iinc -l2.5 --trace', `k -Iinc -l2.5 --trace ${NEW}`],
    ['-j --jobserver-fds=6,7 --jobserver-auth=6,7', '', ` ${NEW}`],
    [' --jobserver-fds=3,4 -j -k', ' -k', ` -k ${NEW}`],
    ['--jobserver-style=pipe --jobserver-auth 3,4 k', ' - k', ` - k ${NEW}`],
    ['-k --jobs 4 --jobs=4 -j 4 --jobs', ' -k', ` -k ${NEW}`],
    // A j among short flags.
    ['kj8', 'k', `k ${NEW}`],
    ['kj 8 -s', 'k -s', `k -s ${NEW}`],
    ['j8 -k', ' -k', ` -k ${NEW}`],
    ['-kj8', ' -k', ` -k ${NEW}`],
    ['-s -kj 8', ' -s -k', ` -s -k ${NEW}`],
    ['kIproj8', 'kIproj8', `kIproj8 ${NEW}`],
    ['-Iproj8 -Wj8 -fj8', ' -Iproj8 -Wj8 -fj8', ` -Iproj8 -Wj8 -fj8 ${NEW}`],
    // A variable before any `--`, as in a MAKEFLAGS written by hand.
    ['-j4 FOO=j8', ' FOO=j8', ` FOO=j8 ${NEW}`],
    // Words that would mean something else further up.
    ['-j4x foo', ' - foo', ` - foo ${NEW}`],
    ['-l -j8 -j4 4', ' -l - 4', ` -l - 4 ${NEW}`],
    ['-l -j8 5=x', ' -l - 5=x', ` -l - 5=x ${NEW}`],
    // A backslash at the end would take in the blank behind it.
    ['-I\\', ' -I\\\\', ` -I\\\\ ${NEW}`],
    ['-I\\\\', ' -I\\\\', ` -I\\\\ ${NEW}`],
  ])('%j', (text, scrubbed, limited) => {
    expect(rewriteMakeflags(text, null)).toBe(scrubbed)
    expect(rewriteMakeflags(text, limit)).toBe(limited)
  })

  test('the other styles', () => {
    const at = (auth: JobserverAuth) => rewriteMakeflags('k -- A=b', { auth, jobs: 8 })
    expect(at({ style: 'fifo', path: '/t mp/f' })).toBe('k -j8 --jobserver-auth=fifo:/t\\ mp/f -- A=b')
    expect(at({ style: 'semaphore', name: 'gmake_semaphore_7' })).toBe(
      'k -j8 --jobserver-auth=gmake_semaphore_7 -- A=b',
    )
  })

  test('a limit of unknown size', () => {
    expect(rewriteMakeflags(' -j4', { ...limit, jobs: null })).toBe(` -j --jobserver-fds=20,21 --jobserver-auth=20,21`)
  })
})
