// writer.mjs LIBRARY PATH
// Opens a document and writes it once, with the faults of test/support/faults.c from there to its end.
import { existsSync } from 'node:fs'

const [library, path] = process.argv.slice(2)
const { openDocument } = await import(library)

existsSync('faults:on')
try {
  const document = await openDocument(path)
  const { version } = await document.update((value) => ({ ...value, by: 'writer' }))
  console.log(JSON.stringify({ version }))
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message }))
}
