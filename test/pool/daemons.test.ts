import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { named, processesWhere } from '../broker/named.ts'
import { cli } from '../support/cli.ts'
import { run, tempDir, waitFor } from '../support/processes.ts'
import { requireTool } from '../support/tools.ts'

/** What lives on after a member's end: its daemons, the broker it has started, and who holds a slot for a process. */

const quiet = { code: 0, signal: null, stderr: '' }
const jobslot = cli.join(' ')
// Only its output is its own: everything else it inherits.
const daemon = 'sleep 39.25 >/dev/null 2>&1 & echo $!'

function sleeping(): number[] {
  return processesWhere((pid) => commandOf(pid) === 'sleep 39.25')
}

const commandOf = (pid: number) => {
  const { readFileSync } = process.getBuiltinModule('node:fs')
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').join(' ').trim()
}

function endDaemon(stdout: string): void {
  process.kill(Number(stdout), 'SIGKILL')
}

describe('a daemon that a member leaves', () => {
  test.for(['run', 'acquire'])('of %s holds no slot, and no output open', async (command) => {
    const n = named()
    const env = { ...n.env, NODE_EXTRA_CA_CERTS: undefined }
    const host = await n.connect('ci', { slots: 3 })
    // run() waits until nobody has its output open.
    const result = await run([...cli, command, '--pool', 'ci', '--', 'sh', '-c', daemon], { env })
    expect(result).toMatchObject(quiet)
    expect(sleeping()).toEqual([Number(result.stdout)])
    expect(await host.status()).toMatchObject({ free: 3, members: [], waiters: [] })
    endDaemon(result.stdout)
  })

  test('that a make has started keeps no token of its own make nor of another', async (ctx) => {
    const make = requireTool('make43', ctx)
    const n = named()
    const env = { ...n.env, NODE_EXTRA_CA_CERTS: undefined }
    const host = await n.connect('ci', { slots: 3 })
    const dir = tempDir()
    writeFileSync(join(dir, 'Makefile'), `all: a b c\na b:\n\t@sleep 0.2\nc:\n\t@${daemon.replace('$', '$$$$')}\n`)
    writeFileSync(join(dir, 'outer'), `all:\n\t+@${jobslot} run --pool ci -- ${make} -s\n`)
    const result = await run([make, '-sf', 'outer', '-j2'], { cwd: dir, env })
    expect(result).toMatchObject(quiet)
    expect(sleeping()).toEqual([Number(result.stdout)])
    expect(await host.status()).toMatchObject({ free: 3, members: [], reclaimed: 0, overReturned: 0 })
    endDaemon(result.stdout)
  })
})

describe('a broker', () => {
  test("that was started within $( ) has the caller's output closed", async () => {
    const n = named()
    const script = `out=$(${jobslot} acquire --pool ci -- echo held); echo "$out, and back"`
    const result = await run(['sh', '-c', script], { env: { ...n.env, NODE_EXTRA_CA_CERTS: undefined } })
    expect(result).toEqual({ ...quiet, stdout: 'held, and back\n' })
    expect(n.brokers()).toHaveLength(1)
  })

  test('that was started in a recipe has no end of the jobserver', async (ctx) => {
    const make = requireTool('make43', ctx)
    const n = named()
    const dir = tempDir()
    writeFileSync(join(dir, 'Makefile'), `all: a b\na b:\n\t+@${jobslot} acquire --pool ci -- true\n`)
    const env = { ...n.env, NODE_EXTRA_CA_CERTS: undefined }
    const result = await run([make, '-sj2'], { cwd: dir, env })
    // make waits for all who hold its pipe open before it ends, and tells of tokens that are missing.
    expect(result).toEqual({ ...quiet, stdout: '' })
    expect(n.brokers()).toHaveLength(1)
  })
})

test('a slot that is held for a script holds neither its output nor its pipe', async () => {
  const n = named()
  const host = await n.connect('ci', { slots: 1 })
  const script = `id=$(${jobslot} acquire --pool ci --for $$); echo "$id"; exec >&- 2>&-; sleep 2`
  const env = { ...n.env, NODE_EXTRA_CA_CERTS: undefined }
  const { stdout, stderr } = await run(['sh', '-c', script], { env })
  expect({ stdout, stderr }).toEqual({ stdout: expect.stringMatching(/^ci\/\d+\n$/), stderr: '' })
  await waitFor(async () => (await host.status()).free === 1, 3000)
})
