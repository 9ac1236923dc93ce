import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Lines } from '../../src/worker/output/lines.ts'
import { project } from './project.ts'

describe('lines', () => {
  const lines = () => {
    const told: string[] = []
    return { told, lines: new Lines((more) => told.push(...more)) }
  }

  test('are told when they are whole, and at the end', () => {
    const { told, lines: into } = lines()
    for (const text of ['a', 'b\nc\n\nd', 'e']) into.push(Buffer.from(text))
    expect(told).toEqual(['ab', 'c', ''])
    into.end()
    expect(told).toEqual(['ab', 'c', '', 'de'])
  })

  test('keep their bytes, be a character cut or none at all', () => {
    const { told, lines: into } = lines()
    const bytes = Buffer.from([...Buffer.from('ä😀'), 0xff, 0x0a])
    for (const byte of bytes) into.push(Buffer.of(byte))
    expect(Buffer.from(`${told[0]}\n`, 'latin1').equals(bytes)).toBe(true)
    expect(into.last).toBe('ä😀\ufffd')
  })

  test('without an end are told in pieces', () => {
    const { told, lines: into } = lines()
    into.push(Buffer.alloc(100_000, 'x'))
    into.push(Buffer.from('\n'))
    expect(told.join('')).toHaveLength(100_000)
    expect(Math.max(...told.map((line) => line.length))).toBe(16 * 1024)
  })

  test('say where some are missing, in a line of their own', () => {
    const { told, lines: into } = lines()
    into.push(Buffer.from('half'))
    into.gap(1, 10)
    into.push(Buffer.from('next\n'))
    into.gap(3, 20)
    expect(told.map((line) => Buffer.from(line, 'latin1').toString())).toEqual([
      'half',
      '… 1 line (10 bytes) dropped',
      'next',
      '… 3 lines (20 bytes) dropped',
    ])
  })

  test('the last 20 are kept for a message', () => {
    const { lines: into } = lines()
    for (let i = 0; i < 50; i++) into.push(Buffer.from(`${i}\n`))
    into.push(Buffer.from('half'))
    expect(into.last.split('\n')).toEqual([...Array.from({ length: 19 }, (_, i) => String(i + 31)), 'half'])
  })
})

describe('what a worker prints', () => {
  test('appears on stderr line by line, behind its name, in its order; and in a file', async () => {
    const p = project()
    p.file(
      'prints.mjs',
      `import { serve } from 'jobslot/worker'
      for (let i = 0; i < 100; i++) { console.log('out', i); console.error('err', i) }
      serve({})`,
    )
    const { stderr } = await p.run(
      `await startWorker('prints.mjs', { name: 'two\\nlines', log: 'log' }).then((worker) => worker.close())`,
      { cwd: p.dir },
    )
    const expected = Array.from({ length: 100 }, (_, i) => [`out ${i}`, `err ${i}`]).flat()
    expect(stderr).toBe(expected.map((line) => `two?lines: ${line}\n`).join(''))
    expect(readFileSync(join(p.dir, 'log'), 'utf8')).toBe(`${expected.join('\n')}\n`)
  })

  test('is not lost where the worker exits at once, however much it is', async () => {
    const p = project()
    p.file(
      'exits.mjs',
      `import { serve } from 'jobslot/worker'
      serve({ go() {
        for (let i = 0; i < 3000; i++) { process.stdout.write('x'.repeat(98) + '\\n'); process.stderr.write('y\\n') }
        process.exit()
      } })`,
    )
    const { stderr } = await p.run(`
      const worker = await startWorker(new URL('./exits.mjs', import.meta.url), { name: 'w' })
      await failure(worker.call('go'))`)
    const dropped = [...stderr.matchAll(/(\d+) lines? \(/g)].reduce((sum, [, lines]) => sum + Number(lines), 0)
    expect(stderr.match(/^w: (x{98}|y)$/gm)!.length + dropped).toBe(6000)
  })

  test('can be silenced', async () => {
    const { stderr } = await project().run(`
      const worker = await startWorker(module, { log: false })
      await worker.call('log', 'unheard')
      await worker.close()`)
    expect(stderr).toBe('')
  })

  const flood = `
    const worker = await startWorker(module, { name: 'flood', log: LOG })
    await worker.call('echo')
    const before = process.memoryUsage.rss()
    const flood = worker.call('flood', 100)
    BLOCK
    const rss = await flood
    say([rss / 1e6, (process.memoryUsage.rss() - before) / 1e6])
    await worker.call('exit').catch((error) => say(error.output.split('\\n').length))`

  test.each([
    ['whose event loop is blocked', 'for (const end = performance.now() + 1500; performance.now() < end; );'],
    ['that is idle', ''],
  ])('as a flood of 100 MB neither stalls nor bloats a parent %s', async (_, block) => {
    const { said, stderr } = await project().run(flood.replace('LOG', 'true').replace('BLOCK', block))
    const [workerMb, grownMb] = said[0] as [number, number]
    expect(workerMb).toBeLessThan(150)
    expect(grownMb).toBeLessThan(60)
    expect(said[1]).toBe(20)
    const counts = [...stderr.matchAll(/(\d+) lines \((\d+) bytes\) dropped/g)]
    const dropped = counts.reduce((sum, [, , bytes]) => sum + Number(bytes), 0)
    const shown = [...stderr.matchAll(/^flood: x{99}$/gm)].length * 100
    if (block) {
      expect(counts.length).toBeLessThan(20)
      expect(dropped + shown).toBe(100e6)
      expect(counts.reduce((sum, [, lines]) => sum + Number(lines), 0)).toBe(dropped / 100)
    }
    expect(stderr.length).toBeLessThan(110e6)
  })

  test('nor one whose stderr nobody reads', { timeout: 30_000 }, async () => {
    const p = project()
    const code = flood.replace('LOG', 'true').replace('BLOCK', '')
    const prelude = `import { startWorker } from 'jobslot/worker'; import fs from 'node:fs'
      const say = (value) => fs.writeSync(1, JSON.stringify(value) + '\\n')
      const module = new URL('./worker.mjs', import.meta.url)\n`
    const child = spawn(process.execPath, [p.file('unread.mjs', prelude + code)], { stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text
    })
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(0)
    const [[, grownMb], lines] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(grownMb).toBeLessThan(60)
    expect(lines).toBe(20)
    child.stderr.destroy()
  })
})
