import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, type TestContext, test } from 'vitest'
import { ConflictError } from '../../src/document/conflict-error.ts'
import { openDocument } from '../../src/document/document.ts'
import { encodeDocument } from '../../src/document/format.ts'
import { mkfifo } from '../../src/fd.ts'
import { requireProgram } from '../cli/recipes.ts'
import { built } from '../client/program.ts'
import { run, tempDir, waitFor } from '../support/processes.ts'

const newDocument = <T>(options = {}) => openDocument<T>(join(tempDir(), 'state.json'), options)

describe('read and write', () => {
  test('a document that does not exist has version 0', async () => {
    const document = await newDocument()
    expect(await document.read()).toEqual({ version: 0, value: undefined })
    expect(readdirSync(join(document.path, '..'))).toEqual([])
  })

  test('each write is a version', async () => {
    const document = await newDocument<unknown>()
    for (const [i, value] of [{ a: [1, 'é', null] }, null, 0, '', false, []].entries()) {
      expect(await document.write(value)).toBe(i + 1)
      expect(await document.read()).toEqual({ version: i + 1, value })
    }
    expect(readFileSync(document.path)).toEqual(encodeDocument(6, '[]'))
  })

  test('two that are open on one file see the same', async () => {
    const first = await newDocument<number>()
    const second = await openDocument<number>(first.path)
    await first.write(1)
    expect(await second.write(2)).toBe(2)
    expect(await first.read()).toEqual({ version: 2, value: 2 })
  })

  test('what is written is the value as it was at the call', async () => {
    const document = await newDocument<number[]>()
    const value = [1]
    const written = document.write(value)
    value.push(2)
    await written
    expect(await document.read()).toEqual({ version: 1, value: [1] })
  })

  test('a removed document begins anew', async () => {
    const document = await newDocument<number>()
    await document.write(1)
    rmSync(document.path)
    expect(await document.read()).toEqual({ version: 0, value: undefined })
    expect(await document.write(2)).toBe(1)
  })

  test('one of some megabytes', async () => {
    const document = await newDocument<string[]>()
    const value = Array.from({ length: 50_000 }, (_, i) => `${i} ${'é'.repeat(40)}`)
    await document.write(value)
    expect((await document.read()).value).toEqual(value)
  })
})

describe('ifVersion', () => {
  test('writes where the version is the one named', async () => {
    const document = await newDocument<string>()
    expect(await document.write('a', { ifVersion: 0 })).toBe(1)
    expect(await document.write('b', { ifVersion: 1 })).toBe(2)
  })

  test.for([0, 1, 3])('else it is a conflict, with both versions: %i', async (expected) => {
    const document = await newDocument<string>()
    await document.write('a')
    await document.write('b')
    const error = await document.write('c', { ifVersion: expected }).catch((error) => error)
    expect(error).toBeInstanceOf(ConflictError)
    expect(error).toMatchObject({ name: 'ConflictError', code: 'ERR_JOBSLOT_CONFLICT', expected, actual: 2 })
    expect(error.message).toBe(
      `the document ${document.path} has version 2, not ${expected}: read it again and write with the version found`,
    )
    expect(await document.read()).toEqual({ version: 2, value: 'b' })
  })

  test('of two that write at once, one wins', async () => {
    const document = await newDocument<number>()
    const results = await Promise.allSettled([1, 2, 3].map((value) => document.write(value, { ifVersion: 0 })))
    expect(results.filter(({ status }) => status === 'fulfilled')).toEqual([{ status: 'fulfilled', value: 1 }])
    expect((await document.read()).version).toBe(1)
  })

  test.for([-1, 0.5, Number.NaN, 2 ** 53, '1', null])('%j is no version', async (ifVersion) => {
    const document = await newDocument<number>()
    await expect(document.write(1, { ifVersion: ifVersion as number })).rejects.toThrow(
      new TypeError(`write: ifVersion must be a version, a whole number from 0 up, not ${ifVersion}`),
    )
  })
})

