import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'

/** Whether a command of this name would be found here: by its path, or in the folders of PATH. */
export function isProgram(name: string, path = process.env.PATH ?? '/usr/bin:/bin'): boolean {
  if (name.includes('/')) return isExecutable(resolve(name))
  return path.split(delimiter).some((folder) => isExecutable(resolve(folder, name)))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
