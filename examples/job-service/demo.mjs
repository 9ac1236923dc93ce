// Usage: node demo.mjs
//
// Starts the service and two workers, kills all three by SIGKILL in the midst of the work, starts them again, and counts
// what became of the jobs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { JobStore } from 'jobslot/store'

const JOBS = 12
const folder = mkdtempSync(join(tmpdir(), 'job-service-'))
const dir = join(folder, 'jobs')

function start(program) {
  const child = spawn(process.execPath, [join(import.meta.dirname, program), dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return { child, exited: once(child, 'exit') }
}

async function startAll() {
  const service = start('service.mjs')
  const [line] = await once(createInterface(service.child.stdout), 'line')
  return { url: `http://127.0.0.1:${line.split(' ').at(-1)}`, all: [service, start('worker.mjs'), start('worker.mjs')] }
}

async function endAll(all, signal) {
  for (const { child } of all) child.kill(signal)
  await Promise.all(all.map(({ exited }) => exited))
}

/** Whoever asked to be told. */
const told = new Map()
const listener = createServer(async (request, response) => {
  for await (const chunk of request) {
    const { id, words } = JSON.parse(chunk)
    told.set(id, words)
  }
  response.end()
}).listen(0, '127.0.0.1')
await once(listener, 'listening')
const tell = `http://127.0.0.1:${listener.address().port}`

let running = await startAll()
try {
  const ids = []
  for (let i = 1; i <= JOBS; i++) {
    const body = JSON.stringify({ text: 'word '.repeat(i), tell })
    const response = await fetch(running.url, { method: 'POST', body })
    ids.push((await response.json()).id)
  }
  await (await fetch(`${running.url}/${ids[2]}`)).json()
  await endAll(running.all, 'SIGKILL')
  console.log(`killed all; ${JOBS - told.size} of ${JOBS} had not been told`)

  running = await startAll()
  for (const id of ids) await (await fetch(`${running.url}/${id}`)).json()
  while (told.size < JOBS) await new Promise((resolve) => setTimeout(resolve, 20))
  await endAll(running.all, 'SIGTERM')

  const store = await JobStore.open({ dir })
  const right = ids.filter((id, i) => told.get(id) === i + 1).length
  const { fulfilled, active, pending } = await store.stats()
  console.log(`${fulfilled} fulfilled, ${active + pending} left, ${right} told the right number`)
  await store.close()
} finally {
  for (const { child } of running.all) child.kill('SIGKILL')
  listener.close()
  listener.closeAllConnections()
  rmSync(folder, { recursive: true })
}
