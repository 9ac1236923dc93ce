import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openDocument } from '../../src/document/document.ts'
import { built } from '../client/program.ts'
import { type Running, start, tempDir } from '../support/processes.ts'

const writers = 8
const updates = Number(process.env.STORM_UPDATES ?? 1000)
const library = built('document/document.js')
const timeout = 600_000

const programOf = (name: string) => [process.execPath, join(import.meta.dirname, name), library]

/** The versions that a process was told it has written; what it was about to say when it was killed was not said. */
function acknowledged(file: string): number[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8').split('\n').slice(0, -1).map(Number)
}

test('processes that count a document up, some killed: nothing is lost, and readers see whole values', {
  timeout,
  retry: 0,
}, async () => {
  const path = join(tempDir(), 'alone/count.json')
  mkdirSync(dirname(path))
  const folder = tempDir()
  const files: string[] = []
  const running = new Set<Running>()
  let killed = 0

  /** One writer, which is replaced when it is killed, until all its updates are acknowledged. */
  async function lane(): Promise<void> {
    for (let done = 0; done < updates; ) {
      const file = join(folder, String(files.length))
      files.push(file)
      const writer = start([...programOf('counter.mjs'), path, file, String(updates - done)], { timeout })
      running.add(writer)
      const { code, signal, stderr } = await writer.result
      running.delete(writer)
      if (signal === 'SIGKILL') killed++
      else expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' })
      done += acknowledged(file).length
    }
  }

  const readers = [0, 1].map(() => start([...programOf('reader.mjs'), path], { timeout }))
  const started = performance.now()
  const lanes = Promise.all(Array.from({ length: writers }, lane)).then(() => true)
  while (!(await Promise.race([lanes, sleep(300 + Math.random() * 1000, false)]))) {
    const all = [...running]
    all[Math.floor(Math.random() * all.length)]?.child.kill('SIGKILL')
  }
  console.log(`${writers * updates} updates in ${Math.round(performance.now() - started)} ms, ${killed} killed`)

  const document = await openDocument<{ count: number }>(path)
  expect(readdirSync(dirname(path))).toEqual(['count.json'])
  const { version, value } = await document.read()
  const told = files.flatMap(acknowledged)
  expect(told).toHaveLength(writers * updates)
  expect(new Set(told).size, 'each version was acknowledged to one').toBe(told.length)
  for (const versions of files.map(acknowledged)) expect(versions).toEqual(versions.toSorted((a, b) => a - b))
  expect(Math.max(...told)).toBeLessThanOrEqual(version)
  expect(value?.count).toBe(version)
  expect(version).toBeGreaterThanOrEqual(told.length)
  expect(version).toBeLessThanOrEqual(told.length + killed)
  if (updates >= 1000) expect(killed).toBeGreaterThan(5)

  for (const reader of readers) {
    reader.child.kill('SIGTERM')
    const { stdout } = await reader.result
    const { reads, last, problems } = JSON.parse(stdout)
    expect(problems).toEqual([])
    expect(last).toBe(version)
    expect(reads).toBeGreaterThan(100)
  }
})
