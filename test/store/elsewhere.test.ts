import { execFileSync, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { requireProgram } from '../cli/recipes.ts'
import { built } from '../client/program.ts'
import { needRoot } from '../lock/needs.ts'
import { run, scrubbed, tempDir, waitFor } from '../support/processes.ts'
import { testStore } from './folder.ts'

/** A program that opens a store, and says how that went. */
const opening = (dir: string, then: string): string[] => [
  process.execPath,
  '--input-type=module',
  '-e',
  `import { JobStore } from '${built('store.js')}'
   try {
     const store = await JobStore.open({ dir: ${JSON.stringify(dir)} })
     ${then}
   } catch ({ code, message }) {
     console.log(code, message)
   }`,
]

describe('a network file system', () => {
  // It cannot be mounted here, so fstatfs(2) is made to say that it is one: NFS, CIFS, 9P, Ceph.
  test.each([0x6969, 0xff534d42, 0x01021997, 0x00c36400])('is refused: type %i', async (type) => {
    const library = join(tempDir(), 'remote.so')
    const source = `#include <sys/vfs.h>
      #include <string.h>
      int fstatfs(int fd, struct statfs *into) { (void)fd; memset(into, 0, sizeof *into); into->f_type = ${type}; return 0; }`
    execFileSync('cc', ['-shared', '-fPIC', '-x', 'c', '-o', library, '-'], { input: source })
    const store = await testStore()
    await store.create('x')
    await store.close()
    const before = readdirSync(store.dir)
    const { stdout } = await run(opening(store.dir, 'console.log("opened")'), { env: { LD_PRELOAD: library } })
    expect(stdout).toMatch(/^ERR_JOBSLOT_STORE .*network file system.*use a local disk/)
    expect(readdirSync(store.dir)).toEqual(before)
    // Nor does anything stay where there was nothing.
    const empty = tempDir()
    await run(opening(empty, 'console.log("opened")'), { env: { LD_PRELOAD: library } })
    expect(readdirSync(empty)).toEqual([])
    const again = await openStore({ dir: store.dir })
    expect((await again.list()).jobs.length).toBe(1)
    await again.close()
  })
})

describe('another PID namespace', () => {
  const under = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']

  test('is refused a store that is open here, and the other way round', async (ctx) => {
    needRoot(ctx)
    requireProgram('unshare', ctx)
    const store = await testStore()
    const inside = await run([...under, ...opening(store.dir, 'console.log("opened"); await store.close()')])
    const refused = /^ERR_JOBSLOT_STORE .*in another PID namespace.*close it there first/
    expect(inside.stdout).toMatch(refused)
    await store.create('x')
    await store.close()

    const holding = opening(store.dir, 'console.log("opened"); setInterval(() => {}, 1000)')
    const owner = spawn('unshare', [...under.slice(1), ...holding], { env: scrubbed(process.env) })
    onTestFinished(() => {
      owner.kill('SIGKILL')
    })
    let said = ''
    owner.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await waitFor(() => said !== '', 20_000)
    expect(said).toBe('opened\n')
    await expect(openStore({ dir: store.dir })).rejects.toMatchObject({
      code: 'ERR_JOBSLOT_STORE',
      message: expect.stringMatching(/another PID namespace/),
    })
    // When it has ended, whatever way, nothing is in the way.
    owner.kill('SIGKILL')
    await waitFor(
      () =>
        openStore({ dir: store.dir }).then(
          async (again) => {
            expect((await again.list()).jobs.length).toBe(1)
            await again.close()
            return true
          },
          () => false,
        ),
      20_000,
    )
  })
})
