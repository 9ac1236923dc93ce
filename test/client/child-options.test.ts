import type { SpawnOptions } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import type { ChildJobserver } from '../../src/client/child-options.ts'
import { childOptions } from '../../src/client/child-options.ts'
import { connect } from '../../src/client/connect.ts'
import { distinctTokens, fifoJobserver, namedJobserver, pipeJobserver, sortedHex } from '../support/jobserver.ts'
import { tempDir } from '../support/processes.ts'
import { runUnder } from './program.ts'
import { connectTo } from './reach.ts'

type Stdio = SpawnOptions['stdio']

function pipeAt(read: number, write: number): ChildJobserver {
  return { hand: 'jobserver', auth: { style: 'pipe', read, write }, jobs: 4, read, write }
}

const pads = (count: number): 'ignore'[] => Array(count).fill('ignore')
const told = (read: number, write: number) => ` -j4 --jobserver-fds=${read},${write} --jobserver-auth=${read},${write}`

// biome-ignore lint/suspicious/noSparseArray: a hole is what is tested
const hole: Stdio = ['pipe', , 'inherit']

describe('the pipe merged into stdio', () => {
  const streams = ['inherit', 'inherit', 'inherit'] as const
  /** Where the ends go when their own numbers are not to be had. */
  const spare = [200, 201] as const
  const upTo = (number: number, taken: unknown[]) => [...taken, ...pads(number - taken.length)]
  const table: [name: string, at: [number, number], stdio: Stdio, merged: unknown, numbers?: readonly number[]][] = [
    ['nothing', [3, 4], undefined, [undefined, undefined, undefined, 3, 4]],
    ['pipe', [3, 4], 'pipe', ['pipe', 'pipe', 'pipe', 3, 4]],
    ['inherit', [3, 4], 'inherit', [...streams, 3, 4]],
    ['ignore', [3, 4], 'ignore', ['ignore', 'ignore', 'ignore', 3, 4]],
    ['overlapped', [3, 4], 'overlapped', ['overlapped', 'overlapped', 'overlapped', 3, 4]],
    ['an array', [3, 4], ['pipe', 1, process.stderr], ['pipe', 1, process.stderr, 3, 4]],
    ['no entry: spawn would make pipes', [3, 4], [], [undefined, undefined, undefined, 3, 4]],
    ['one entry', [3, 4], ['ignore'], ['ignore', undefined, undefined, 3, 4]],
    ['a hole', [3, 4], hole, ['pipe', undefined, 'inherit', 3, 4]],
    ['null', [3, 4], ['pipe', null, undefined, null], ['pipe', null, undefined, 3, 4]],
    ['closed places', [3, 4], [...streams, 'ignore', 'ignore', 'pipe'], [...streams, 3, 4, 'pipe']],
    ['places behind', [3, 4], [...streams, null, null, 9], [...streams, 3, 4, 9]],
    ['a gap before them', [8, 9], 'inherit', [...streams, ...pads(5), 8, 9]],
    ['a gap between them', [3, 6], 'inherit', [...streams, 3, 'ignore', 'ignore', 6]],
    ['the write end first', [4, 3], 'inherit', [...streams, 3, 4]],
    ['ipc', [3, 4], [...streams, 'ipc'], [...upTo(200, [...streams, 'ipc']), 3, 4], spare],
    ['one taken', [3, 4], [...streams, null, 'pipe'], [...upTo(200, [...streams, null, 'pipe']), 3, 4], spare],
    ['the spare ones taken too', [3, 4], Array(202).fill('pipe'), [...Array(202).fill('pipe'), 3, 4], [202, 203]],
    [
      'one of the spare ones taken',
      [3, 4],
      [...Array(200).fill(1), null, 'pipe'],
      [...Array(200).fill(1), 3, 'pipe', 4],
      [200, 202],
    ],
    ['the standard streams', [0, 1], 'inherit', [...upTo(200, [...streams]), 0, 1], spare],
    ['far numbers', [5000, 5001], 'inherit', [...upTo(200, [...streams]), 5000, 5001], spare],
  ]

  test.for(table)('%s', ([, at, stdio, merged, numbers = at]) => {
    const options = stdio === undefined ? {} : { stdio }
    const result = childOptions(pipeAt(...at), { ...options, env: { MAKEFLAGS: 'k', PATH: '/bin' } })
    // Not toEqual: to spawn, undefined and 'ignore' differ.
    expect(result.stdio).toStrictEqual(merged)
    expect(result.env).toEqual({ MAKEFLAGS: `k${told(numbers[0]!, numbers[1]!)}`, PATH: '/bin' })
  })

  test('ends that were opened elsewhere than MAKEFLAGS says keep the numbers they have', () => {
    const child: ChildJobserver = { ...pipeAt(3, 4), hand: 'jobserver', read: 23, write: 24 } as ChildJobserver
    const { stdio, env } = childOptions(child, { stdio: 'inherit', env: {} })
    expect(stdio).toEqual([...upTo(23, [...streams]), 23, 24])
    expect(env).toEqual({ MAKEFLAGS: told(23, 24) })
  })

  test('what the caller gave stays as it was', () => {
    const stdio: Stdio = ['pipe']
    const env = { MAKEFLAGS: 'k' }
    const options = { stdio, env, cwd: '/', detached: true }
    expect(childOptions(pipeAt(3, 4), options)).toMatchObject({ cwd: '/', detached: true })
    expect(options).toEqual({ stdio: ['pipe'], env: { MAKEFLAGS: 'k' }, cwd: '/', detached: true })
  })
})

