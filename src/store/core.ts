import { Attention } from './attention/attention.ts'
import { Ends } from './ends.ts'
import { Ask } from './engine/ask.ts'
import type { Batch } from './engine/batch.ts'
import type { Context } from './engine/context.ts'
import { Engine } from './engine/engine.ts'
import { storeClosed } from './errors.ts'
import { Housekeeping } from './housekeeping/housekeeping.ts'
import { Notifying } from './notifying.ts'
import type { Parts } from './parts.ts'
import { Reading } from './reading.ts'

/** What the calls of an open store stand on. */
export class Core {
  readonly parts: Parts
  readonly engine: Engine
  readonly context: Context
  readonly attention: Attention
  readonly housekeeping: Housekeeping
  readonly reading: Reading
  readonly notifying: Notifying
  readonly ends: Ends
  #closing: Promise<void> | undefined

  constructor(parts: Parts) {
    this.parts = parts
    const { disk, lines, loaded, synced, now, lives, retention, pid } = parts
    const events = {
      changed: () => {
        this.attention.changed()
        this.housekeeping.changed()
      },
      reloaded: () => {
        this.attention.reloaded()
        this.housekeeping.reloaded()
      },
    }
    const engine = new Engine(disk, lines, loaded, { synced, now, events })
    this.engine = engine
    this.context = { disk, engine, lives, pid, claims: new Map() }
    this.attention = new Attention(this.context, parts.watch, parts.leaseMs)
    this.housekeeping = new Housekeeping({ engine, disk, lines, lives, retention })
    this.reading = new Reading(engine)
    this.notifying = new Notifying(this.context, this.attention, parts)
    this.ends = new Ends(this.context, this.notifying, this.housekeeping)
  }

  get dir(): string {
    return this.parts.disk.dir
  }

  ask<T = void>(decide: (batch: Batch, ask: Ask<T>) => boolean): Promise<T> {
    const ask = new Ask(decide)
    this.engine.submit(ask)
    return ask.promise
  }

  /** All that others have appended is read. */
  async fresh(): Promise<void> {
    this.requireOpen()
    if (!this.engine.catchUp()) await this.ask(() => true)
  }

  /** @throws JobslotError `ERR_JOBSLOT_CLOSED` */
  requireOpen(): void {
    if (this.#closing) throw storeClosed(this.dir)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.attention.close(storeClosed(this.dir))
    await this.housekeeping.close()
    const claims = [...this.context.claims.values()]
    await Promise.all(claims.map((claim) => claim[Symbol.asyncDispose]().catch(() => {})))
    this.attention.stop()
    await this.engine.close()
    this.parts.lives.leave()
    this.parts.onclose?.()
    this.engine.loaded.files.keep(new Set())
    this.parts.disk.close()
  }
}
