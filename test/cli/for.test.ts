import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { hasEnded, readProcess } from '../../src/proc.ts'
import { named, processesWhere } from '../broker/named.ts'
import { newState } from '../real/state.ts'
import { cli } from '../support/cli.ts'
import { distinctTokens, fifoJobserver, sortedHex } from '../support/jobserver.ts'
import { run, start, tempDir, waitFor } from '../support/processes.ts'
import { acquire, build, buildAsClient, jobserverOf, makes, requireProgram } from './recipes.ts'

const release = `${cli.join(' ')} release`

/** The processes that keep slots for others, with this state folder. */
const keepers = (dir: string) =>
  processesWhere(
    (pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('jobslot keep') &&
      readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`JOBSLOT_DIR=${dir}`),
  )

/** A shell script under a jobserver of three slots, and what it has left. */
function underThree(script: string, shell = 'sh') {
  const state = newState()
  const cwd = tempDir()
  const jobserver = fifoJobserver(tempDir(), distinctTokens(2))
  const env = { ...state.env, MAKEFLAGS: jobserver.makeflags }
  const running = start([shell, '-c', script], { cwd, env })
  const allBack = async () => {
    await waitFor(() => keepers(state.env.JOBSLOT_DIR).length === 0)
    expect(jobserver.drain()).toBe(sortedHex(distinctTokens(2)))
    expect(state.left()).toEqual([])
  }
  return { ...running, cwd, jobserver, allBack, keepers: () => keepers(state.env.JOBSLOT_DIR) }
}

