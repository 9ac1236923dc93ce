import { execFileSync, spawn } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { built } from '../client/program.ts'
import { run, scrubbed, tempDir, waitFor } from '../support/processes.ts'
import { linesOf, testStore } from './folder.ts'

/** A library that makes syncs of data fail while this C expression is true. */
function failingSyncs(when: string): string {
  const library = join(tempDir(), 'failing.so')
  const source = `#define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <stdlib.h>
    #include <time.h>
    #include <unistd.h>
    int fdatasync(int fd) {
      static int (*real)(int);
      if (!real) { real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync"); srandom(getpid() ^ time(0)); }
      if (${when}) { errno = EIO; return -1; }
      return real(fd);
    }`
  execFileSync('cc', ['-shared', '-fPIC', '-x', 'c', '-o', library, '-', '-ldl'], { input: source })
  return library
}

test('a sync that fails in one process loses nothing that any was answered', async () => {
  const store = await testStore()
  const env = scrubbed(process.env, { LD_PRELOAD: failingSyncs('random() % 12 == 0') })
  const party = (role: string, own: NodeJS.ProcessEnv) => {
    const argv = [join(import.meta.dirname, 'party.mjs'), built('store.js'), store.dir, role, 'disk']
    const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'], env: own })
    onTestFinished(() => {
      child.kill('SIGKILL')
    })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const ended = new Promise((resolve) => child.once('close', resolve))
    return { child, ended, words: () => said.split('\n').map((line) => line.split(' ')) }
  }
  // Some see their syncs fail, others only what comes of it.
  const creators = [party('create', env), party('create', scrubbed(process.env))]
  const workers = [party('work', env), party('work', scrubbed(process.env))]
  const created = () => creators.flatMap(({ words }) => words().filter(([word]) => word === 'created'))
  await waitFor(
    () => created().length > 600 && readdirSync(store.dir).includes('journal-0000000004'),
    50_000,
    'jobs are created, and segments given up',
  )
  for (const { child } of creators) child.stdin.end()
  await Promise.all(creators.map(({ ended }) => ended))
  await waitFor(
    async () => {
      const { pending, active } = await store.stats()
      return pending + active === 0
    },
    30_000,
    'all jobs are finished',
  )
  for (const { child } of workers) child.stdin.end()
  await Promise.all(workers.map(({ ended }) => ended))
  for (const [, id] of created()) expect(await store.get(id!)).toMatchObject({ state: 'fulfilled' })
  expect(await store.verify()).toMatchObject({ ok: true })
  expect(linesOf(store.dir, 1).at(-1)).toMatchObject({ op: 'seal', from: expect.any(Number) })
  const errors = workers.flatMap(({ words }) => words().filter(([word]) => word === 'error'))
  expect(errors).toEqual([])
})

// As when a process that was late fails to sync a segment that others have left behind.
test('a failed sync is not forgotten when one of an earlier segment fails behind it', async () => {
  const dir = tempDir()
  for (const name of ['lock', 'mark', 'journal-7', 'journal-8']) writeFileSync(join(dir, name), '')
  const failing = join(dir, 'failing')
  const code = `
    import { rmSync, writeFileSync } from 'node:fs'
    import { native } from '${built('native/load.js')}'
    const binding = native()
    const line = Buffer.from('00000000 {"n":1}\\n')
    const open = (segment) => {
      const handle = binding.openJournal('${dir}', 'this')
      binding.useSegment(handle, '${dir}/journal-' + segment, segment)
      return handle
    }
    const sync = (handle, segment) => new Promise((resolve) => {
      const started = binding.syncJournal(handle, segment * 2 ** 32 + line.length, resolve)
      if (started < 0) resolve(started)
    })
    const [one, late] = [open(8), open(7)]
    for (const handle of [one, late]) binding.appendJournal(handle, line, line.length, 0)
    writeFileSync('${failing}', '')
    const told = [await sync(one, 8), await sync(late, 7)]
    rmSync('${failing}')
    told.push(await sync(open(8), 8), await sync(one, 8))
    console.log(JSON.stringify(told))`
  const library = failingSyncs(`access("${failing}", F_OK) == 0`)
  const { stdout, stderr } = await run([process.execPath, '--input-type=module', '-e', code], {
    env: { LD_PRELOAD: library },
  })
  expect({ told: stdout.trim(), stderr }).toEqual({ told: '[-5,-5,-5,-5]', stderr: '' })
})
