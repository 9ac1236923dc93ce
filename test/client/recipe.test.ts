import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FifoLock } from '../../src/client/fifo-lock.ts'
import { recipeOf, sweepRecipes } from '../../src/client/recipe.ts'
import { mkfifo } from '../../src/fd.ts'
import { readProcess } from '../../src/proc.ts'
import { childrenOf, start, tempDir, waitFor } from '../support/processes.ts'

let dir: string
/** What is left of a jobserver's recipes. */
const left = (jobserver: string) => readdirSync(join(dir, 'recipes', jobserver)).sort()
const alive = `${process.pid}-${readProcess(process.pid)!.startTime}`
/** The process of that number is another by now. */
const over = `${process.pid}-1`

beforeEach(() => {
  dir = tempDir()
  vi.stubEnv('JOBSLOT_DIR', dir)
})

afterEach(() => {
  vi.unstubAllEnvs()
})

function leave(jobserver: string, ...names: string[]): void {
  mkdirSync(join(dir, 'recipes', jobserver), { recursive: true })
  for (const name of names) mkfifo(join(dir, 'recipes', jobserver, name))
}

test('the locks of one jobserver lie in one folder, and none is made yet', () => {
  const recipe = recipeOf('9:77')
  const folder = join(dir, 'recipes', '9:77')
  for (const path of [recipe.slot.path, recipe.turn.path, recipe.bell]) expect(dirname(path)).toBe(folder)
  expect(basename(recipe.slot.path)).toMatch(/^\d+-\d+$/)
  expect(recipe.others()).toEqual([])
  expect(readdirSync(dir)).toEqual([])
  expect(recipeOf(null).slot.path).toBe(join(dir, 'recipes', 'none', basename(recipe.slot.path)))
})

test('the slot is named after a process above that lives, or this one', () => {
  const [pid, startTime] = basename(recipeOf('9:77').slot.path).split('-')
  expect(readProcess(Number(pid))).toMatchObject({ startTime })
})

test('others are the recipes of the same jobserver', () => {
  const recipe = recipeOf('9:77')
  leave('9:77', '1-2', '33-44', basename(recipe.slot.path), 'turn', 'bell')
  leave('9:78', '5-6')
  expect(
    recipe
      .others()
      .map(({ path }) => basename(path))
      .sort(),
  ).toEqual(['1-2', '33-44'])
})

test('the sweep takes what no process uses any more, whatever its jobserver', () => {
  leave('9:77', alive, over, '99999999-5', 'turn', 'bell')
  leave('9:78', over, 'turn')
  leave('9:79', 'bell', over)
  mkdirSync(join(dir, 'recipes', '9:80'))
  sweepRecipes()
  expect(left('9:77')).toEqual([alive])
  expect(existsSync(join(dir, 'recipes', '9:78'))).toBe(false)
})

test('a zombie uses nothing any more', async () => {
  // It has replaced the shell that would have asked how its child ended.
  const { pid } = start(['sh', '-c', 'true & exec sleep 60'])
  await waitFor(() => childrenOf(pid).length === 1 && readProcess(childrenOf(pid)[0]!)?.ended === true)
  const [zombie] = childrenOf(pid)
  leave('9:77', `${zombie}-${readProcess(zombie!)!.startTime}`)
  sweepRecipes()
  expect(existsSync(join(dir, 'recipes', '9:77'))).toBe(false)
})

test('the sweep leaves what is held or waited for', () => {
  leave('9:77', over, 'bell')
  const slot = new FifoLock(join(dir, 'recipes', '9:77', over))
  const turn = new FifoLock(join(dir, 'recipes', '9:77', 'turn'))
  slot.tryLock()
  turn.tryLock()
  sweepRecipes()
  expect(left('9:77')).toEqual([over, 'bell', 'turn'].sort())
  slot.unlock()
  slot.lend()
  sweepRecipes()
  expect(left('9:77')).toEqual([over, 'bell', 'turn'].sort())
  slot.takeBack()
  turn.unlock()
})

test('the sweep stumbles over nothing', () => {
  sweepRecipes()
  writeFileSync(join(dir, 'recipes'), '')
  sweepRecipes()
})
