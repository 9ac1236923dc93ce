import { createText, type JobOptions, optionsOf } from './calls/options.ts'
import type { Disk } from './disk/disk.ts'
import { type Durable, withFolder } from './disk/folder.ts'
import { realLines } from './disk/real-disk.ts'
import { Ask } from './engine/ask.ts'
import { Engine } from './engine/engine.ts'
import { type Created, create } from './engine/operations.ts'
import type { Loaded } from './journal/load.ts'
import { loadTail } from './journal/tail.ts'

/** How a job is to be run, and where it is kept. Times are in milliseconds. */
export interface AddOptions extends JobOptions {
  /** The store's folder, made where it does not exist; the folder above it must. */
  dir: string
  /** When it is answered: see `OpenOptions`. Default `disk`. */
  durability?: Durable | undefined
}

/**
 * A new job, by a program that wants nothing else of the store: it costs the same however many jobs there are. With `key`
 * or `after`, which other jobs matter to, the store is opened.
 *
 * @param request any JSON, of at most 16 MiB
 * @throws JobslotError as `JobStore.open` and `create`
 */
export async function addJob(request: unknown, { dir, durability = 'disk', ...options }: AddOptions): Promise<Created> {
  const fields = optionsOf(options, Date.now())
  const rest = createText(request, fields)
  const isBlind = fields.key === undefined && fields.after === undefined
  const added = isBlind ? await addBlind(dir, durability, fields, rest) : null
  if (added) return added
  const { openStore } = await import('./open.ts')
  const store = await openStore({ dir, durability })
  try {
    return await store.create(request, options)
  } finally {
    await store.close()
  }
}

/** Null where all of the store is to be loaded: there is no journal yet, or it has to be repaired. */
function addBlind(
  dir: string,
  durability: Durable,
  fields: ReturnType<typeof optionsOf>,
  rest: string,
): Promise<Created | null> {
  return withFolder(dir, durability, async (disk, leave) => {
    const loaded = await loadTail(disk, realLines)
    const created = loaded && (await append(disk, loaded, durability === 'disk', fields, rest))
    // Where it fails, `withFolder` does this.
    leave()
    disk.close()
    return created
  })
}

async function append(
  disk: Disk,
  loaded: Loaded,
  synced: boolean,
  fields: ReturnType<typeof optionsOf>,
  rest: string,
): Promise<Created> {
  const engine = new Engine(disk, realLines, loaded, { synced, now: Date.now, events: { changed() {}, reloaded() {} } })
  const ask = new Ask<Created>((batch, ask) => create(batch, fields, rest, ask))
  engine.submit(ask)
  try {
    return await ask.promise
  } finally {
    await engine.close()
    engine.loaded.files.keep(new Set())
  }
}
