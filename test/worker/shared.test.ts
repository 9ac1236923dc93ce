import { closeSync, existsSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { waitFor } from '../support/processes.ts'
import { isAlive, leftIn, processesOf, project } from './project.ts'

const CONNECT = `const worker = await connectWorker('w', { module, idle: 200 })`
/** A worker that has ended leaves its lock, free, to the next start of any. */
const filesIn = (workers: string) => leftIn(workers).filter((name) => !name.endsWith('.lock'))
const noneLeft = (p: ReturnType<typeof project>) =>
  waitFor(() => processesOf(p.dir).length === 0 && filesIn(p.workers).length === 0, 5000, 'no process, no file is left')

describe('a shared worker', () => {
  test('is started by the first, joined by the second, and ends a while after the last', async () => {
    const p = project()
    const first = p.start(`${CONNECT}\n say([worker.pid, (await worker.call('about')).pid]); await sleep(60_000)`)
    const [pid, same] = (await first.says()) as [number, number]
    expect(same).toBe(pid)
    const second = await p.run(
      `${CONNECT}\n say([worker.pid, await worker.call('client') === process.pid, worker.name])`,
    )
    expect(second.said).toEqual([[pid, true, 'w']])
    expect(second.ms).toBeLessThan(5000)
    expect(isAlive(pid)).toBe(true)
    process.kill(first.pid, 'SIGTERM')
    const from = performance.now()
    await noneLeft(p)
    expect(performance.now() - from).toBeLessThan(1500)
  })

  test('comes of 50 starters at once as one', { timeout: 120_000, retry: 0 }, async () => {
    const p = project()
    const starters = Array.from({ length: 5 }, () =>
      p.start(
        `
        const workers = await Promise.all(Array.from({ length: 10 }, () => connectWorker('w', { module, idle: 2000 })))
        say(await Promise.all(workers.map((worker) => worker.call('about').then(({ pid }) => pid))))
        fs.readFileSync(0)`,
        { timeout: 60_000 },
      ),
    )
    const pids = (await Promise.all(starters.map((starter) => starter.says()))) as number[][]
    expect(new Set(pids.flat()).size).toBe(1)
    expect(pids.flat()).toHaveLength(50)
    await Promise.all(starters.map(({ result }) => result))
    await noneLeft(p)
  })

  test('comes of 50 processes at once as one', { timeout: 120_000, retry: 0 }, async () => {
    const p = project()
    const starters = Array.from({ length: 50 }, () =>
      p.start(
        `
        const worker = await connectWorker('w', { module, idle: 5000 })
        say((await worker.call('about')).pid)`,
        { timeout: 100_000 },
      ),
    )
    const pids = await Promise.all(starters.map((starter) => starter.says()))
    expect(new Set(pids).size).toBe(1)
    await Promise.all(starters.map(({ result }) => result))
    await waitFor(() => filesIn(p.workers).length === 0 && processesOf(p.dir).length === 0, 8000, 'nothing is left')
  })

  test('that is ending is not joined but followed by another', async () => {
    const p = project()
    const { said, code } = await p.run(`
      for (let i = 0; i < 30; i++) {
        const worker = await connectWorker('w', { module, idle: 1 })
        if (await worker.call('echo', i) !== i) throw new Error('wrong answer')
        await worker.close()
        await sleep(Math.random() * 12)
      }
      say('done')`)
    expect([said, code]).toEqual([['done'], 0])
    await noneLeft(p)
  })

  test('outlives who started it: its process group, and every process that carries its environment', async () => {
    const p = project()
    const cookie = `cookie-${process.pid}-${Math.random()}`
    const env = {
      BUILD_ID: cookie,
      RUNNER_TRACKING_ID: cookie,
      JENKINS_NODE_COOKIE: cookie,
      MAKEFLAGS: '-j4',
      NODE_OPTIONS: '--no-warnings',
      TMPDIR: p.dir,
      LC_TIME: 'C',
    }
    const log = openSync(join(p.dir, 'ci.log'), 'w')
    const starter = p.start(
      `const worker = await connectWorker('w', { module, idle: 300, env: { NAMED: 'yes' } })
      say(worker.pid); await sleep(60_000)`,
      { env },
    )
    closeSync(log)
    const pid = (await starter.says()) as number
    const other = p.start(
      `${CONNECT}
      const worker2 = worker
      say('joined')
      process.stdin.once('data', () => {})
      for (;;) { await sleep(20); if (fs.existsSync('killed')) break }
      say(await worker.call('about'))`,
      { cwd: p.dir },
    )
    await other.says()
    process.kill(-starter.pid, 'SIGKILL')
    for (const name of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        if (readFileSync(`/proc/${name}/environ`, 'latin1').includes(cookie)) process.kill(Number(name), 'SIGKILL')
      } catch {
        // Not ours, or gone.
      }
    }
    await waitFor(() => !isAlive(starter.pid))
    p.file('killed', '')
    const about = (await other.says(2)) as {
      pid: number
      cwd: string
      session: string
      env: Record<string, string>
      execArgv: string[]
    }
    expect(about).toMatchObject({ pid, cwd: '/', session: String(pid), execArgv: [] })
    expect(about.env).toMatchObject({
      NAMED: 'yes',
      LC_TIME: 'C',
      PATH: process.env.PATH,
      JOBSLOT_DIR: join(p.dir, 'state'),
    })
    expect(Object.keys(about.env).filter((name) => /BUILD|RUNNER|JENKINS|MAKE|NODE|TMP|WORKER|npm/.test(name))).toEqual(
      [],
    )
    await other.result
    await noneLeft(p)
  })

  test('inherits no descriptor, be it a log or a jobserver; a worker of its starter changes nothing for others', async () => {
    const p = project()
    const held = openSync(p.file('held', 'held'), 'r')
    const { spawn } = await import('node:child_process')
    const program = p.file(
      'inherits.mjs',
      `import { connectWorker } from 'jobslot/worker'
      import { spawnSync } from 'node:child_process'
      const worker = await connectWorker('w', { module: new URL('./worker.mjs', import.meta.url), idle: 100 })
      const fds = await worker.call('fds')
      const after = spawnSync('readlink', ['/proc/self/fd/20', '/proc/self/fd/251'], { encoding: 'utf8' }).stdout
      console.log(JSON.stringify({ fds, after }))`,
    )
    const stdio: ('ignore' | 'inherit' | 'pipe' | number)[] = ['ignore', 'pipe', 'inherit']
    for (let fd = 3; fd < 252; fd++) stdio.push(fd === 7 || fd === 20 || fd === 21 || fd === 251 ? held : 'ignore')
    const child = spawn(process.execPath, [program], {
      stdio,
      env: { ...process.env, JOBSLOT_DIR: join(p.dir, 'state') },
    })
    let text = ''
    child.stdout?.setEncoding('utf8').on('data', (more) => {
      text += more
    })
    await new Promise((resolve) => child.on('close', resolve))
    closeSync(held)
    const { fds, after } = JSON.parse(text) as { fds: [number, string][]; after: string }
    expect(fds.filter(([, target]) => target.endsWith('/held'))).toEqual([])
    expect(fds.filter(([fd]) => fd <= 2).map(([, target]) => target.replace(/.*\./, '.'))).toEqual([
      '/dev/null',
      '.log',
      '.log',
    ])
    // What the starter had for its children it still has.
    expect(after).toBe(`${join(p.dir, 'held')}\n`.repeat(2))
    await noneLeft(p)
  })

  test('that dies rejects the calls of all, with what is known of it; the next one starts anew', async () => {
    const p = project()
    const starter = p.start(`${CONNECT}
      say(worker.pid)
      say(await failure(worker.call('never')))
      say(await worker.exited)
      const again = await connectWorker('w', { module, idle: 200 })
      say([again.pid !== worker.pid, (await failure(worker.call('echo'))).code, await again.call('echo', 'again')])`)
    await starter.says()
    const { said } = await p.run(`${CONNECT}
      await worker.call('print', 'last words\\n')
      const call = failure(worker.call('die', 'SIGKILL'))
      say(await call); say(await worker.exited)`)
    expect(said).toEqual([
      expect.objectContaining({
        code: 'ERR_JOBSLOT_WORKER_EXITED',
        exitCode: null,
        signal: null,
        output: 'last words',
      }),
      { code: null, signal: null },
    ])
    expect(await starter.says(2)).toMatchObject({
      code: 'ERR_JOBSLOT_WORKER_EXITED',
      signal: 'SIGKILL',
      output: 'last words',
    })
    expect(await starter.says(3)).toEqual({ code: null, signal: 'SIGKILL' })
    expect(await starter.says(4)).toEqual([true, 'ERR_JOBSLOT_WORKER_EXITED', 'again'])
    await starter.result
    await noneLeft(p)
  })

  test('that exits tells everyone its status', async () => {
    const p = project()
    const starter = p.start(`${CONNECT}\n say(1); say((await failure(worker.call('never'))).exitCode)`)
    await starter.says()
    const { said } = await p.run(
      `${CONNECT}\n say((await failure(worker.call('exit', 9))).exitCode); say(await worker.exited)`,
    )
    expect([said, await starter.says(2)]).toEqual([[9, { code: 9, signal: null }], 9])
    await starter.result
  })

  test('that is stuck can be killed by any user, and ends without users all the same', async () => {
    const p = project()
    const { said } = await p.run(`${CONNECT}
      const stuck = failure(worker.call('spin'))
      await sleep(50)
      say(worker.kill()); say((await stuck).signal); say(worker.kill())
      const again = await connectWorker('w', { module, idle: 100 })
      again.call('spinSoon'); await sleep(100)`)
    expect(said).toEqual([true, 'SIGKILL', false])
    await waitFor(() => processesOf(p.dir).length === 0, 4000)
    // What it left is cleared by the next start of any.
    await p.run(`await (await connectWorker('other', { module, idle: 1 })).close()`)
    await waitFor(() => !leftIn(p.workers).some((name) => /^w-.*(sock|lock)|sock/.test(name)), 5000)
  })

  test('whose module is stuck before it serves ends when its starter has gone and its time is over', async () => {
    const p = project()
    p.file('stuck.mjs', 'for (;;);')
    const starter = p.start(`connectWorker('w', { module: new URL('./stuck.mjs', import.meta.url), timeout: 1000 })`)
    await waitFor(() => processesOf(p.dir).length === 2)
    process.kill(starter.pid, 'SIGKILL')
    await waitFor(() => processesOf(p.dir).length === 0, 4000)
  })

  test('that cannot start says why, and leaves nothing', async () => {
    const p = project()
    p.file('throws.mjs', 'console.log("before"); throw new Error("at the top")')
    p.file('stuck.mjs', 'console.log("stuck"); for (;;);')
    const { said } = await p.run(
      `
      say(await failure(connectWorker('w', { module: './throws.mjs', log: false })))
      say(await failure(connectWorker('w', { module: './stuck.mjs', timeout: 500, log: false })))
      say((await failure(connectWorker('w', { module: './stuck.mjs', signal: AbortSignal.timeout(300), log: false }))).name)`,
      { cwd: p.dir },
    )
    expect(said).toEqual([
      expect.objectContaining({
        code: 'ERR_JOBSLOT_WORKER_EXITED',
        exitCode: 1,
        output: expect.stringContaining('at the top'),
      }),
      expect.objectContaining({ code: 'ERR_JOBSLOT_TIMEOUT' }),
      'TimeoutError',
    ])
    await waitFor(() => processesOf(p.dir).length === 0)
    expect(leftIn(p.workers).filter((name) => !name.endsWith('.log'))).toEqual([])
  })

  test('prints to the stderr of each of its users, but for those who want it not', async () => {
    const p = project()
    const user = (more: string) => `const worker = await connectWorker('w', { module, idle: 300 ${more} })
      say(1); while (!fs.existsSync('over')) await sleep(10)`
    const users = ['', '', ', log: false'].map((more) => p.start(user(more), { cwd: p.dir }))
    await Promise.all(users.map((one) => one.says()))
    await p.run(`${CONNECT}\n await worker.call('log', 'to all'); await worker.call('print', 'half')`)
    p.file('over', '')
    const said = (await Promise.all(users.map(({ result }) => result))).map(({ stderr }) => stderr)
    expect(said).toEqual(['w: to all\nw: half\n', 'w: to all\nw: half\n', ''])
    await noneLeft(p)
  })

  test('keeps its log short, and says what is gone', async () => {
    const p = project()
    const { said } = await p.run(`const worker = await connectWorker('w', { module, idle: 200, log: false })
      await worker.call('flood', 100)
      await sleep(200)
      const dir = process.env.JOBSLOT_DIR + '/workers/'
      const [log] = fs.readdirSync(dir).filter((name) => name.endsWith('.log'))
      say([fs.statSync(dir + log).size, fs.readFileSync(dir + log, 'utf8').split('\\n').find((line) => line.startsWith('…'))])`)
    const [size, first] = said[0] as [number, string]
    expect(size).toBeLessThan(2e6)
    expect(first).toMatch(/^… \d+ lines \(\d+ bytes\) dropped$/)
  })

  test('lives in a folder of the user alone, whatever its name and however long the path', async () => {
    const p = project()
    const long = join(p.dir, 'x'.repeat(120))
    const { said } = await p.run(
      `
      const names = ['../..', 'ä/\\n', '', 'x'.repeat(3000), 'a', 'A']
      const workers = await Promise.all(names.map((name) => connectWorker(name, { module, idle: 100, log: false })))
      say(new Set(workers.map(({ pid }) => pid)).size)
      say(await Promise.all(workers.map((worker, i) => worker.call('echo', i))))
      const joined = await connectWorker('a', { module })
      say(joined.pid === workers[4].pid)
      say((fs.statSync(process.env.JOBSLOT_DIR + '/workers').mode & 0o777).toString(8))`,
      { env: { JOBSLOT_DIR: long } },
    )
    expect(said).toEqual([6, [0, 1, 2, 3, 4, 5], true, '700'])
    await waitFor(() => processesOf(p.dir).length === 0 && filesIn(join(long, 'workers')).length === 0)
    const shut = await p.run(
      `
      fs.chmodSync(process.env.JOBSLOT_DIR + '/workers', 0o755)
      say((await failure(connectWorker('w', { module }))).code)`,
      { env: { JOBSLOT_DIR: long } },
    )
    expect(shut.said).toEqual(['ERR_JOBSLOT_STATE_DIR'])
  })

  test('clears a stale socket, and what killed workers of other names left', async () => {
    const p = project()
    await p
      .run(`const worker = await connectWorker('w', { module, idle: 10_000, log: false }); say(worker.pid)`)
      .then(({ said }) => process.kill(said[0] as number, 'SIGKILL'))
    await waitFor(() => processesOf(p.dir).length === 0)
    expect(leftIn(p.workers).filter((name) => name.endsWith('.sock'))).toHaveLength(1)
    const { said } = await p.run(`const worker = await connectWorker('other', { module, idle: 10 })
      say(fs.readdirSync(process.env.JOBSLOT_DIR + '/workers').filter((name) => name.endsWith('.sock')).map((name) => name.slice(0, 5)))`)
    expect(said).toEqual([['other']])
  })
})

test('it works from a worker thread, and in a program that requires it', async () => {
  const p = project()
  p.file(
    'common.cjs',
    `const { connectWorker, startWorker } = require('jobslot/worker')
    const { isMainThread, Worker } = require('node:worker_threads')
    const module_ = __dirname + '/worker.mjs'
    async function main() {
      const own = await startWorker(module_)
      const shared = await connectWorker('w', { module: module_, idle: 200 })
      console.log(JSON.stringify([isMainThread, await own.call('echo', 1), await shared.call('echo', 2)]))
      if (isMainThread) new Worker(__filename)
    }
    main()`,
  )
  const { run } = await import('../support/processes.ts')
  const { stdout, code } = await run([process.execPath, join(p.dir, 'common.cjs')], {
    env: { JOBSLOT_DIR: join(p.dir, 'state') },
  })
  expect([code, stdout]).toEqual([0, '[true,1,2]\n[false,1,2]\n'])
  await noneLeft(p)
  expect(existsSync(p.workers) && statSync(p.workers).isDirectory()).toBe(true)
  await sleep(0)
})
