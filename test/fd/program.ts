import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { packageDir } from '../support/cli.ts'
import type { Env } from '../support/processes.ts'
import { scrubbed, waitFor } from '../support/processes.ts'

/** A module of the library as it is built. */
const built = (name: string): string => `${pathToFileURL(join(packageDir, 'dist')).href}/${name}`

/** The environment for what uses the addon: where another build of it is tested, what is started loads that one too. */
export const addonEnv = (): Env => scrubbed(process.env, { JOBSLOT_PREBUILD: process.env.JOBSLOT_PREBUILD })

export interface Program {
  pid: number
  child: ChildProcess
  /** What it has said by now. */
  said: unknown[]
  /** Waits until it has said so many things, and returns the last of them. */
  says(count?: number): Promise<unknown>
  /** Settles at its end, which has to be a good one: fails otherwise, with what it wrote to standard error. */
  ended: Promise<unknown[]>
  /** Settles at its end, whatever that is. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string; at: number }>
}

export interface ProgramOptions {
  /** What becomes descriptors 3, 4 and so on: their descriptions are shared with this process. */
  fds?: readonly number[]
  /** Words before the command: a program that runs it. */
  under?: readonly string[]
}

/**
 * Runs `code` as a module of plain JavaScript in a Node of its own. In reach: `fd` (the module under test), `native`,
 * `fs`, `sleep`, `say(value)`, `openFds()`, and `built` for code that imports modules itself.
 */
export function startProgram(code: string, { fds = [], under = [] }: ProgramOptions = {}): Program {
  const [command, ...args] = [...under, process.execPath, '--input-type=module', '-e', prelude + code]
  const child = spawn(command ?? '', args, { env: addonEnv(), stdio: ['ignore', 'pipe', 'pipe', ...fds] })
  let stdout = ''
  let stderr = ''
  const said: unknown[] = []
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    const lines = (stdout + text).split('\n')
    stdout = lines.pop() ?? ''
    for (const line of lines) said.push(JSON.parse(line))
  })
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  let isOver = false
  let at = 0
  child.on('exit', () => {
    at = performance.now()
  })
  const exited = new Promise<Awaited<Program['exited']>>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      isOver = true
      resolve({ code, signal, stderr, at })
    })
  })
  const ended = exited.then(({ code, signal }) => {
    if (code !== 0) throw new Error(`the program ended with ${code ?? signal}\n${stderr}`)
    return said
  })
  // Who only waits for what it says learns of a bad end there.
  ended.catch(() => {})
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const says = async (count = 1): Promise<unknown> => {
    await waitFor(() => said.length >= count || isOver, 20_000, `the program says ${count} things`)
    if (said.length < count) await ended
    return said[count - 1]
  }
  return { pid: child.pid ?? -1, child, said, says, ended, exited }
}

/** Runs `code` to its end, and returns the last thing it said. */
export async function runProgram(code: string, options: ProgramOptions = {}): Promise<unknown> {
  return (await startProgram(code, options).ended).at(-1)
}

const prelude = `
  import fs from 'node:fs'
  import { setTimeout as sleep } from 'node:timers/promises'
  import * as fd from '${built('fd.js')}'
  import { native } from '${built('native/load.js')}'
  const built = ${JSON.stringify(built(''))}
  const say = (value) => fs.writeSync(1, JSON.stringify(value) + '\\n')
  const openFds = () => fs.readdirSync('/proc/self/fd').length
`
