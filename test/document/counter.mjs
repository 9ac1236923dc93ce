// counter.mjs LIBRARY PATH ACKNOWLEDGED COUNT
// Counts the document up COUNT times, and after each time writes the version that it was told to a file of its own.
import { openSync, writeSync } from 'node:fs'

const [library, path, acknowledged, count] = process.argv.slice(2)
const { openDocument } = await import(library)

const document = await openDocument(path)
const file = openSync(acknowledged, 'a')
for (let i = 0; i < Number(count); i++) {
  const { version } = await document.update((value = { count: 0, filler: '' }) => ({
    count: value.count + 1,
    // Of a length that changes: half a write would be no document.
    filler: 'x'.repeat((value.count * 7919) % 5000),
  }))
  writeSync(file, `${version}\n`)
}
