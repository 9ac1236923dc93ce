import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compiled } from '../support/compile.ts'
import {
  distinctTokens,
  type JobserverCommand,
  namedJobserver,
  pipeJobserver,
  sortedHex,
} from '../support/jobserver.ts'
import { run, tempDir } from '../support/processes.ts'
import type { Project } from '../support/projects.ts'
import { peak, readSpans, type Span } from '../support/spans.ts'
import { requireTool } from '../support/tools.ts'
import { gate } from './gate.ts'

/**
 * Build tools as servers of a Node program that uses the library, beside other jobs that draw on the same limit. make and
 * cargo serve. ninja 1.13 does not: it is a client and nothing else, and hands on what it was started with; the last test
 * here notices when a ninja begins to serve.
 */

const tool = join(import.meta.dirname, 'fixtures/tool.mjs')
const limit = 4
const toolJobs = 12
const otherJobs = 6
const ms = 250

/** Command lines whose words hold no space, by name. */
type Commands = Record<string, string>

/** The tool, and other jobs. Half of those wait in their slots until the tool is at work: too few to keep it from that. */
function commandsOf(dir: string, spans: string): Commands {
  const commands: Commands = { tool: toolCommand(spans) }
  const behind = gate(dir, spans, 'tool')
  for (let i = 0; i < otherJobs; i++) {
    const job = `${compiled('job')} ${spans} ${ms} other${i}`
    commands[`other${i}`] = i < limit - 1 ? `${behind} ${job}` : job
  }
  return commands
}

/** Its jobs have the label `tool`. */
function toolCommand(spans: string): string {
  return [process.execPath, tool, toolJobs, compiled('job'), spans, ms, 'tool'].join(' ')
}

/** `mark` stands before each recipe. */
function makeWithTool(dir: string, make: string, mark: string): Project {
  const spans = join(dir, 'spans')
  const commands = commandsOf(dir, spans)
  const names = Object.keys(commands).join(' ')
  const rules = Object.entries(commands).map(([name, command]) => `${name}:\n\t${mark}@${command}\n`)
  writeFileSync(join(dir, 'Makefile'), `.PHONY: all ${names}\nall: ${names}\n${rules.join('')}`)
  return { argv: [make, '--no-print-directory'], cwd: dir, env: {}, spans }
}

function ninjaWithTool(dir: string, ninja: string): Project {
  const spans = join(dir, 'spans')
  const rules = Object.entries(commandsOf(dir, spans)).map(
    ([name, command]) => `rule ${name}\n  command = ${command}\nbuild ${name}.out: ${name}\n`,
  )
  writeFileSync(join(dir, 'build.ninja'), rules.join(''))
  return { argv: [ninja, '--quiet'], cwd: dir, env: {}, spans }
}

/** A crate for each command, run by its build script once JOB_MS is set: before, cargo compiles them all. */
async function cargoWithTool(dir: string, cargo: string): Promise<Project> {
  const spans = join(dir, 'spans')
  writeFileSync(join(dir, 'Cargo.toml'), '[workspace]\nresolver = "2"\nmembers = ["crates/*"]\n')
  for (const [name, command] of Object.entries(commandsOf(dir, spans))) {
    const crate = join(dir, 'crates', name)
    const [program, ...args] = command.split(' ')
    mkdirSync(join(crate, 'src'), { recursive: true })
    writeFileSync(join(crate, 'Cargo.toml'), `[package]\nname = "job-${name}"\nversion = "0.0.0"\nedition = "2021"\n`)
    writeFileSync(join(crate, 'src/lib.rs'), '')
    writeFileSync(
      join(crate, 'build.rs'),
      `fn main() {
    println!("cargo:rerun-if-env-changed=JOB_MS");
    if std::env::var("JOB_MS").is_ok() {
        assert!(std::process::Command::new("${program}").args(${JSON.stringify(args)}).status().unwrap().success());
    }
}
`,
    )
  }
  const argv = [cargo, 'build', '--quiet', '--offline']
  const env = { CARGO_BUILD_JOBS: undefined, CARGO_TARGET_DIR: undefined, JOB_MS: undefined }
  expect(await run(argv, { cwd: dir, env })).toMatchObject({ code: 0, stderr: '' })
  return { argv, cwd: dir, env: { ...env, JOB_MS: '1' }, spans }
}

