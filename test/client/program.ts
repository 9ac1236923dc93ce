import { cpSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { libraryFile, packageDir } from '../support/cli.ts'
import type { JobserverCommand, Report } from '../support/jobserver.ts'
import type { Result, RunOptions } from '../support/processes.ts'
import { run, start, tempDir, waitFor } from '../support/processes.ts'

/** A module of the library as it is built, for `import` in a program. */
export function built(module = 'index.js', file = libraryFile): string {
  return pathToFileURL(join(dirname(file), module)).href
}

/** The command that runs `code` as a module of plain JavaScript, with `connect` and `worker(code)` in reach. */
export function program(code: string, library = built(), flags: readonly string[] = []): string[] {
  const prelude = `import { connect } from '${library}'
    import { parentPort, Worker } from 'node:worker_threads'
    const worker = (code) => new Worker(prelude + code, { eval: true })
  `
  const module = `${prelude}const prelude = ${JSON.stringify(prelude)}\n${code}`
  return [process.execPath, ...flags, '--input-type=module', '-e', module]
}

/** Runs `code` under a jobserver. `said` is the last line of its output, which is JSON. */
export async function runUnder(
  jobserver: JobserverCommand,
  code: string,
  options: RunOptions = {},
): Promise<Result & { said: unknown; report: Report }> {
  const result = await run(jobserver.around(program(code)), options)
  return { ...result, said: said(result), report: jobserver.report() }
}

/** Runs `code`; it has to end well. Returns the last line of its output, which is JSON. */
export async function runAlone(code: string, options: RunOptions = {}): Promise<unknown> {
  const result = await run(program(code), options)
  if (result.code !== 0) throw new Error(`the program ended with ${result.code ?? result.signal}\n${result.stderr}`)
  return said(result)
}

/** Starts `code` and waits until it writes `ready PID` to stderr. `server` is the process that has the jobserver. */
export async function startUnder(jobserver: JobserverCommand, code: string, flags: readonly string[] = []) {
  const running = start(jobserver.around(program(code, built(), flags)))
  const ready = () => /^ready (\d+)$/m.exec(running.stderr())
  await waitFor(() => ready() !== null, 10_000, 'the program says that it is ready')
  return { ...running, server: running.pid, pid: Number(ready()?.[1]) }
}

/** The package once more, elsewhere: what a program gets when two of its dependencies bring their own. */
export function copyOfPackage({ addon = true } = {}): string {
  const copy = join(tempDir(), 'jobslot')
  for (const name of ['dist', 'package.json', ...(addon ? ['build/Release/jobslot.node'] : [])]) {
    cpSync(join(packageDir, name), join(copy, name), { recursive: true })
  }
  symlinkSync(join(packageDir, 'node_modules'), join(copy, 'node_modules'))
  return join(copy, 'dist/index.js')
}

function said({ stdout }: Result): unknown {
  const line = stdout.trimEnd().split('\n').at(-1)
  return line ? JSON.parse(line) : undefined
}
