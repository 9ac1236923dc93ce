import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compiled } from './compile.ts'
import { type Env, scrubbed } from './processes.ts'

/** A real build, written into a folder. Every job in it records its span. */
export interface Project {
  /** Builds it, with what the jobserver in force grants; append -jN where there is none. */
  argv: string[]
  cwd: string
  env: Env
  /** For readSpans. */
  spans: string
}

export interface ProjectOptions {
  /** How many jobs there are, none of which waits for another. */
  jobs: number
  /** How long each of them takes. */
  ms: number
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** With `recursive`, the jobs lie in several folders, each built by a make of its own. */
export function makeProject(
  dir: string,
  { jobs, ms, recursive = false, make = 'make' }: ProjectOptions & { recursive?: boolean; make?: string },
): Project {
  const project = { argv: [make, '--no-print-directory'], cwd: dir, env: {}, spans: join(dir, 'spans') }
  if (!recursive) {
    write(dir, 'Makefile', jobRules(project.spans, ms, range(jobs)))
    return project
  }
  const folders = range(Math.min(jobs, 3))
  for (const folder of folders) {
    const own = range(jobs).filter((job) => job % folders.length === folder)
    write(join(dir, `sub${folder}`), 'Makefile', jobRules(project.spans, ms, own))
  }
  const names = folders.map((folder) => `sub${folder}`).join(' ')
  write(dir, 'Makefile', `.PHONY: all ${names}\nall: ${names}\n${names}:\n\t+$(MAKE) -C $@\n`)
  return project
}

export function ninjaProject(dir: string, { jobs, ms, ninja = 'ninja' }: ProjectOptions & { ninja?: string }): Project {
  const spans = join(dir, 'spans')
  const builds = range(jobs).map((job) => `build job${job}: job\n`)
  write(dir, 'build.ninja', `rule job\n  command = ${compiled('job')} ${spans} ${ms} $out\n${builds.join('')}`)
  return { argv: [ninja], cwd: dir, env: {}, spans }
}

/**
 * A workspace of crates without dependencies; each one's build script runs a job. It has been built once with build
 * scripts that do nothing, so that compiling them does not come between the jobs: JOB_MS makes them run again.
 */
export function cargoProject(dir: string, { jobs, ms, cargo = 'cargo' }: ProjectOptions & { cargo?: string }): Project {
  const spans = join(dir, 'spans')
  write(dir, 'Cargo.toml', '[workspace]\nresolver = "2"\nmembers = ["crate*"]\n')
  for (const name of range(jobs).map((job) => `crate${job}`)) {
    const crate = join(dir, name)
    write(crate, 'Cargo.toml', `[package]\nname = "${name}"\nversion = "0.0.0"\nedition = "2021"\n`)
    write(join(crate, 'src'), 'lib.rs', '')
    write(crate, 'build.rs', buildScript(spans, name))
  }
  const [command, ...args] = [cargo, 'build', '--quiet', '--offline', '--target-dir', join(dir, 'target')]
  const env = { CARGO_BUILD_JOBS: undefined, JOB_MS: undefined }
  execFileSync(command, args, { cwd: dir, env: scrubbed(process.env, env), stdio: ['ignore', 'ignore', 'inherit'] })
  return { argv: [command, ...args], cwd: dir, env: { ...env, JOB_MS: String(ms) }, spans }
}

/**
 * A program linked with -flto=jobserver. gcc has a make run one compilation for each source file at link time; -B puts
 * a stand-in before gcc's own lto1, which makes a job of each such compilation.
 */
export function gccLtoProject(
  dir: string,
  { jobs, ms, make = 'make', gcc = 'gcc' }: ProjectOptions & { make?: string; gcc?: string },
): Project {
  const spans = join(dir, 'spans')
  const lto1 = execFileSync(gcc, ['-print-prog-name=lto1'], { encoding: 'utf8' }).trim()
  const standIn = join(dir, 'stand-in')
  const job = `${compiled('job')} ${spans} ${ms} ltrans`
  write(
    standIn,
    'lto1',
    `#!/bin/sh\ncase " $* " in *" -fltrans "*) exec ${job} ${lto1} "$@" ;; esac\nexec ${lto1} "$@"\n`,
  )
  chmodSync(join(standIn, 'lto1'), 0o755)

  const parts = range(jobs - 1).map((part) => `part${part}`)
  for (const part of parts) write(dir, `${part}.c`, `__attribute__((noipa)) int ${part}(int x) { return x * 2 + 1; }\n`)
  const declarations = parts.map((part) => `int ${part}(int);\n`).join('')
  const sum = ['0', ...parts.map((part) => `${part}(argc)`)].join(' + ')
  write(dir, 'main.c', `${declarations}int main(int argc, char **argv) { return argv[argc] ? ${sum} : 0; }\n`)
  const objects = [...parts, 'main'].map((name) => `${name}.o`)
  execFileSync(gcc, ['-O1', '-flto', '-c', ...objects.map((object) => object.replace(/o$/, 'c'))], { cwd: dir })

  // MAKE in the environment is the make that gcc runs.
  const link = `${gcc} -O1 -flto=jobserver -flto-partition=1to1 -B${standIn} -o $@ $^`
  write(dir, 'Makefile', `program: ${objects.join(' ')}\n\t+MAKE='$(MAKE)' ${link}\n`)
  return { argv: [make, '--no-print-directory'], cwd: dir, env: {}, spans }
}

/** Configured for Unix Makefiles, which recurse; cmake itself is asked to build, so it stands between us and make. */
export function cmakeProject(
  dir: string,
  { jobs, ms, make = 'make', cmake = 'cmake' }: ProjectOptions & { make?: string; cmake?: string },
): Project {
  const spans = join(dir, 'spans')
  const build = join(dir, 'build')
  write(
    dir,
    'CMakeLists.txt',
    `cmake_minimum_required(VERSION 3.10)
project(jobs NONE)
foreach(number RANGE 1 ${jobs})
  add_custom_target(job\${number} ALL COMMAND "${compiled('job')}" "${spans}" ${ms} job\${number})
endforeach()
`,
  )
  const configure = ['-S', dir, '-B', build, '-G', 'Unix Makefiles', `-DCMAKE_MAKE_PROGRAM=${make}`]
  execFileSync(cmake, configure, { env: scrubbed(process.env), stdio: ['ignore', 'ignore', 'inherit'] })
  return { argv: [cmake, '--build', build], cwd: dir, env: {}, spans }
}

/** A make that knows nothing of the jobserver, and is told by makeparallel how much it may run. */
export function makeparallelProject(
  dir: string,
  { jobs, ms, make = 'make' }: ProjectOptions & { make?: string },
): Project {
  const inner = makeProject(dir, { jobs, ms, make })
  return { ...inner, argv: [compiled('makeparallel'), ...inner.argv] }
}

function jobRules(spans: string, ms: number, jobs: number[]): string {
  const names = jobs.map((job) => `job${job}`).join(' ')
  return `.PHONY: all ${names}\nall: ${names}\n${names}:\n\t@${compiled('job')} ${spans} ${ms} $@\n`
}

function buildScript(spans: string, label: string): string {
  return `use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=JOB_MS");
    if let Ok(ms) = std::env::var("JOB_MS") {
        let status = Command::new("${compiled('job')}").args(["${spans}", &ms, "${label}"]).status().unwrap();
        assert!(status.success());
    }
}
`
}

function write(dir: string, name: string, text: string): void {
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, name), text)
}
