import { mkdirSync } from 'node:fs'
import { logFolder } from '../logs.ts'

/** A folder in the store's, which is there. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** For the logs of jobs that do not name their own. */
export const makeLogFolder = (dir: string): void => makeFolder(logFolder(dir))
