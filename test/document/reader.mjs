// reader.mjs LIBRARY PATH
// Reads the document again and again until SIGTERM; says how often, and what was wrong with what it read.
import { setTimeout as sleep } from 'node:timers/promises'

const [library, path] = process.argv.slice(2)
const { openDocument } = await import(library)

const document = await openDocument(path)
const problems = []
let reads = 0
let last = 0
let ended = false
process.on('SIGTERM', () => {
  ended = true
})
// Once more after the signal: then it sees what there is at the end.
for (let isLast = false; !isLast && problems.length < 10; ) {
  isLast = ended
  try {
    const { version, value } = await document.read()
    if (version < last) problems.push(`version ${version} after ${last}`)
    if (version !== (value?.count ?? 0)) problems.push(`version ${version} is ${JSON.stringify(value)}`)
    if (value && value.filler.length !== ((version - 1) * 7919) % 5000) problems.push(`half of version ${version}`)
    last = version
  } catch (error) {
    problems.push(String(error))
  }
  reads++
  // The writers need the processor too.
  await sleep(2)
}
console.log(JSON.stringify({ reads, last, problems }))
