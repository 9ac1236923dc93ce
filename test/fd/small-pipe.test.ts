import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { available, readSync, write } from '../../src/fd.ts'
import { WAY_SPLICE } from '../../src/native/binding.ts'
import { native } from '../../src/native/load.ts'
import { pipeEnds } from './media.ts'
import { python } from './python.ts'

const F_SETPIPE_SZ = 1031

// As where the pipe is another user's, who has used up the pages that pipes may have: of one page, all in use.
test.for([1, 4])('%i tokens go back into a pipe that poll(2) calls full', async (held, ctx) => {
  const { readFd, writeFd } = await pipeEnds()
  const shrink = `import fcntl; fcntl.fcntl(0, ${F_SETPIPE_SZ}, 4096)`
  expect(spawnSync(python(ctx), ['-c', shrink], { stdio: [readFd, 'inherit', 'inherit'] }).status).toBe(0)
  write(writeFd, Buffer.from('abcde'))
  const binding = native()
  const channel = binding.openChannel(binding.dup(readFd), binding.dup(writeFd), WAY_SPLICE, false)
  const taken = Array.from({ length: held }, () => binding.take(channel))
  expect(available(readFd)).toBe(5 - held)
  for (const byte of taken) expect(binding.give(channel, byte)).toBe(0)
  expect(readSync(readFd, 10, { timeout: 1000 }).toString().split('').sort().join('')).toBe('abcde')
  expect(binding.closeChannel(channel)).toBe(0)
})