describe('acquire --for, under a jobserver', () => {
  test('prints an id, and holds the slot until release or the end of the process', async () => {
    const script =
      `a=$(${acquire} --for $$) b=$(${acquire} --for $$); c=$(${acquire} -n --for $$); echo "$a $b $c"; ` +
      `${acquire} -n true; echo $?; ${release} $b; ${acquire} -n true; echo $?`
    const { result, allBack } = underThree(script)
    const { code, stdout, stderr } = await result
    expect(stdout).toMatch(/^(keeper:\d+-\d+ ?){3}\n75\n0\n$/)
    expect(stderr).toMatch(/^jobslot: not enough slots are free at this moment\n$/)
    expect(code).toBe(0)
    await allBack()
  })

  test('several slots at once are one id', async () => {
    const { result, allBack } = underThree(
      `a=$(${acquire} -c 3 --for $$); ${acquire} -n true; ${release} $a && ${acquire} -n -c3 echo all`,
    )
    expect((await result).stdout).toBe('all\n')
    await allBack()
  })

  test('a process that is killed holds nothing any more', async () => {
    const { child, cwd, keepers, allBack, result } = underThree(`${acquire} -c 3 --for $$; touch held; sleep 60`)
    await waitFor(() => existsSync(join(cwd, 'held')), 10_000)
    expect(keepers()).toHaveLength(1)
    child.kill('SIGKILL')
    const from = performance.now()
    await allBack()
    expect(performance.now() - from).toBeLessThan(1000)
    process.kill(-child.pid!, 'SIGKILL')
    await result
  })

  test('nothing of the caller stays open, and no descriptor that it handed down', async (ctx) => {
    // Other shells know no numbers of two digits.
    requireProgram('bash', ctx)
    // Numbers that pass through a Node, and that a log may have.
    const script = `export RUNNER_TRACKING_ID=job; exec 20>log 250>log 9>log; id=$(${acquire} --for $$); echo "$id"; touch held; until [ -e end ]; do sleep 0.05; done`
    const { cwd, keepers, allBack, result, pid } = underThree(script, 'bash')
    await waitFor(() => existsSync(join(cwd, 'held')), 10_000)
    const of = (of: number) => readdirSync(`/proc/${of}/fd`).map((fd) => readlinkSync(`/proc/${of}/fd/${fd}`))
    const [keeper = 0] = keepers()
    const kept = of(keeper)
    expect(of(pid)).toContain(join(cwd, 'log'))
    expect(kept.filter((path) => of(pid).includes(path) && path !== '/dev/null')).toEqual([])
    expect(readlinkSync(`/proc/${keeper}/cwd`)).toBe('/')
    // What CI systems look for when they tidy up after a job.
    expect(readFileSync(`/proc/${keeper}/environ`, 'utf8')).not.toContain('RUNNER')
    // In a session of its own: what kills the caller's process group spares it.
    const session = (of: number) => readFileSync(`/proc/${of}/stat`, 'latin1').split(') ')[1]!.split(' ')[3]
    expect(session(keeper)).toBe(String(keeper))
    writeFileSync(join(cwd, 'end'), '')
    await result
    await allBack()
  })

  test('whoever gives up has nothing', async () => {
    const script = `${acquire} -c 3 --for $$ >/dev/null; ${acquire} -w 300ms --for $$; echo $?; ${acquire} -n -E 9 --for $$; echo $?`
    const { result, allBack } = underThree(script)
    const { stdout, stderr } = await result
    expect(stdout).toBe('75\n9\n')
    expect(stderr).toMatch(/^jobslot: no 1 slot of the jobserver .* within 0.3 s\njobslot: not enough slots .*\n$/)
    await allBack()
  })

  test.for(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('%s to one who waits leaves nothing', async (signal) => {
    const script = `${acquire} -c 3 --for $$; echo $$ > pid; exec ${acquire} --for 1`
    const { child, cwd, keepers, jobserver, result } = underThree(script)
    await waitFor(() => existsSync(join(cwd, 'pid')) && keepers().length === 2, 10_000)
    await sleep(300)
    child.kill(signal)
    expect(await result).toMatchObject({ signal })
    await waitFor(() => keepers().length === 0)
    expect(jobserver.drain()).toBe(sortedHex(distinctTokens(2)))
  })

  test('whoever waits is told of it after 2 s, on stderr', async () => {
    const script = `a=$(${acquire} -c 3 --for $$); (sleep 4; ${release} $a) & ${acquire} --for $$ >/dev/null; wait`
    const { result, allBack } = underThree(script)
    expect((await result).stderr).toMatch(/^jobslot: waiting for 1 slot of the jobserver .*, 0 free now\n$/)
    await allBack()
  })

  test('without a reader of the id there is no slot', async () => {
    const { result, allBack } = underThree(`${acquire} --for 1 | true`)
    await result
    await allBack()
  })

  test('the slot of the recipe is not held beyond it: for a process outside there are tokens', async () => {
    const inside = underThree(`${acquire} --for $$ >/dev/null; printf %s "$(${acquire} -n -c 2 echo two)"`)
    expect((await inside.result).stdout).toBe('two')
    await inside.allBack()
    const other = spawn('sleep', ['60'])
    onTestFinished(() => void other.kill())
    const outside = underThree(
      `sh -c '${acquire} -c 2 --for ${other.pid}; ${acquire} -n echo free; ${acquire} -n -c 2 true'; true`,
    )
    const { stdout } = await outside.result
    expect(stdout).toMatch(/^keeper:.*\nfree\n$/)
    other.kill()
    await outside.allBack()
  })

  test.for(makes)('in recipes of $name', async (make, ctx) => {
    const recipe = `+@id=$(${acquire} --for $$) && ${release} $id && ${acquire} true`
    const built = await build(Array<string>(4).fill(recipe), { make, slots: 2 }, ctx)
    expect(built).toMatchObject({ code: 0, stderr: '', left: [] })
    const killed = `+@sh -c '${acquire} -c 2 --for $$ >/dev/null; kill -9 $$'; sleep 0.5`
    const client = await buildAsClient([killed], { make, slots: 3 }, ctx)
    expect(client.tokens).toBe('++')
  })

  test('a pipe whose descriptors are high', async () => {
    const jobserver = jobserverOf('pipe', distinctTokens(2))
    const script = `a=$(${acquire} -c 3 --for $$) && ${release} $a && ${acquire} -n -c 3 echo all`
    const { stdout, stderr } = await run(jobserver.around(['sh', '-c', script]), newState())
    expect({ stdout, stderr }).toEqual({ stdout: 'all\n', stderr: '' })
    expect(jobserver.report().tokens).toBe(sortedHex(distinctTokens(2)))
  })

  test('where the jobserver cannot be used, the one slot', async () => {
    const state = newState()
    const env = { ...state.env, MAKEFLAGS: ' -j4 --jobserver-auth=97,98' }
    const script = `a=$(${acquire} --for $$); ${acquire} -n true; echo $?; ${release} $a; ${acquire} -n true; echo $?`
    const { stdout } = await run(['sh', '-c', script], { env })
    expect(stdout).toBe('75\n0\n')
    expect(await run(['sh', '-c', `${acquire} --strict --for $$`], { env })).toMatchObject({ code: 69, stdout: '' })
  })
})

test('no process of that number', async () => {
  const { code, stdout, stderr } = await run([...cli, 'acquire', '--for', '4194304'], newState())
  expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
  expect(stderr).toBe('jobslot: there is no process 4194304: it has ended, so nothing can be held for it\n')
})

describe('release', () => {
  test('of what is held no more, or never was', async () => {
    const { result, allBack } = underThree(`a=$(${acquire} --for $$); ${release} $a; ${release} $a; echo $?`)
    const { stdout, stderr } = await result
    expect(stdout).toBe('69\n')
    expect(stderr).toMatch(/^jobslot: slot keeper:\S+ is held no more: its process has ended, or it was released\n$/)
    await allBack()
  })

  test('an id that is made up harms no process', async () => {
    const other = spawn('sleep', ['60'])
    onTestFinished(() => void other.kill())
    const { startTime } = readProcess(other.pid!)!
    for (const id of [`keeper:${other.pid}-${startTime}`, `keeper:${other.pid}-1`, 'keeper:4194304-1']) {
      expect(await run([...cli, 'release', id], newState())).toMatchObject({ code: 69 })
    }
    expect(hasEnded(other.pid!)).toBe(false)
  })
})

describe('acquire --for, from a pool', () => {
  test('is held by no process of its own, until release or the end of the process', async () => {
    const n = named()
    const pool = `${cli.join(' ')} resize --pool ci 2`
    const script =
      `${pool}; a=$(${acquire} --pool ci --for $$); b=$(${acquire} --pool ci --for $$); echo $a $b; ` +
      `${acquire} --pool ci -n true; echo $?; ${release} $a; ${acquire} --pool ci -n true; echo $?; touch held; until [ -e end ]; do sleep 0.05; done`
    const cwd = tempDir()
    const { result } = start(['sh', '-c', script], { env: n.env, cwd })
    await waitFor(() => existsSync(join(cwd, 'held')), 20_000)
    expect(keepers(n.dir)).toEqual([])
    const status = async () =>
      JSON.parse((await run([...cli, 'status', '--pool', 'ci', '--json'], { env: n.env })).stdout)
    const held = { slots: 2, free: 1, members: [{ kind: 'acquire', base: 1 }] }
    expect(await status()).toMatchObject(held)
    // Nor by a broker: the next one, and whoever tidies up, finds it in the account.
    await waitFor(() => n.brokers().length === 0)
    expect(await run([...cli, 'acquire', '--pool', 'other', 'true'], { env: n.env })).toMatchObject({ code: 0 })
    await run([...cli, 'status'], { env: n.env })
    expect(await status()).toMatchObject(held)
    writeFileSync(join(cwd, 'end'), '')
    const { stdout, stderr } = await result
    expect(stdout).toMatch(/^ci\/\d+ ci\/\d+\n75\n0\n$/)
    expect(stderr).toBe('jobslot: no 1 slot of pool ci to be had at this moment\n')
    await waitFor(async () => (await status()).free === 2)
    await waitFor(() => n.brokers().length === 0)
    expect(n.left()).toEqual([])
  })

  test('of any name', async () => {
    const n = named()
    for (const name of ['my pool', 'x'.repeat(300), '../A']) {
      const script = `id=$(${acquire} "--pool=$0" --for $$); ${release} "$id" && echo back`
      const { stdout, stderr } = await run(['sh', '-c', script, name], { env: n.env })
      expect({ stdout, stderr }).toEqual({ stdout: 'back\n', stderr: '' })
    }
  })

  test('shows the process that it is held for', async () => {
    const n = named()
    const other = spawn('sleep', ['60'])
    onTestFinished(() => void other.kill())
    await run([...cli, 'acquire', '--pool', 'ci', '--for', String(other.pid)], { env: n.env })
    const { stdout } = await run([...cli, 'status', '--pool', 'ci', '--json'], { env: n.env })
    expect(JSON.parse(stdout).members).toMatchObject([{ pid: other.pid, label: `for process ${other.pid}` }])
  })

  test('a slot that a command holds is not released under it', async () => {
    const n = named()
    const script = `${release} $JOBSLOT_MEMBER; echo $?; ${release} ci/7; echo $?`
    const { stdout, stderr } = await run([...cli, 'acquire', '--pool', 'ci', 'sh', '-c', script], { env: n.env })
    expect(stdout).toBe('69\n69\n')
    expect(stderr.split('\n')).toHaveLength(3)
  })
})
