import { describe, expect, test } from 'vitest'
import { type Choice, whichLimit } from '../../src/cli/limit/which-limit.ts'
import type { Env } from '../support/processes.ts'

const jobserver = { MAKEFLAGS: ' -j4 --jobserver-auth=3,4' }
const pool = (name: string, by: '--pool' | 'JOBSLOT_POOL' | 'default', member: number | null = null): Choice => ({
  kind: 'pool',
  name,
  member,
  by,
})

describe('the limit in force is the first of', () => {
  test.for<[Env, string | undefined, Choice]>([
    [{}, undefined, pool('default', 'default')],
    [{ JOBSLOT_POOL: 'ci' }, undefined, pool('ci', 'JOBSLOT_POOL')],
    [{ JOBSLOT_POOL: '' }, undefined, pool('default', 'default')],
    [{ JOBSLOT_POOL: 'ci' }, 'gpu', pool('gpu', '--pool')],
    [jobserver, undefined, { kind: 'jobserver' }],
    [{ ...jobserver, JOBSLOT_POOL: 'ci' }, undefined, { kind: 'jobserver' }],
    [{ ...jobserver, JOBSLOT_POOL: 'ci' }, 'gpu', pool('gpu', '--pool')],
    // A make without a limit says nothing; one with -j1 does, and so does a jobserver that cannot be used.
    [{ MAKEFLAGS: 'kw', MAKELEVEL: '1', JOBSLOT_POOL: 'ci' }, undefined, pool('ci', 'JOBSLOT_POOL')],
    [{ MAKEFLAGS: ' -j1', MAKELEVEL: '1', JOBSLOT_POOL: 'ci' }, undefined, { kind: 'jobserver' }],
    [{ MAKEFLAGS: ' -j2 --jobserver-auth=nonsense/', JOBSLOT_POOL: 'ci' }, undefined, { kind: 'jobserver' }],
    [{ CARGO_MAKEFLAGS: '-j --jobserver-auth=fifo:/f', JOBSLOT_POOL: 'ci' }, undefined, { kind: 'jobserver' }],
  ])('%j with --pool %s: %j', ([env, name, choice]) => {
    expect(whichLimit(env, { pool: name, orDefault: true })).toEqual(choice)
  })

  test.for<[Env, string | undefined, Choice]>([
    [{}, undefined, { kind: 'none' }],
    [{ JOBSLOT_MEMBER: 'default/1' }, undefined, { kind: 'none' }],
    [{ JOBSLOT_POOL: 'ci' }, undefined, pool('ci', 'JOBSLOT_POOL')],
    [jobserver, undefined, { kind: 'jobserver' }],
    [{}, 'ci', pool('ci', '--pool')],
  ])('of a command with a pool of its own, %j with --pool %s: %j', ([env, name, choice]) => {
    expect(whichLimit(env, { pool: name, orDefault: false })).toEqual(choice)
  })
})

describe('the member of the pool that the caller runs in', () => {
  test.for<[string | undefined, string, number | null]>([
    [undefined, 'ci', null],
    ['', 'ci', null],
    ['ci/3', 'ci', 3],
    ['gpu/3', 'ci', null],
    ['ci/3 gpu/4 1234-ab/1', 'ci', 3],
    ['ci/3 gpu/4', 'gpu', 4],
    // Nobody is twice a member of one pool by jobslot's doing.
    ['ci/3 ci/5', 'ci', 5],
    ['my%20pool/7', 'my pool', 7],
    ['my pool/7', 'my pool', null],
    ['ci/x ci/ /3 ci/3/4 ci', 'ci', null],
    ['xci/3 ci/-1', 'ci', null],
  ])('%j of pool %s: %s', ([JOBSLOT_MEMBER, name, member]) => {
    expect(whichLimit({ JOBSLOT_MEMBER }, { pool: name, orDefault: true })).toEqual(pool(name, '--pool', member))
  })
})
