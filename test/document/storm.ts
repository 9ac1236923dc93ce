import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openDocument } from '../../src/document/document.ts'
import { built } from '../client/program.ts'
import { type Running, start, tempDir } from '../support/processes.ts'
import type { Storm } from '../torture/storm.ts'

const WRITERS = 8
const library = built('document/document.js')

const programOf = (name: string) => [process.execPath, join(import.meta.dirname, name), library]

/** The versions that a process was told it has written; what it was about to say when it was killed was not said. */
function acknowledged(file: string): number[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8').split('\n').slice(0, -1).map(Number)
}

/**
 * Processes that count a document up, some killed: no update that was acknowledged is lost, no version comes twice, and
 * readers see whole values, in their order. In a canary a writer acknowledges what it has not written.
 */
export async function documentStorm(storm: Storm): Promise<void> {
  const path = join(tempDir(), 'alone/count.json')
  mkdirSync(dirname(path))
  const folder = tempDir()
  const files: string[] = []
  const running = new Map<Running, string>()
  const timeout = storm.ms + 60_000

  /** One writer, which is replaced when it is killed. */
  async function lane(): Promise<void> {
    while (!storm.isOver) {
      const file = join(folder, String(files.length))
      files.push(file)
      const writer = start([...programOf('counter.mjs'), path, file, String(storm.isCanary)], { timeout })
      running.set(writer, file)
      const { code, signal, stderr } = await writer.result
      running.delete(writer)
      // One that had hardly begun is ended by the signal that tells it to end.
      const isWell = signal === 'SIGKILL' || signal === 'SIGTERM' || (code === 0 && stderr === '')
      storm.check(isWell, `a writer ended with ${signal ?? code}: ${stderr}`)
    }
  }

  const readers = [0, 1].map(() => start([...programOf('reader.mjs'), path], { timeout }))
  const lanes = Promise.all(Array.from({ length: WRITERS }, lane))
  await storm.soon(() => files.some((file) => acknowledged(file).length > 0), 60_000, 'nothing is written')
  storm.begin()
  while (!storm.isOver) {
    await storm.pause(30 + storm.below(250))
    // One that is still starting has nothing to lose.
    const writing = [...running].filter(([, file]) => existsSync(file))
    const [victim] = storm.pick(writing) ?? []
    if (victim?.child.kill('SIGKILL')) storm.kills++
  }
  for (const { child } of running.keys()) child.kill('SIGTERM')
  await lanes

  const document = await openDocument<{ count: number }>(path)
  const names = readdirSync(dirname(path))
  storm.check(`${names}` === 'count.json', () => `files are left: ${names}`)
  const { version, value } = await document.read()
  const told = files.flatMap(acknowledged)
  storm.operations += told.length
  storm.check(new Set(told).size === told.length, 'a version was acknowledged to two')
  for (const versions of files.map(acknowledged)) {
    const isSorted = versions.every((each, i) => i === 0 || each > versions[i - 1]!)
    storm.check(isSorted, () => `one was told of versions in this order: ${versions}`)
  }
  const last = told.reduce((most, each) => Math.max(most, each), 0)
  storm.check(last <= version, `version ${last} was acknowledged, and ${version} is there`)
  storm.check(value?.count === version, `version ${version} has counted to ${value?.count}`)
  const isWhole = told.length <= version && version <= told.length + storm.kills
  storm.check(isWhole, `${told.length} updates were acknowledged, ${storm.kills} writers killed: version ${version}`)

  for (const reader of readers) {
    reader.child.kill('SIGTERM')
    const { stdout } = await reader.result
    const { reads, last, problems } = JSON.parse(stdout)
    for (const problem of problems) storm.check(false, `a reader saw ${problem}`)
    storm.check(last === version, `a reader saw version ${last} at the end, and it is ${version}`)
    storm.note('reads', reads)
  }
}
