import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const MAGIC = ['\x7fELF', '!<arch>\n']

/** What a build has made, by its path below `dir`: `[path, hash]` of each object file, library and program. */
export function outputsOf(dir) {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const outputs = []
  for (const { parentPath, name } of files) {
    const file = join(parentPath, name)
    const content = readFileSync(file)
    if (!MAGIC.some((magic) => content.subarray(0, magic.length).toString('latin1') === magic)) continue
    outputs.push([relative(dir, file), createHash('sha256').update(content).digest('hex')])
  }
  return outputs
}
