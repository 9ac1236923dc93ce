import { expect, test } from 'vitest'
import { write } from '../../src/fd.ts'
import { fifoEnds, pipeEnds } from './media.ts'
import { startProgram } from './program.ts'

/** Two copies of the addon's file, which the system loads as two libraries: what two versions of the package would be. */
const twoCopies = `
  const { createRequire } = await import('node:module')
  const require = createRequire(built)
  const { tmpdir } = await import('node:os')
  const path = require('node-gyp-build').path(new URL('..', built).pathname)
  const dir = fs.mkdtempSync(tmpdir() + '/jobslot-')
  fs.copyFileSync(path, dir + '/jobslot.node')
  const bindings = [require(path), require(dir + '/jobslot.node')]
  fs.rmSync(dir, { recursive: true })
  const ends = [new Map(), new Map()]
  const wait = (copy, begin) => new Promise((resolve) => {
    const id = ends[copy].size + 1
    ends[copy].set(id, resolve)
    const result = begin(bindings[copy], id)
    if (result < 0) throw new Error('errno ' + -result)
  })
  bindings.forEach((binding, copy) => binding.listen((id, status, value, data) => {
    ends[copy].get(id)({ status, value, text: data?.toString() })
  }))
`

test('two copies of the addon in one process do not disturb each other', async () => {
  const { readFd, writeFd } = await pipeEnds()
  const program = startProgram(
    `${twoCopies}
    const distinct = bindings[0].dup !== bindings[1].dup
    const count = Number(fs.readFileSync('/proc/self/maps', 'utf8').match(/jobslot\\.node.*r-xp|r-xp.*jobslot\\.node/g)?.length)
    const waits = []
    for (const copy of [0, 1]) {
      for (const way of [0, 2, 3]) {
        const end = way === 0 ? bindings[copy].reopen(3, 0, true) : bindings[copy].dup(3)
        waits.push(wait(copy, (binding, id) => binding.waitBytes(id, end, way, 1, -1)))
      }
      waits.push(wait(copy, (binding, id) => binding.waitEvents(id, 3, 1, -1)))
      waits.push(wait(copy, (binding, id) => binding.waitBytes(id, binding.dup(4), 3, 1, 50)))
    }
    say({ distinct, count })
    const all = await Promise.all(waits)
    say(all.map(({ text }) => text).filter(Boolean).sort().join(''))
    say(all.filter(({ status }) => status === 1).length)
    // What one copy does at its end is nothing to the other.
    const late = [0, 1].map((copy) => wait(copy, (binding, id) => binding.waitBytes(id, binding.dup(3), 2, 1, -1)))
    bindings[0].stop()
    say('stopped')
    say((await late[1]).text)
    process.exit(0)`,
    { fds: [readFd, fifoEnds().readFd] },
  )
  expect(await program.says()).toEqual({ distinct: true, count: 2 })
  write(writeFd, Buffer.from('abcdef'))
  expect(await program.says(2)).toBe('abcdef')
  expect(await program.says(3)).toBe(2)
  await program.says(4)
  write(writeFd, Buffer.from('g'))
  expect(await program.ended).toContain('g')
})

test('each copy gives back its own tokens', async () => {
  const { readFd, writeFd } = fifoEnds()
  write(writeFd, Buffer.from('abcd'))
  const program = startProgram(
    `${twoCopies}
    const channels = bindings.map((binding) => binding.openChannel(binding.reopen(3, 0, true), binding.reopen(4, 1, true), 0, true))
    const taken = bindings.flatMap((binding, copy) => [binding.take(channels[copy]), binding.take(channels[copy])])
    bindings[1].closeChannel(channels[1])
    say([Buffer.from(taken).toString(), fd.available(3), bindings[0].give(channels[0], 100), bindings[0].give(channels[0], 97)])
    say(fd.available(3))`,
    { fds: [readFd, writeFd] },
  )
  expect(await program.ended).toEqual([['abcd', 2, -22, 0], 3])
})
