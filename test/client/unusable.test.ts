import { closeSync, constants, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/client/connect.ts'
import { distinctTokens, fifoJobserver, pipeJobserver, sortedHex } from '../support/jobserver.ts'
import { run, tempDir } from '../support/processes.ts'
import { built, copyOfPackage, program, runUnder } from './program.ts'

const MARK = /mark the recipe line with '\+'/

function opened(path: string, flags: number): number {
  const fd = openSync(path, flags)
  onTestFinished(() => closeSync(fd))
  return fd
}

interface Case {
  name: string
  /** The value of --jobserver-auth=. */
  auth(dir: string): string
  code: string
  cause: RegExp
  cure: RegExp
}

const { O_RDONLY, O_RDWR, O_NONBLOCK } = constants
const cases: Case[] = [
  {
    name: 'closed descriptors',
    auth: () => '900,901',
    code: 'CLOSED_DESCRIPTOR',
    cause: /descriptor 900 of the jobserver is closed/,
    cure: MARK,
  },
  {
    name: 'a closed write end',
    auth: (dir) => `${opened(fifoJobserver(dir, Buffer.of(1)).path, O_RDONLY)},901`,
    code: 'CLOSED_DESCRIPTOR',
    cause: /descriptor 901 of the jobserver is closed/,
    cure: MARK,
  },
  {
    name: 'the highest number a descriptor can have',
    auth: () => '2147483647,2147483646',
    code: 'CLOSED_DESCRIPTOR',
    cause: /descriptor 2147483647 .* is closed/,
    cure: MARK,
  },
  {
    name: 'files',
    auth(dir) {
      writeFileSync(join(dir, 'file'), 'text')
      const fd = opened(join(dir, 'file'), O_RDWR)
      return `${fd},${fd}`
    },
    code: 'NOT_A_PIPE',
    cause: /is no pipe here \(file\)/,
    cure: MARK,
  },
  {
    name: 'a folder',
    auth: (dir) => `${opened(dir, O_RDONLY)},${opened(dir, O_RDONLY)}`,
    code: 'NOT_A_PIPE',
    cause: /is no pipe here \(directory\)/,
    cure: MARK,
  },
  {
    name: 'a device',
    auth: () => `${opened('/dev/null', O_RDWR)},${opened('/dev/null', O_RDWR)}`,
    code: 'NOT_A_PIPE',
    cause: /is no pipe here \(character\)/,
    cure: MARK,
  },
  {
    name: 'unequal ends',
    auth: (dir) => `${fifoJobserver(dir, Buffer.of(1)).readFd},${fifoJobserver(tempDir(), Buffer.of(1)).writeFd}`,
    code: 'UNEQUAL_ENDS',
    cause: /are not the two ends of one pipe/,
    cure: MARK,
  },
  {
    name: 'two read ends',
    auth(dir) {
      const { path } = fifoJobserver(dir, Buffer.of(1))
      return `${opened(path, O_RDONLY | O_NONBLOCK)},${opened(path, O_RDONLY | O_NONBLOCK)}`
    },
    code: 'WRONG_DIRECTION',
    cause: /cannot be read or \d+ cannot be written/,
    cure: MARK,
  },
  {
    name: 'a FIFO that is not there',
    auth: (dir) => `fifo:${dir}/missing`,
    code: 'MISSING_FIFO',
    cause: /missing does not exist: the build that made it has ended/,
    cure: /unset MAKEFLAGS or start the build anew/,
  },
  {
    name: 'a FIFO in a folder that is none',
    auth: () => 'fifo:/dev/null/missing',
    code: 'MISSING_FIFO',
    cause: /\/dev\/null\/missing does not exist/,
    cure: /start the build anew/,
  },
  {
    name: 'a path of a regular file',
    auth(dir) {
      writeFileSync(join(dir, 'file'), 'text')
      return `fifo:${dir}/file`
    },
    code: 'NOT_A_FIFO',
    cause: /file is not a FIFO: something else has taken its place/,
    cure: /start the build anew/,
  },
  {
    name: 'a path of a folder',
    auth: (dir) => `fifo:${dir}`,
    code: 'NOT_A_FIFO',
    cause: /is not a FIFO/,
    cure: /start the build anew/,
  },
  {
    name: 'negative descriptors, as make 4.4 has them',
    auth: () => '-2,-2',
    code: 'WITHHELD',
    cause: /make keeps its jobserver from this command/,
    cure: MARK,
  },
  {
    name: 'huge numbers',
    auth: () => '99999999999,4',
    code: 'BAD_DESCRIPTOR',
    cause: /a number that no descriptor can have/,
    cure: /correct it, or remove it/,
  },
  {
    name: 'rubbish',
    auth: () => '3;4',
    code: 'BAD_AUTH',
    cause: /"?--jobserver-auth=3;4"? names no jobserver/,
    cure: /correct it, or remove it/,
  },
  {
    name: 'nothing at all',
    auth: () => '',
    code: 'BAD_AUTH',
    cause: /--jobserver-auth has no value/,
    cure: /write R,W or fifo:PATH behind it/,
  },
  {
    name: 'a FIFO without a path',
    auth: () => 'fifo:',
    code: 'BAD_AUTH',
    cause: /has no path/,
    cure: /write the path of the FIFO/,
  },
  {
    name: 'a Windows semaphore',
    auth: () => 'gmake_semaphore_1824',
    code: 'PLATFORM',
    cause: /the Windows semaphore gmake_semaphore_1824, which jobslot cannot use on linux/,
    cure: /start the build with a make of this system/,
  },
]

describe('a jobserver that is named and cannot be used', () => {
  test.for(cases)('$name', async ({ auth, code, cause, cure }) => {
    const env = { MAKEFLAGS: ` -j4 --jobserver-auth=${auth(tempDir())}`, MAKELEVEL: '1', CC: 'gcc' }
    const client = connect({ env, fallback: 8 })
    onTestFinished(() => client.close())
    expect(client.problem).toMatchObject({ name: 'JobslotError', code: `ERR_JOBSLOT_${code}` })
    expect(client.problem?.message).toMatch(cause)
    expect(client.problem?.message).toMatch(cure)

    // On with the implicit slot alone, whatever the fallback.
    expect(client).toMatchObject({ auth: null, jobs: 4, available: 1 })
    const slot = await client.acquire()
    expect(slot.implicit).toBe(true)
    expect(client.tryAcquire()).toBeNull()
    await expect(client.acquire({ timeout: 5 })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
    const order = [client.run(() => 1), client.run(() => 2)]
    slot.release()
    expect(await Promise.all(order)).toEqual([1, 2])

    // A child would run into the same.
    expect(client.childOptions({ env, stdio: 'inherit' })).toEqual({
      stdio: 'inherit',
      env: { MAKEFLAGS: '', MAKELEVEL: '1', CC: 'gcc' },
    })
    expect(() => connect({ env, strict: true })).toThrow(client.problem?.message)
    expect(() => connect({ env, strict: true })).toThrow(expect.objectContaining({ code: client.problem?.code }))
  })

  test('every sentence is another, and says what happened and what to do', () => {
    const sentences = cases.map(({ auth }) => {
      const client = connect({ env: { MAKEFLAGS: ` -j4 --jobserver-auth=${auth(tempDir())}` } })
      client?.close()
      return client?.problem?.message
    })
    expect(new Set(sentences).size).toBe(cases.length)
    for (const sentence of sentences) expect(sentence).toMatch(/.+: .+/)
  })

  test('two clients share its implicit slot', () => {
    const env = { MAKEFLAGS: ' -j4 --jobserver-auth=900,901' }
    const [one, other] = [connect({ env }), connect({ env })]
    expect(one?.tryAcquire()).not.toBeNull()
    expect(other?.tryAcquire()).toBeNull()
    one?.close()
    expect(other?.tryAcquire()).not.toBeNull()
    other?.close()
  })
})

const tellProblem = `
  const client = connect()
  console.log(JSON.stringify({ code: client.problem?.code, message: client.problem?.message, available: client.available }))
`

describe('cases that need a process of their own', () => {
  const tokens = distinctTokens(3)

  async function problemWith(makeflags: string, code = tellProblem): Promise<unknown> {
    const result = await run(program(code), { env: { MAKEFLAGS: makeflags } })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    return JSON.parse(result.stdout)
  }

  test('a socket', async () => {
    // Node makes sockets for `stdio: 'pipe'`.
    expect(await problemWith(' -j4 --jobserver-auth=0,1')).toMatchObject({
      code: 'ERR_JOBSLOT_NOT_A_PIPE',
      message: expect.stringMatching(/descriptor 0, named as the jobserver's, is no pipe here \(socket\): mark/),
      available: 1,
    })
  })

  test('a FIFO without the right to open it', async () => {
    const dir = tempDir()
    const { makeflags, path } = fifoJobserver(dir, tokens)
    const asNobody = `
      import { chmodSync } from 'node:fs'
      chmodSync(${JSON.stringify(dir)}, 0o755)
      chmodSync(${JSON.stringify(path)}, process.env.MODE === 'read' ? 0o444 : 0)
      if (process.getuid() === 0) {
        process.setgroups([])
        process.setgid(65534)
        process.setuid(65534)
      }
      ${tellProblem}
    `
    expect(await problemWith(makeflags, asNobody)).toMatchObject({
      code: 'ERR_JOBSLOT_FIFO_DENIED',
      message: expect.stringMatching(/cannot be opened \(EACCES\): run as the user who started the build/),
      available: 1,
    })
  })

  test("Node's own pipes", async () => {
    // Any pair of ends of one pipe that only this process has: Node wakes itself through some.
    const said = await problemWith(
      '',
      `
      import { readdirSync, readlinkSync, readFileSync } from 'node:fs'
      process.on('SIGUSR2', () => {})
      const ends = new Map()
      for (const fd of readdirSync('/proc/self/fd')) {
        let link
        try { link = readlinkSync('/proc/self/fd/' + fd) } catch { continue }
        if (!link.startsWith('pipe:')) continue
        const access = parseInt(/flags:\\s*(\\d+)/.exec(readFileSync('/proc/self/fdinfo/' + fd, 'utf8'))[1], 8) & 3
        ends.set(link, { ...ends.get(link), [access]: fd })
      }
      const pair = [...ends.values()].find((pair) => pair[0] && pair[1])
      const client = connect({ env: { MAKEFLAGS: ' -j4 --jobserver-auth=' + pair[0] + ',' + pair[1] } })
      console.log(JSON.stringify({ code: client.problem.code, message: client.problem.message }))
    `,
    )
    expect(said).toMatchObject({
      code: 'ERR_JOBSLOT_FOREIGN_PIPE',
      message: expect.stringMatching(/are a pipe of this program's own, not the jobserver's: mark/),
    })
  })

  test('the ends of the pipe the wrong way round', async () => {
    const { said, report } = await runUnder(
      pipeJobserver(tokens),
      `process.env.MAKEFLAGS = ' -j4 --jobserver-auth=4,3'\n${tellProblem}`,
    )
    expect(said).toMatchObject({ code: 'ERR_JOBSLOT_WRONG_DIRECTION', available: 1 })
    expect(report.tokens).toBe(sortedHex(tokens))
  })

  test.for(['pipe', 'fifo'])('no addon for this platform, %s', async (style) => {
    const code = program(tellProblem, built('index.js', copyOfPackage({ addon: false })))
    const command = style === 'pipe' ? pipeJobserver(tokens).around(code) : code
    const { makeflags } = fifoJobserver(tempDir(), tokens)
    const result = await run(command, { env: { MAKEFLAGS: makeflags } })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(result.stdout)).toMatchObject({
      code: 'ERR_JOBSLOT_NO_ADDON',
      message: expect.stringMatching(/addon cannot be loaded on .*: .*npm run build:native/),
      available: 1,
    })
  })
})