describe('update', () => {
  test('gets value and version, and answers with the new ones', async () => {
    const document = await newDocument<number>()
    const seen: unknown[] = []
    const add = (value: number | undefined, version: number) => {
      seen.push([value, version])
      return (value ?? 10) + 1
    }
    expect(await document.update(add)).toEqual({ version: 1, value: 11 })
    expect(await document.update(async (value, version) => add(value, version))).toEqual({ version: 2, value: 12 })
    expect(seen).toEqual([
      [undefined, 0],
      [11, 1],
    ])
  })

  test('nothing is lost where many update at once, in order', async () => {
    const document = await newDocument<number[]>()
    const updates = Array.from({ length: 30 }, (_, i) =>
      document.update(async (value = []) => {
        if (i % 5 === 0) await sleep(2)
        return [...value, i]
      }),
    )
    await Promise.all(updates)
    expect((await document.read()).value).toEqual(Array.from({ length: 30 }, (_, i) => i))
  })

  test('where the function throws, nothing is written and others go on', async () => {
    const document = await newDocument<number>()
    await document.write(1)
    const error = new Error('mine')
    await expect(document.update(() => Promise.reject(error))).rejects.toBe(error)
    await expect(
      document.update(() => {
        throw error
      }),
    ).rejects.toBe(error)
    expect(await document.update((value) => value! + 1)).toEqual({ version: 2, value: 2 })
  })

  test('a function that returns nothing', async () => {
    const document = await newDocument<{ a: number }>()
    const changesInPlace = (value?: { a: number }) => {
      if (value) value.a = 1
    }
    const update = document.update(changesInPlace as () => { a: number })
    await expect(update).rejects.toThrow(new TypeError('update: the function returned nothing: return the new value'))
    await expect(document.update(1 as never)).rejects.toThrow(TypeError)
    expect(await document.read()).toEqual({ version: 0, value: undefined })
  })
})

describe('a value that JSON cannot hold', () => {
  test.for<[string, unknown]>([
    ['undefined', undefined],
    ['a bigint', { a: 1n }],
    ['a Promise', Promise.resolve(1)],
  ])('%s', async ([what, value]) => {
    const document = await newDocument<unknown>()
    const folder = join(document.path, '..')
    await expect(document.write(value)).rejects.toThrow(TypeError)
    expect(readdirSync(folder)).toEqual([])
    await document.write(1)
    if (value !== undefined) await expect(document.update(() => [value])).rejects.toThrow(`JSON cannot hold ${what}`)
    expect(await document.read()).toEqual({ version: 1, value: 1 })
  })
})

