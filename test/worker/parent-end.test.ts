import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { waitFor } from '../support/processes.ts'
import { isAlive, processesOf, project } from './project.ts'

describe('the parent', () => {
  test('may end while its worker is idle, and the worker ends with it', async () => {
    const p = project()
    const { code, stderr, ms } = await p.run(`
      const worker = await startWorker(module)
      await worker.call('echo', 1)
      worker.notify('log', 'as it ends')`)
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^(worker: as it ends\n)?$/)])
    expect(ms).toBeLessThan(5000)
    await waitFor(() => processesOf(p.dir).length === 0)
  })

  test('is kept alive by a call that waits, until its timeout', async () => {
    const p = project()
    const { said, code } = await p.run(`
      const worker = await startWorker(module)
      const from = performance.now()
      failure(worker.call('never', null, { timeout: 700 })).then(({ code }) => say([code, performance.now() - from >= 699]))`)
    expect([said, code]).toEqual([[['ERR_JOBSLOT_TIMEOUT', true]], 0])
  })

  test.each(['process.exit(0)', 'throw new Error("at its end")', 'process.kill(process.pid, "SIGTERM")'])(
    'ends by %s: no worker is left, not even one that is stuck',
    async (end) => {
      const p = project()
      await p.run(`
        const workers = [await startWorker(module), await startWorker(module)]
        await workers[1].call('spinSoon')
        await sleep(50)
        ${end}`)
      await waitFor(() => processesOf(p.dir).length === 0, 1500)
    },
  )

  test('a worker thread that is terminated leaves none either', async () => {
    const p = project()
    const { code, stderr } = await p.run(`
      const { Worker } = await import('node:worker_threads')
      fs.writeFileSync(new URL('./thread.mjs', import.meta.url), \`
        import { startWorker } from 'jobslot/worker'
        import { parentPort } from 'node:worker_threads'
        const worker = await startWorker(new URL('./worker.mjs', import.meta.url))
        worker.notify('flood', 20)
        parentPort.postMessage(await worker.call('about'))
      \`)
      for (let i = 0; i < 3; i++) {
        const thread = new Worker(new URL('./thread.mjs', import.meta.url))
        const { pid } = await new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject))
        if (i < 2) await thread.terminate()
        else await new Promise((resolve) => thread.once('exit', resolve))
        for (let j = 0; fs.existsSync('/proc/' + pid) && !fs.readFileSync('/proc/' + pid + '/stat', 'utf8').includes(') Z '); j++) {
          if (j > 100) throw new Error('it lives on')
          await sleep(20)
        }
      }`)
    expect([code, stderr.match(/warning.*/i)]).toEqual([0, null])
  })
})

describe('SIGKILL of the parent ends', () => {
  test('a worker whose module never comes to an end, and what it started', async () => {
    const p = project()
    p.file(
      'stuck.mjs',
      `import { spawn } from 'node:child_process'
      spawn('sleep', ['61'], { stdio: 'ignore' })
      console.log('stuck')
      for (;;);`,
    )
    const parent = p.start(`startWorker(new URL('./stuck.mjs', import.meta.url))`)
    await waitFor(() => parent.stderr().includes('stuck: stuck'), 10_000)
    const [worker] = processesOf(p.dir).filter((pid) => pid !== parent.pid)
    process.kill(parent.pid, 'SIGKILL')
    const from = performance.now()
    await waitFor(() => !isAlive(worker as number), 2000)
    expect(performance.now() - from).toBeLessThan(1000)
  })

  // One that is idle and one in `for(;;)`, in each of 100 parents; so many at once as keeps the machine's load bearable.
  test('its workers in less than a second, 100 times in a row', { timeout: 300_000, retry: 0 }, async () => {
    const p = project()
    const times: number[] = []
    const once = async () => {
      const parent = p.start(`
        const workers = await Promise.all([startWorker(module), startWorker(module)])
        await workers[1].call('spinSoon')
        await sleep(30)
        say(workers.map(({ pid }) => pid))
        await sleep(60_000)`)
      const pids = (await parent.says()) as number[]
      process.kill(parent.pid, 'SIGKILL')
      const from = performance.now()
      while (pids.some(isAlive) && performance.now() - from < 5000) await sleep(5)
      times.push(performance.now() - from)
    }
    for (let i = 0; i < 100; i += 2) await Promise.all([once(), once()])
    expect(times).toHaveLength(100)
    expect(times.filter((ms) => ms >= 1000)).toEqual([])
  })
})
