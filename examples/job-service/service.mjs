// Usage: node service.mjs FOLDER [PORT]
//
// Takes texts over HTTP, has workers count their words, and tells whoever asked to be told. What it has answered to
// outlives it: kill it at any moment, and start it again.
import { createServer } from 'node:http'
import { JobStore } from 'jobslot/store'

const [, , dir, port = '0'] = process.argv
const store = await JobStore.open({ dir, label: 'service' })
const end = new AbortController()

const server = createServer(async (request, response) => {
  const answer = (status, body) => response.writeHead(status).end(`${JSON.stringify(body)}\n`)
  try {
    if (request.method === 'POST') answer(202, await accept(JSON.parse(await bodyOf(request))))
    else answer(200, await resultOf(request.url.slice(1)))
  } catch (error) {
    answer(statusOf(error), { error: error.message })
  }
})

async function accept({ text, tell }) {
  if (typeof text !== 'string') throw new TypeError('there is no text to count the words of')
  // A worker that dies is no failure of the job's: it is handed out again without counting as an attempt.
  const { id } = await store.create({ text }, { attempts: 3, timeout: 60_000 })
  if (tell) await store.queue(id, { url: tell })
  // By now it is on disk.
  return { id }
}

async function resultOf(id) {
  const { state, value, error } = await store.wait(id, { timeout: 10_000, signal: end.signal })
  return { id: Number(id), state, words: value && Number(value), error: error?.message }
}

async function bodyOf(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const STATUS = { ERR_JOBSLOT_TIMEOUT: 504, ERR_JOBSLOT_NO_JOB: 404 }

function statusOf(error) {
  if (error instanceof TypeError || error instanceof SyntaxError) return 400
  return STATUS[error.code] ?? 500
}

/** Those who cannot be told now are told later, by this service or the one that comes after it. */
async function tellAll() {
  for (;;) {
    const notification = await store.pullNotification({ wait: true, signal: end.signal })
    const told = []
    for (const target of notification.waiting) {
      const body = JSON.stringify({ id: notification.id, words: notification.value && Number(notification.value) })
      const response = await fetch(target.url, { method: 'POST', body, signal: end.signal }).catch(() => null)
      if (response?.ok) told.push(target)
    }
    await notification.done(null, told)
  }
}

process.once('SIGTERM', () => end.abort())
server.listen(Number(port), '127.0.0.1', () => console.log(`listening on ${server.address().port}`))
// It ends by the signal, or by an error that is not of the other end's making.
await tellAll().catch((error) => {
  if (!end.signal.aborted) throw error
})
server.close()
server.closeIdleConnections()
await store.close()