describe('the environment', () => {
  const pipe = pipeAt(3, 4)
  const fifo: ChildJobserver = {
    hand: 'jobserver',
    auth: { style: 'fifo', path: '/tmp/a b' },
    jobs: null,
    read: -1,
    write: -1,
  }

  test('is that of this process where none is given', () => {
    const { env } = childOptions(pipe)
    expect(env).toEqual({ ...process.env, MAKEFLAGS: expect.stringContaining(told(3, 4).trim()) })
    expect(env).not.toBe(process.env)
  })

  test('is the one that is given, and nothing else', () => {
    expect(childOptions(pipe, { env: {} }).env).toEqual({ MAKEFLAGS: told(3, 4) })
  })

  test('other flags and variables stay, and every variable that names a jobserver names this one', () => {
    const env = {
      MAKEFLAGS: 'kw -l3 -j9 --jobserver-auth=5,6 -- CC=cc',
      CARGO_MAKEFLAGS: '-j --jobserver-fds=5,6 --jobserver-auth=5,6',
      MFLAGS: '-kw',
      MAKELEVEL: '2',
    }
    expect(childOptions(pipe, { env }).env).toEqual({
      MAKEFLAGS: `kw -l3${told(3, 4)} -- CC=cc`,
      CARGO_MAKEFLAGS: told(3, 4),
      MFLAGS: '-kw',
      MAKELEVEL: '2',
    })
  })

  test('a FIFO is told by its path, and stdio stays as it is', () => {
    const env = { MAKEFLAGS: 'k -j3 --jobserver-auth=3,4' }
    const result = childOptions(fifo, { env, stdio: 'ignore' })
    expect(result).toEqual({ stdio: 'ignore', env: { MAKEFLAGS: 'k -j --jobserver-auth=fifo:/tmp/a\\ b' } })
    expect(childOptions(fifo, { env })).not.toHaveProperty('stdio')
  })

  test('an unusable jobserver is taken out of it', () => {
    const env = {
      MAKEFLAGS: 'k -j3 --jobserver-auth=3,4 -- A=b',
      CARGO_MAKEFLAGS: '--jobserver-fds=3,4',
      MFLAGS: '-k -j3 --jobserver-auth=3,4',
      HOME: '/h',
    }
    expect(childOptions({ hand: 'none' }, { env, stdio: 'pipe' })).toEqual({
      stdio: 'pipe',
      env: { MAKEFLAGS: 'k -- A=b', CARGO_MAKEFLAGS: '', MFLAGS: ' -k', HOME: '/h' },
    })
    expect(childOptions({ hand: 'none' }, { env: { HOME: '/h' } })).toEqual({ env: { HOME: '/h' } })
  })

  test('without a jobserver there is nothing to do', () => {
    const options = { stdio: 'inherit' as const, env: { A: 'b' } }
    const client = connect({ env: {}, fallback: 2 })
    expect(client.childOptions(options)).toBe(options)
    expect(client.childOptions()).toEqual({})
    client.close()
  })
})

