import { existsSync } from 'node:fs'
import { BrokerClient } from '../../broker/broker-client.ts'
import { isRunning } from '../../broker/is-running.ts'
import { allPools, type PoolPlace, placeOfPool } from '../../broker/place.ts'
import { readSettings, slotsOf } from '../../broker/settings.ts'
import { sweepPools } from '../../broker/sweep.ts'
import { connectTo } from '../../client/connect.ts'
import { sweepRecipes } from '../../client/recipe.ts'
import { sweepRuns } from '../../pool/fifo-place.ts'
import type { PoolStatus } from '../../pool/host.ts'
import { nameOf } from '../limit/limit-in-force.ts'
import { whichLimit } from '../limit/which-limit.ts'
import type { Shown } from './status-table.ts'

/** Looks at limits again and again, or once, without using them. */
export interface Onlooker {
  look(): Promise<Shown[]>
  close(): Promise<void>
}

/** What to look at: a pool by its name; else the limit in force; else, with `all`, every pool there is. */
export function onlooker(pool: string | undefined, all: boolean): Onlooker {
  const choice = whichLimit(process.env, { pool, orDefault: true })
  if (choice.kind === 'jobserver') return jobserverOnlooker()
  if (all && choice.kind === 'pool' && choice.by === 'default') return everyPool()
  sweepAll()
  const place = placeOfPool(choice.kind === 'pool' ? choice.name : '')
  return poolsOnlooker(() => [place])
}

export function everyPool(): Onlooker {
  sweepAll()
  return poolsOnlooker(allPools)
}

function sweepAll(): void {
  sweepPools()
  sweepRuns()
  sweepRecipes()
}

function jobserverOnlooker(): Onlooker {
  const client = connectTo({}, false)
  return {
    async look() {
      if (!client) return []
      const { jobs, available } = client
      return [
        { name: nameOf(client), status: { pool: null, slots: jobs, free: available, members: null, waiters: null } },
      ]
    },
    async close() {
      client?.close()
    },
  }
}

/** A connection is kept while there is somebody in the pool; one more would keep its broker from ending. */
function poolsOnlooker(places: () => PoolPlace[]): Onlooker {
  const open = new Map<string, BrokerClient>()
  const look = async (place: PoolPlace): Promise<Shown> => {
    const { name, mark } = place
    if (!open.has(mark) && !isRunning(place)) {
      return { name: `pool ${name}`, mark, asleep: true, unmade: !existsSync(place.settings), status: asleep(place) }
    }
    const host = open.get(mark) ?? (await BrokerClient.connect(place))
    open.set(mark, host)
    const status = await host.status()
    if (status.members.length + status.waiters.length === 0) {
      open.delete(mark)
      await host.close()
    }
    return { name: `pool ${name}`, mark, status }
  }
  return {
    look: () => Promise.all(places().map(look)),
    async close() {
      await Promise.all(Array.from(open.values(), (host) => host.close()))
    },
  }
}

/** Of a pool that nobody uses. */
function asleep(place: PoolPlace): PoolStatus {
  const settings = readSettings(place)
  const slots = slotsOf(settings)
  const { limits } = settings
  const governor = Object.keys(limits).length === 0 ? null : { limits, reason: null }
  const counts = { slots, effective: slots, free: slots, overReturned: 0, reclaimed: 0 }
  return { pool: place.name, ...counts, governor, members: [], waiters: [] }
}
