import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
// @ts-expect-error It is JavaScript, as all of the bench is.
import { outputsOf } from '../../../bench/projects/outputs.mjs'

it('finds objects, archives and programs by what they hold, and nothing else', () => {
  const dir = mkdtempSync(join(tmpdir(), 'jobslot-test-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  mkdirSync(join(dir, 'lib/.libs'), { recursive: true })
  writeFileSync(join(dir, 'main'), '\x7fELF program')
  writeFileSync(join(dir, 'lib/.libs/x.o'), '\x7fELF object')
  writeFileSync(join(dir, 'lib/x.a'), '!<arch>\nmembers')
  writeFileSync(join(dir, 'lib/x.lo'), '# a text of libtool')
  writeFileSync(join(dir, 'empty'), '')
  symlinkSync('x.a', join(dir, 'lib/link.a'))
  const outputs = new Map<string, string>(outputsOf(dir))
  expect([...outputs.keys()].sort()).toEqual(['lib/.libs/x.o', 'lib/x.a', 'main'])

  writeFileSync(join(dir, 'main'), '\x7fELF Program')
  const changed = new Map<string, string>(outputsOf(dir))
  expect(changed.get('main')).not.toBe(outputs.get('main'))
  expect(changed.get('lib/x.a')).toBe(outputs.get('lib/x.a'))
})
