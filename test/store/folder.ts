import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JobStore } from '../../src/store/job-store.ts'
import { type OpenOptions, openStore } from '../../src/store/open.ts'
import { atEnd } from '../support/at-end.ts'
import { tempDir } from '../support/processes.ts'

/** A store in a folder of the test's own, closed when it is over. */
export async function testStore(options: Partial<OpenOptions> = {}): Promise<JobStore> {
  const store = await openStore({ dir: join(tempDir(), 'store'), ...options })
  atEnd(() => store.close())
  return store
}

/** The objects of a segment's lines. */
export function linesOf(dir: string, segment = 1): Record<string, unknown>[] {
  const text = readFileSync(join(dir, `journal-${String(segment).padStart(10, '0')}`), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line.slice(9)))
}
