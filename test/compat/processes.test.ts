import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { tempDir } from '../support/processes.ts'
import { NAME, runOld } from './program.ts'

const require_ = `var JobStore = require('${NAME}')\n`

describe('a program that never closes its store', () => {
  test('runs until it has all its answers, and then ends, though it holds claims', async () => {
    const dir = join(tempDir(), 'store')
    const { code, stdout, stderr } = await runOld(
      `${require_}var store = new JobStore({ dir: $dir })
      store.create('a', function (e, v) {
        store.create('b', function () {
          store.queue(v.id, 't', function () {
            store.pullJob(function (e, job) {
              store.fulfill(job.id, 'value', function () {
                store.pullNotification(function (e, notification) {
                  store.pullJob(function (e, job) {
                    console.log(e, notification.id === v.id, job.request)
                  })
                })
              })
            })
          })
        })
      })`,
      { dir },
    )
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'null true b\n', stderr: '' })
    // What it left claimed is free, and nothing of it lies about.
    expect(readdirSync(dir).filter((name) => name.startsWith('worker-'))).toEqual([])
    const store = await openStore({ dir })
    expect(await store.pullJob()).toMatchObject({ request: 'b', attempt: 2 })
    expect(await store.pullNotification()).toMatchObject({ waiting: ['t'] })
    await store.close()
  })

  test('ends by what a callback throws, as any program does', async () => {
    const { code, stdout, stderr } = await runOld(
      `${require_}process.on('uncaughtException', function (error, origin) { console.log(origin, error.message) })
      process.on('unhandledRejection', function () { console.log('rejected') })
      var store = new JobStore({ dir: $dir + '/no/such' })
      store.create(1, function (e) { throw new Error(e.code) })
      store.create(2)`,
      { dir: tempDir() },
    )
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'uncaughtException ERR_JOBSLOT_STORE\n', stderr: '' })
  })

  test('may make one store after the other: what is of no use any more is closed', async () => {
    const { code, stdout } = await runOld(
      `${require_}var fs = require('fs')
      var count = function () { return fs.readdirSync('/proc/self/fd').length }
      var held
      function round(n, done) {
        if (n === 0) return done()
        new JobStore({ dir: $dir }).create(n, function (e) {
          if (e) throw e
          setImmediate(round, n - 1, done)
        })
      }
      round(3, function () {
        new JobStore({ dir: $dir }).pullJob(function (e, job) {
          held = job
          var before = count()
          round(40, function () {
            var many = count() - before
            var tries = 0
            var timer = setInterval(function () {
              gc()
              if (count() - before > 4 && ++tries < 100) return
              clearInterval(timer)
              held.release(function (e) { console.log(many > 40, count() - before <= 4, e) })
            }, 20)
          })
        })
      })`,
      { dir: join(tempDir(), 'store'), flags: ['--expose-gc'] },
    )
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'true true null\n' })
  })
})

test('a store that nobody holds any more still does what it was asked for', async () => {
  const dir = join(tempDir(), 'store')
  const { code, stdout } = await runOld(
    `${require_}function respond(target, answer, done) {
      var rounds = 0
      var timer = setInterval(function () {
        gc()
        if (++rounds < 10) return
        clearInterval(timer)
        done()
      }, 10)
    }
    new JobStore({ dir: $dir }).create('a', function (e, v) {
      new JobStore({ dir: $dir }).queue(v.id, 't', function () {
        new JobStore({ dir: $dir, respond: respond }).fulfill(v.id, 'value', function (e) { console.log(e) })
      })
    })`,
    { dir, flags: ['--expose-gc'] },
  )
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'null\n' })
  const store = await openStore({ dir })
  expect((await store.list()).jobs).toMatchObject([{ state: 'fulfilled', waiting: [] }])
  await store.close()
})

test('require and import give the class itself', async () => {
  const { stdout } = await runOld(
    `import('${NAME}').then(function (imported) {
      var JobStore = require('${NAME}')
      console.log(typeof JobStore, JobStore.name, imported.default === JobStore, new JobStore({ dir: 'x' }) instanceof JobStore)
    })`,
    { dir: tempDir() },
  )
  expect(stdout).toBe('function JobStore true true\n')
})
