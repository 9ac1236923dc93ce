// counter.mjs LIBRARY PATH ACKNOWLEDGED BROKEN
// Counts the document up until SIGTERM, and after each time writes the version that it was told to a file of its own. With
// BROKEN "true" it writes down one more, and the checker has to find out.
import { openSync, writeSync } from 'node:fs'

const [library, path, acknowledged, broken] = process.argv.slice(2)
let ended = false
process.on('SIGTERM', () => {
  ended = true
})
const { openDocument } = await import(library)

const document = await openDocument(path)
const file = openSync(acknowledged, 'a')
while (!ended) {
  const { version } = await document.update((value = { count: 0, filler: '' }) => ({
    count: value.count + 1,
    // Of a length that changes: half a write would be no document.
    filler: 'x'.repeat((value.count * 7919) % 5000),
  }))
  writeSync(file, `${version}\n`)
  if (broken === 'true') writeSync(file, `${version + 1}\n`)
}
