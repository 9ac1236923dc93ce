// peak.mjs SPANS: how many of the jobs that span.sh recorded ran at once at the most, and how many were allowed to.
import { readFileSync } from 'node:fs'
import { parseMakeflags } from 'jobslot'

let running = 0
let peak = 0
for (const line of readFileSync(process.argv[2], 'utf8').split('\n')) {
  if (line.startsWith('begin ')) running++
  if (line.startsWith('end ')) running--
  peak = Math.max(peak, running)
}

const { jobs } = parseMakeflags(process.env.MAKEFLAGS ?? '')
console.log(`peak ${peak} jobs at once, limit ${jobs ?? 'none'}`)
if (jobs !== null && peak > jobs) process.exitCode = 1
