import { describe, expect, test } from 'vitest'
import { callerOf, isNodeLauncher, isServer } from '../../src/client/callers.ts'
import type { ProcessEntry } from '../../src/proc.ts'

/** `sh` is a program; `(sh)` a fork that still runs the program of its parent. The nearest comes first. */
function chain(text: string): ProcessEntry[] {
  const names = text.split(' < ')
  return names.map((word, i) => ({
    pid: word === 'init' ? 1 : 100 - i,
    parent: 99 - i,
    name: word.replace(/^\((.*)\)$/, '$1').replace('~', ' '),
    forkedOnly: word.startsWith('('),
    ended: false,
    startTime: String(i),
  }))
}

const isLauncher = ({ name }: ProcessEntry) => name === 'npx'

describe('callerOf', () => {
  test.for<[string, number | null]>([
    // Below a server: the process that it started.
    ['make < bash', null],
    ['sh < make < bash < init', 0],
    ['(sh) < sh < make < bash < init', 1],
    ['(sh) < (sh) < sh < make < init', 2],
    ['xargs < sh < make < init', 1],
    ['sh < xargs < (sh) < sh < make < init', 3],
    ['sh < npx < sh < make < init', 2],
    ['timeout < env < sh < ninja < init', 2],
    ['python3 < sh < make < init', 1],
    ['sh < build.sh < cargo < init', 1],
    // The nearest server counts.
    ['sh < make < sh < make < init', 0],
    ['make < sh < make < init', null],
    ['sh < jobslot~acquire < sh < make < init', 0],
    ['jobslot~run < sh < make < init', null],
    ['sh < ninja < cmake < make < init', 0],
    ['(make) < make < init', null],
    // No server: the topmost that only passes on what it was given.
    ['sh < bash < init', 1],
    ['sh < sshd < init', 0],
    ['(sh) < sh < node < init', 1],
    ['npx < sh < tmux < init', 1],
    ['node < sh < init', null],
    ['(node) < node < sh < init', 0],
    ['xargs < sh < init', 1],
    ['init', null],
    ['', null],
    ['sh < init', 0],
  ])('%s', ([text, index]) => {
    const above = text === '' ? [] : chain(text)
    expect(callerOf(above, isLauncher)).toBe(index === null ? null : above[index])
  })

  test('a server of another name may hide above a script', () => {
    const above = chain('sh < tool < sh < make < init')
    expect(callerOf(above, isLauncher)).toBe(above[2])
  })
})

describe('isServer', () => {
  test.for(['make', 'gmake', 'ninja', 'samu', 'cargo', 'jobslot', 'jobslot run -j4', 'jobslot acquire'])(
    '%s',
    (name) => {
      expect(isServer(chain(name.replace(' ', '~'))[0]!)).toBe(true)
    },
  )

  test.for(['sh', 'makeinfo', 'cmake', 'ninja2', 'node', 'jobslots', 'jobslot2 run', ''])('not %s', (name) => {
    expect(isServer({ pid: 2, parent: 1, name, forkedOnly: false, ended: false, startTime: '0' })).toBe(false)
  })
})

describe('isNodeLauncher', () => {
  test.for([
    ['npm exec jobslot acquire -- true'],
    ['npm run build'],
    ['npx'],
    ['node', '/usr/lib/node_modules/npm/bin/npx-cli.js', 'jobslot'],
    ['/usr/bin/node', '/usr/bin/npm', 'exec', 'jobslot'],
    ['node', '/home/me/.cache/yarn.js', 'jobslot'],
    ['node20', '/opt/pnpm.cjs', 'dlx', 'jobslot'],
    ['/usr/bin/corepack', 'pnpm'],
  ])('%j', (words) => {
    expect(isNodeLauncher(words)).toBe(true)
  })

  test.for([
    [],
    [''],
    ['node'],
    ['node', 'npm-not.js'],
    ['node', '/home/me/tool.js', 'npx'],
    ['sh', '-c', 'npx jobslot'],
    ['npmx', 'exec'],
    ['/opt/npm/tool'],
    ['python3', 'npm'],
  ])('not %j', (words) => {
    expect(isNodeLauncher(words as string[])).toBe(false)
  })
})
