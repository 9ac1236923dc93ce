import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openDocument } from '../../src/document/document.ts'
import { built } from '../client/program.ts'
import { compiledLibrary } from '../support/compile.ts'
import { type Result, run, tempDir } from '../support/processes.ts'

/** The document of a test, alone in its folder. */
const pathIn = (folder: string) => join(folder, 'alone/state.json')

/** A process that opens the document and writes it once, with a fault; and the calls that it made. */
async function write(path: string, fault?: { at: number | string; kind: 'kill' | 'error' }) {
  const log = join(tempDir(), 'calls')
  const env = {
    LD_PRELOAD: compiledLibrary('faults'),
    FAULTS_DIR: dirname(path),
    FAULTS_LOG: log,
    ...(fault && { FAULTS_AT: String(fault.at), FAULTS_KIND: fault.kind }),
  }
  const writer = join(import.meta.dirname, 'writer.mjs')
  const result = await run([process.execPath, writer, built('document/document.js'), path], { env })
  return { result, calls: readFileSync(log, 'utf8').trimEnd().split('\n') }
}

function newFolder(): string {
  const path = pathIn(tempDir())
  mkdirSync(dirname(path))
  return path
}

/** With all that a process leaves which is killed while it writes. */
async function folderAfterCrash(): Promise<string> {
  const path = newFolder()
  await write(path)
  const { result } = await write(path, { at: 'rename', kind: 'kill' })
  expect(result.signal).toBe('SIGKILL')
  expect(names(path)).toContain('state.json.jobslot-new')
  return path
}

/** The folder once more, FIFOs included. */
function copyOf(path: string): string {
  const copy = pathIn(tempDir())
  execFileSync('cp', ['-a', dirname(path), dirname(copy)])
  return copy
}

const names = (path: string) => readdirSync(dirname(path))

/** What the writer says of its write. */
function said({ stdout }: Result): { version?: number; code?: string; message?: string } {
  return JSON.parse(stdout)
}

const starts: [string, number, () => string | Promise<string>][] = [
  ['a new document', 0, newFolder],
  ['a document beside which a crash left something', 1, folderAfterCrash],
]

describe.for(starts)('%s', ([, old, start]) => {
  test('is written by these calls, and nothing is left beside it', async () => {
    const path = await start()
    const { result, calls } = await write(path)
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(said(result)).toEqual({ version: old + 1 })
    expect(names(path)).toEqual(['state.json'])
    // The faults reach nothing that goes past the C library's functions: if Node did, this would tell.
    const ofTheFile = calls.map((call) => call.replace(/^\d+ (\w+) .*\/alone/, '$1 '))
    const needed = [
      'open64 /state.json.jobslot-new',
      'write /state.json.jobslot-new',
      'fsync /state.json.jobslot-new',
      'close /state.json.jobslot-new',
      'rename /state.json.jobslot-new',
      'fsync ',
      'unlink /state.json.jobslot-lock',
    ]
    expect(ofTheFile.filter((call) => needed.includes(call)).slice(-needed.length)).toEqual(needed)
  })

  test('killed at each call of a write', { timeout: 300_000 }, async () => {
    const folder = await start()
    const versions = await atEachCall(folder, async (path, at) => {
      const { result, calls } = await write(path, { at, kind: 'kill' })
      if (calls.length < at) return null
      const what = `${calls[at - 1]}: ${JSON.stringify(result)} ${names(path)}`
      expect(result.signal, what).toBe('SIGKILL')
      const version = await versionAfter(path, old, what)
      // It can be killed after it said that it has written, when it removes the lock file.
      if (result.stdout !== '') expect(said(result), what).toEqual({ version })
      return version
    })
    expect(versions).toContain(old)
    expect(versions).toContain(old + 1)
  })

  test('each call of a write fails once', { timeout: 300_000 }, async () => {
    const folder = await start()
    const versions = await atEachCall(folder, async (path, at) => {
      const { result, calls } = await write(path, { at, kind: 'error' })
      if (calls.length < at) return null
      const what = `${calls[at - 1]}: ${JSON.stringify(result)} ${names(path)}`
      expect(result, what).toMatchObject({ code: 0, stderr: '' })
      const { version, message = '' } = said(result)
      const isWritten = version !== undefined || message.includes('has its new value, but may lose it')
      const hasTried = isWritten || message.includes('has the value that it had')
      if (hasTried) expect(names(path), what).not.toContain('state.json.jobslot-new')
      expect(await versionAfter(path, old, what), what).toBe(isWritten ? old + 1 : old)
      return version ?? old
    })
    expect(versions).toContain(old)
    expect(versions).toContain(old + 1)
  })
})

/** What `check` says of call 1, 2 and so on, until it says null: the write made no more calls. Two at a time. */
async function atEachCall(
  folder: string,
  check: (path: string, at: number) => Promise<number | null>,
): Promise<number[]> {
  const all: number[] = []
  for (;;) {
    const next = all.length + 1
    const found = await Promise.all([check(copyOf(folder), next), check(copyOf(folder), next + 1)])
    all.push(...found.filter((version) => version !== null))
    if (found.includes(null)) return all
  }
}

/** The document is the old one or the new one, there is nothing beside it once it was opened, and it can be written. */
async function versionAfter(path: string, old: number, what: string): Promise<number> {
  const document = await openDocument(path)
  const left = names(path)
  const { version, value } = await document.read()
  expect([old, old + 1], what).toContain(version)
  expect(value, what).toEqual(version === 0 ? undefined : { by: 'writer' })
  expect(left, what).toEqual(version === 0 ? [] : ['state.json'])
  expect(await document.write('goes on', { timeout: 10_000 }), what).toBe(version + 1)
  return version
}