/** The tool and the others did all of their work, filled the limit together, and never went above it. */
function expectShared(spans: Span[]): void {
  const ofTool = spans.filter((span) => span.label === 'tool')
  const ofOthers = spans.filter((span) => span.label !== 'tool')
  expect(ofTool).toHaveLength(toolJobs)
  expect(ofOthers).toHaveLength(otherJobs)
  expect(peak(spans)).toBe(limit)
  const overlap = (a: Span, b: Span) => a.begin < b.end! && b.begin < a.end!
  expect(ofTool.some((a) => ofOthers.some((b) => overlap(a, b)))).toBe(true)
}

describe('a server shares its limit with a Node program', () => {
  // make says "INTERNAL: Exiting with 2 jobserver tokens available; should be 3!" where tokens were lost.
  test.for([
    ['make43', [], '+'],
    ['make44', ['--jobserver-style=pipe'], '+'],
    ['make44', ['--jobserver-style=fifo'], '+'],
    ['make44', ['--jobserver-style=fifo'], ''],
  ] as const)('%s %j, the recipe marked "%s"', async ([name, style, mark], ctx) => {
    const project = makeWithTool(tempDir(), requireTool(name, ctx), mark)
    const result = await run([...project.argv, ...style, `-j${limit}`], { cwd: project.cwd })
    expect(result).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    expectShared(readSpans(project.spans))
  })

  test('cargo', async (ctx) => {
    const project = await cargoWithTool(tempDir(), requireTool('cargo', ctx))
    const result = await run([...project.argv, `-j${limit}`], { cwd: project.cwd, env: project.env })
    expect(result).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    expectShared(readSpans(project.spans))
  })
})

describe('each token comes back as the byte it was', () => {
  const tokens = distinctTokens(limit - 1)
  const pipe = () => pipeJobserver(tokens)
  const fifo = () => namedJobserver(join(tempDir(), 'jobserver'), tokens)

  async function expectWhole(jobserver: JobserverCommand, project: Project): Promise<Span[]> {
    const result = await run(jobserver.around(project.argv), { cwd: project.cwd, env: project.env })
    expect(result).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    const report = jobserver.report()
    expect(report.tokens).toBe(sortedHex(tokens))
    expect(report.flagsAfter).toEqual(report.flagsBefore)
    return readSpans(project.spans)
  }

  test.for([
    ['pipe', pipe],
    ['pipe at 20,21', () => pipeJobserver(tokens, { read: 20, write: 21 })],
    ['fifo', fifo],
  ] as const)('the program alone, %s', async ([, jobserver]) => {
    const cwd = tempDir()
    const spans = join(cwd, 'spans')
    const recorded = await expectWhole(jobserver(), { argv: toolCommand(spans).split(' '), cwd, env: {}, spans })
    expect(recorded).toHaveLength(toolJobs)
    expect(peak(recorded)).toBe(limit)
  })

  test.for([
    ['pipe', pipe],
    ['fifo', fifo],
  ] as const)('in a build script of cargo, %s', async ([, jobserver], ctx) => {
    expectShared(await expectWhole(jobserver(), await cargoWithTool(tempDir(), requireTool('cargo', ctx))))
  })

  test('in an edge of ninja, fifo', async (ctx) => {
    expectShared(await expectWhole(fifo(), ninjaWithTool(tempDir(), requireTool('ninja113', ctx))))
  })
})

test('ninja serves nobody: a program that it starts finds no jobserver', async (ctx) => {
  const project = ninjaWithTool(tempDir(), requireTool('ninja113', ctx))
  const { code, stdout } = await run([...project.argv, `-j${limit}`, 'tool.out'], { cwd: project.cwd })
  expect(code).toBe(1)
  expect(stdout).toContain('no jobserver is named here')
})
