import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { processEnd } from '../../src/pool/process-end.ts'
import { readProcess } from '../../src/proc.ts'
import { startProgram } from '../fd/program.ts'
import { openFdCount, start, waitFor } from '../support/processes.ts'

const startTimeOf = (pid: number) => readProcess(pid)?.startTime ?? ''

/** A process, and whether it was told that it ended. */
async function watched(argv: string[]) {
  const { pid, result } = start(argv)
  await waitFor(() => startTimeOf(pid) !== '')
  let told = false
  const end = processEnd(pid, startTimeOf(pid)).then(() => {
    told = true
  })
  return { pid, result, end, told: () => told }
}

describe('processEnd', () => {
  test('resolves when the process ends, not before, and leaves nothing open', async () => {
    const before = openFdCount(process.pid)
    const { pid, end, told } = await watched(['sleep', '60'])
    await sleep(50)
    expect(told()).toBe(false)
    const from = performance.now()
    process.kill(pid, 'SIGKILL')
    await end
    expect(performance.now() - from).toBeLessThan(90)
    await waitFor(() => openFdCount(process.pid) <= before + 2) // The waiting thread's own pipe.
  })

  test('a child of somebody else that nobody asks for: a zombie has ended', async () => {
    const parent = start(['sh', '-c', 'sleep 0.3 & echo $! >&2; exec sleep 60'])
    await waitFor(() => parent.stderr() !== '')
    const pid = Number(parent.stderr())
    await processEnd(pid, startTimeOf(pid))
    expect(readProcess(pid)?.ended).toBe(true)
  })

  test('one that has ended, and one whose number another has now', async () => {
    const { pid, result } = start(['true'])
    await result
    await processEnd(pid, '1')
    await processEnd(process.pid, '1')
  })

  test('ends with its signal', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const end = processEnd(process.pid, startTimeOf(process.pid), { signal: controller.signal })
    controller.abort(reason)
    await expect(end).rejects.toBe(reason)
    await expect(processEnd(process.pid, '', { signal: controller.signal })).rejects.toBe(reason)
  })

  const program = (options: string) => `
    const { processEnd } = await import(built + 'pool/process-end.js')
    processEnd(process.ppid, '', ${options})
    setTimeout(() => say('timer'), 50)`

  test('keeps no process alive', async () => {
    await startProgram(program('{}')).ended
  })

  test('keeps one alive that asks for it', async () => {
    const { exited, child } = startProgram(program('{ ref: true }'))
    await expect(Promise.race([exited, sleep(1000, 'waits')])).resolves.toBe('waits')
    child.kill('SIGKILL')
    await exited
  })

  test('asks, where the kernel does not tell', async () => {
    const { said, exited, child } = startProgram(`
      const { processEnd } = await import(built + 'pool/process-end.js')
      native.waitProcess = () => -38
      const { spawn } = await import('node:child_process')
      const child = spawn('sleep', ['0.3'])
      const from = performance.now()
      await processEnd(child.pid, '', { ref: true })
      say(performance.now() - from)
      processEnd(process.pid, '')`)
    await exited
    expect(child.exitCode).toBe(0)
    expect(said[0]).toBeGreaterThan(250)
    expect(said[0]).toBeLessThan(600)
  })
})
