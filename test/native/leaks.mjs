// Does with the addon what a program does, in the main thread and in a worker, and comes to a natural end, at which
// LeakSanitizer looks for memory that nobody can free any more. Started by scripts/sanitize.sh; its argument is dist/.
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isMainThread, Worker, workerData } from 'node:worker_threads'

const dist = pathToFileURL(`${resolve(isMainThread ? process.argv[2] : workerData)}/`)
const fd = await import(new URL('fd.js', dist))
const { native } = await import(new URL('native/load.js', dist))
const { startWait } = await import(new URL('native/waits.js', dist))

const dir = mkdtempSync(join(tmpdir(), 'jobslot-'))
const path = join(dir, 'fifo')
fd.mkfifo(path)
const both = openSync(path, constants.O_RDWR)

for (let i = 0; i < 20; i++) {
  for (const way of ['own', 'splice', 'parked']) {
    fd.write(both, Buffer.from('ab'))
    await fd.read(both, 1, { way })
    fd.readSync(both, 1, { way })
    await fd.read(both, 1, { way, timeout: 1 }).catch(() => {})
    await fd.read(both, 1, { way, signal: AbortSignal.timeout(1) }).catch(() => {})
  }
  await fd.poll(both, 'read', { timeout: 1 })
  await fd.read(-1, 1).catch(() => {})
}
for (const way of [0, 2, 3]) {
  fd.write(both, Buffer.from('abcdef'))
  const ends = way === 0 ? [fd.reopen(both), fd.reopen(both)] : [fd.dup(both), fd.dup(both)]
  const channel = native().openChannel(...ends, way, way === 0)
  native().take(channel)
  await new Promise((resolve) => startWait((binding, id) => binding.waitToken(id, channel, -1), resolve))
  startWait(
    (binding, id) => binding.waitToken(id, channel, 50),
    () => {},
  )
  if (way === 0) native().closeChannel(channel)
}
const into = Buffer.alloc(100)
native().listenDrains(() => {})
for (let i = 0; i < 3; i++) {
  const writeEnd = new Int32Array(1)
  const drain = native().openDrain(1000, writeEnd)
  writeSync(writeEnd[0], 'line\n'.repeat(500))
  native().pumpDrain(drain)
  native().takeDrained(drain, into, new Float64Array(3))
  if (i > 0) native().close(writeEnd[0])
  if (i > 1) native().closeDrain(drain)
}
native().listenAccounts(() => {})
for (let i = 0; i < 3; i++) {
  const account = native().openAccount(-1, 4)
  for (let place = 0; place < 4; place++) {
    const opened = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    native().addPurse(account, place, opened)
    closeSync(opened)
    native().grantTokens(account, place, 3)
    native().watchPurse(account, place, 2)
  }
  native().takeTokens(account, 0, 12)
  native().oweTokens(account, 0, 1)
  native().forgetPurse(account, 1)
  native().readPurses(account, false, new Int32Array(20), 4)
  if (i > 1) native().closeAccount(account)
}
const terminated = (...texts) => Buffer.from(texts.map((text) => `${text}\0`).join(''))
for (const words of [terminated('true', ''), terminated('no-such-command'), Buffer.alloc(0), Buffer.from('no end')]) {
  const pid = native().startCommand(words, terminated('A=b'), Int32Array.of(0, 1, 2, -1, both), 5)
  while (pid > 0 && native().commandStatus(pid) < 0) await new Promise((resolve) => setTimeout(resolve, 5))
}
native().findMarked('JOBSLOT_MEMBER', 'none/1', new Float64Array(2), 1)
startWait(
  (binding, id) => binding.waitProcess(id, process.ppid, true),
  () => {},
)
rmSync(dir, { recursive: true })

if (isMainThread) {
  closeSync(both)
  for (let i = 0; i < 3; i++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: process.argv[2] })
    await new Promise((resolve) => worker.once('message', resolve).once('exit', resolve))
    if (i > 0) await worker.terminate()
  }
  const [addon] = readFileSync('/proc/self/maps', 'utf8').match(/\S+\/jobslot\.node$/m)
  console.log(`done with ${addon}`)
} else {
  for (const way of ['own', 'splice', 'parked']) fd.read(both, 1, { way, timeout: 200 }).catch(() => {})
}