test('a child is told the limit the client was told', () => {
  const jobserver = fifoJobserver(tempDir(), distinctTokens(5))
  const client = connectTo(jobserver)
  expect(client.childOptions({ env: {} }).env).toEqual({ MAKEFLAGS: jobserver.makeflags })
  client.close()
})

describe('a real spawn', () => {
  const tokens = distinctTokens(3)
  const prelude = `
    import { fork, spawn, spawnSync } from 'node:child_process'
    const client = connect()
    // Each descriptor that is open, below those that a debugger or a harness may have left.
    const list = 'for fd in 0 1 2 3 4 5 6 7 8 9 10 20 21 199 200 201 202; do [ -e /proc/$$/fd/$fd ] && printf "%s " $fd; done; echo; ' +
      'echo "$MAKEFLAGS"'
    const sh = (options) => spawnSync('sh', ['-c', list], client.childOptions(options)).stdout.toString().split('\\n')
  `

  test('a child sees the pipe at the numbers it is told, and the pads are not open', async () => {
    const { said, report } = await runUnder(
      pipeJobserver(tokens, { read: 8, write: 9 }),
      `${prelude}
      console.log(JSON.stringify([
        sh({ stdio: ['ignore', 'pipe', 'inherit'] }),
        sh({ stdio: ['ignore', 'pipe', 'inherit', null, null, null, null, null, 'pipe'] }),
        sh({}),
      ]))`,
    )
    expect(said).toEqual([
      ['0 1 2 8 9 ', told(8, 9), ''],
      ['0 1 2 8 200 201 ', told(200, 201), ''],
      ['0 1 2 8 9 ', told(8, 9), ''],
    ])
    expect(report.tokens).toBe(sortedHex(tokens))
  })

  test.for([
    ['its own numbers', "['inherit', 'pipe', 'inherit']"],
    ['others', "['inherit', 'pipe', 'inherit', 'pipe', 'pipe']"],
  ])('a child that is a client shares the tokens, at %s', async ([, stdio]) => {
    const child = `import { connect } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
      const client = connect({ strict: true })
      const slots = []
      for (let slot = client.tryAcquire(); slot; slot = client.tryAcquire()) slots.push(slot.token)
      console.log(JSON.stringify(slots))`
    const { said, report } = await runUnder(
      pipeJobserver(tokens),
      `${prelude}
      const mine = [client.tryAcquire(), client.tryAcquire()].map((slot) => slot.token)
      const child = ${JSON.stringify(child)}
      const argv = ['--input-type=module', '-e', child]
      const { stdout } = spawnSync(process.execPath, argv, client.childOptions({ stdio: ${stdio} }))
      console.log(JSON.stringify([mine, JSON.parse(stdout)]))`,
    )
    // The child has an implicit slot of its own: it runs in a slot of its parent's.
    const [mine, childs] = said as [number[], number[]]
    expect([mine[0], childs[0]]).toEqual([-1, -1])
    expect(sortedHex(Buffer.from([mine[1]!, ...childs.slice(1)]))).toBe(sortedHex(tokens))
    expect(report.tokens).toBe(sortedHex(tokens))
  })

  test('fork, with its channel', async () => {
    const dir = tempDir()
    const { said, report } = await runUnder(
      pipeJobserver(tokens),
      `${prelude}
      import { writeFileSync } from 'node:fs'
      writeFileSync('${dir}/child.mjs', \`
        import { connect } from '${new URL('../../dist/index.js', import.meta.url).href}'
        const client = connect({ strict: true })
        process.send([client.available, process.env.MAKEFLAGS])
        process.disconnect()
      \`)
      const stdio = ['inherit', 'inherit', 'inherit', 'ipc']
      const child = fork('${dir}/child.mjs', client.childOptions({ stdio, execArgv: [] }))
      child.on('message', (message) => console.log(JSON.stringify(message)))`,
    )
    expect(said).toEqual([4, told(200, 201)])
    expect(report.tokens).toBe(sortedHex(tokens))
  })

  test('a FIFO needs no descriptors', async () => {
    const path = `${tempDir()}/a fifo`
    const { said, report } = await runUnder(
      namedJobserver(path, tokens),
      `${prelude}console.log(JSON.stringify(sh({})))`,
    )
    expect(said).toEqual(['0 1 2 ', ` -j4 --jobserver-auth=fifo:${path.replace(' ', '\\ ')}`, ''])
    expect(report.tokens).toBe(sortedHex(tokens))
  })
})