describe('timeout and signal', () => {
  /** A document that another update keeps until `end` is called. */
  async function busy(options = {}) {
    const document = await newDocument<string>(options)
    let finish = (_value: string) => {}
    const value = new Promise<string>((resolve) => {
      finish = resolve
    })
    let first: Promise<unknown> = Promise.resolve()
    await new Promise<void>((begun) => {
      first = document.update(() => {
        begun()
        return value
      })
    })
    const end = () => {
      finish('first')
      return first
    }
    return { document, end }
  }

  test.for([
    ['of the call', {}, { timeout: 20 }],
    ['of the document', { timeout: 20 }, {}],
    ['of the call before that of the document', { timeout: 60_000 }, { timeout: 0 }],
  ] as const)('timeout %s', async ([, ofDocument, ofCall]) => {
    const { document, end } = await busy(ofDocument)
    await expect(document.write('second', ofCall)).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
    await expect(document.update(() => 'second', ofCall)).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
    await end()
    expect(await document.read()).toEqual({ version: 1, value: 'first' })
  })

  test('signal', async () => {
    const { document, end } = await busy()
    const controller = new AbortController()
    const write = document.write('second', { signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(write).rejects.toBe(reason)
    await expect(document.write('third', { signal: controller.signal })).rejects.toBe(reason)
    await end()
    expect(await document.read()).toEqual({ version: 1, value: 'first' })
  })

  test('signal while the function runs', async () => {
    const document = await newDocument<string>()
    const controller = new AbortController()
    const reason = new Error('enough')
    const update = document.update(
      () => {
        controller.abort(reason)
        return 'value'
      },
      { signal: controller.signal },
    )
    await expect(update).rejects.toBe(reason)
    expect(await document.read()).toEqual({ version: 0, value: undefined })
  })
})

describe('a file that is no document is left as it is', () => {
  const whole = String(encodeDocument(3, '{"a":1}'))

  test.for<[string, string, string]>([
    ['empty', '', 'it is empty'],
    ['foreign', '{"name":"somebody else\'s"}\n', 'it does not begin as a document does'],
    ['damaged', whole.replace('1}', '2}'), 'its checksum does not fit, so it was damaged or edited'],
    ['cut', whole.slice(0, 60), 'its end is missing'],
    ['at its last version', String(encodeDocument(Number.MAX_SAFE_INTEGER, '1')), 'no version comes after'],
  ])('%s', async ([what, content, problem]) => {
    const path = join(tempDir(), 'state.json')
    writeFileSync(path, content)
    const before = statSync(path)
    const document = await openDocument(path)
    const calls = [
      () => document.write(1),
      () => document.write(1, { ifVersion: 3 }),
      () => document.update(() => 1),
      ...(what === 'at its last version' ? [] : [() => document.read()]),
    ]
    for (const call of calls) {
      const error = await call().catch((error) => error)
      expect(error).toMatchObject({ code: 'ERR_JOBSLOT_DOCUMENT' })
      expect(error.message).toContain(`${path} cannot be used as a document and was left as it is, for ${problem}`)
    }
    expect(readFileSync(path, 'utf8')).toBe(content)
    expect(statSync(path)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs, mode: before.mode })
  })

  const noFile = { code: 'ERR_JOBSLOT_DOCUMENT', message: expect.stringContaining('it is no regular file') }

  test('a folder', async () => {
    await expect(openDocument(tempDir())).rejects.toMatchObject(noFile)
  })

  test('a FIFO, which would block', async () => {
    const path = join(tempDir(), 'fifo')
    mkfifo(path)
    await expect(openDocument(path)).rejects.toMatchObject(noFile)
    expect(lstatSync(path).isFIFO()).toBe(true)
  })

  test('a FIFO that comes later', async () => {
    const document = await newDocument()
    mkfifo(document.path)
    await expect(document.read()).rejects.toMatchObject(noFile)
    await expect(document.write(1)).rejects.toMatchObject(noFile)
    expect(lstatSync(document.path).isFIFO()).toBe(true)
  })

  test('a socket', async () => {
    const path = join(tempDir(), 'socket')
    const server = createServer().listen(path)
    onTestFinished(() => void server.close())
    await waitFor(() => lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    await expect(openDocument(path)).rejects.toMatchObject(noFile)
  })

  test('a device', async () => {
    await expect(openDocument('/dev/null')).rejects.toMatchObject(noFile)
  })
})

describe('paths', () => {
  test.for([undefined, null, 1, '', Buffer.from('a')])('%j is none', async (path) => {
    await expect(openDocument(path as string)).rejects.toThrow(TypeError)
  })

  test('a folder that is missing', async () => {
    const path = join(tempDir(), 'none/state.json')
    await expect(openDocument(path)).rejects.toMatchObject({
      code: 'ERR_JOBSLOT_DOCUMENT_IO',
      message: expect.stringMatching(/cannot be read \(ENOENT: .*\): its folder has to be there$/),
    })
  })

  test('a relative path stays where it was', async () => {
    const path = join(tempDir(), 'state.json')
    const document = await openDocument(relative(process.cwd(), path))
    expect(document.path).toBe(path)
  })

  test.for(['a file that is there', 'a file that is not there yet'])('a link to a link to %s', async (what) => {
    const folder = tempDir()
    for (const name of ['real', 'links']) mkdirSync(join(folder, name))
    const real = join(folder, 'real/state.json')
    symlinkSync('../real/state.json', join(folder, 'links/first'))
    symlinkSync(join(folder, 'links/first'), join(folder, 'second'))
    if (what === 'a file that is there') await (await openDocument(real)).write('old')

    const document = await openDocument<string>(join(folder, 'second'))
    expect(document.path).toBe(real)
    await document.write('new')
    expect(lstatSync(join(folder, 'second')).isSymbolicLink()).toBe(true)
    expect(lstatSync(join(folder, 'links/first')).isSymbolicLink()).toBe(true)
    expect((await (await openDocument(real)).read()).value).toBe('new')
  })

  test('a link to itself', async () => {
    const path = join(tempDir(), 'state.json')
    symlinkSync('state.json', path)
    await expect(openDocument(path)).rejects.toMatchObject({
      code: 'ERR_JOBSLOT_DOCUMENT',
      message: expect.stringContaining('it is a link that leads to no end'),
    })
  })
})

describe('rights', () => {
  test('a new document has those that the umask leaves', async () => {
    const document = await newDocument<number>()
    await document.write(1)
    expect(statSync(document.path).mode & 0o777).toBe(0o666 & ~process.umask())
  })

  test.for([0o600, 0o644, 0o666, 0o440])('a write keeps them: %o', async (mode) => {
    const document = await newDocument<number>()
    await document.write(1)
    chmodSync(document.path, mode)
    await document.write(2)
    expect(statSync(document.path).mode & 0o7777).toBe(mode)
  })

  test('and owner and group, as far as this process may give files away', async () => {
    const document = await newDocument<number>()
    await document.write(1)
    const isRoot = process.getuid?.() === 0
    const uid = isRoot ? 12345 : process.getuid!()
    const gid = isRoot ? 54321 : process.getgroups!().at(-1)!
    chownSync(document.path, uid, gid)
    chmodSync(document.path, 0o640)
    await document.write(2)
    expect(statSync(document.path)).toMatchObject({ uid, gid, mode: 0o100640 })
  })

  describe('of another user', () => {
    const another = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    const asAnother = (ctx: TestContext, path: string) => {
      requireProgram('setpriv', ctx)
      if (process.getuid?.() !== 0) {
        const message = 'only root can become another user: run this test as root'
        if (process.env.CI) throw new Error(message)
        console.warn(`SKIPPED: ${message}`)
        ctx.skip(message)
      }
      const writer = join(import.meta.dirname, 'writer.mjs')
      return run([...another, process.execPath, writer, built('document/document.js'), path])
    }

    test('the group is not kept by one who is not in it, and its rights are for no other', async (ctx) => {
      const document = await newDocument<object>()
      chmodSync(join(document.path, '..'), 0o777)
      await document.write({})
      chmodSync(document.path, 0o664)
      const { stdout, stderr } = await asAnother(ctx, document.path)
      expect({ stdout, stderr }).toEqual({ stdout: '{"version":2}\n', stderr: '' })
      expect(statSync(document.path)).toMatchObject({ uid: 65534, gid: 65534, mode: 0o100604 })
    })

    test('one who may not write there may read, and is told', async (ctx) => {
      const document = await newDocument<object>()
      chmodSync(join(document.path, '..'), 0o755)
      await document.write({})
      writeFileSync(`${document.path}.jobslot-new`, 'half a docum')
      const { stdout, stderr } = await asAnother(ctx, document.path)
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toMatchObject({ code: 'ERR_JOBSLOT_LOCK_FOLDER' })
      expect(await document.read()).toEqual({ version: 1, value: {} })
    })
  })
})

describe('what a crash has left', () => {
  const leftBy = (path: string) => `${path}.jobslot-new`

  test('goes when the document is opened', async () => {
    const first = await newDocument<number>()
    await first.write(1)
    writeFileSync(leftBy(first.path), 'half a docum')
    const second = await openDocument<number>(first.path)
    expect(lstatSync(leftBy(first.path), { throwIfNoEntry: false })).toBeUndefined()
    expect(await second.read()).toEqual({ version: 1, value: 1 })
  })

  test("is in nobody's way, and a link is not followed", async () => {
    const document = await newDocument<number>()
    const other = join(document.path, '../other')
    writeFileSync(other, 'keep this')
    symlinkSync(other, leftBy(document.path))
    expect(await document.write(1)).toBe(1)
    expect(readFileSync(other, 'utf8')).toBe('keep this')
    expect(lstatSync(document.path).isFile()).toBe(true)
  })

  test('goes when an update ends without a write', async () => {
    const document = await newDocument<number>()
    writeFileSync(leftBy(document.path), 'half a docum')
    await document.update(() => Promise.reject(new Error('mine'))).catch(() => {})
    expect(lstatSync(leftBy(document.path), { throwIfNoEntry: false })).toBeUndefined()
  })

  test('stays while somebody writes', async () => {
    const first = await newDocument<number>()
    await first.update(async () => {
      writeFileSync(leftBy(first.path), 'mine')
      await openDocument(first.path)
      expect(readFileSync(leftBy(first.path), 'utf8')).toBe('mine')
      return 1
    })
  })
})

describe('nothing is left beside the document', () => {
  const alone = (path: string) => readdirSync(join(path, '..')).toString() === 'state.json'

  test('by a process that lives', async () => {
    const document = await newDocument<number>()
    await Promise.all([1, 2, 3].map((value) => document.write(value)))
    await document.write(4, { ifVersion: 9 }).catch(() => {})
    await waitFor(() => alone(document.path), 5000, 'the lock file is gone')
  })
})
