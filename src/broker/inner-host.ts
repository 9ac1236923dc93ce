import type { Client } from '../client/client.ts'
import { privateOwner } from '../pool/create-pool.ts'
import type { PoolHost } from '../pool/host.ts'
import type { OwnSlots } from '../pool/own-slots.ts'
import { MOST_SLOTS } from '../pool/owner.ts'
import type { ClosableHost } from '../pool/pool.ts'
import { jobserverSource } from '../pool/source.ts'

/**
 * A pool as a process sees it that runs in a member of it: its slots, and those of what it spawns, are drawn from what
 * that member has. As members beside it they would wait for the slot that it holds.
 */
export function innerHost(outer: PoolHost & { close(): Promise<unknown> }, client: Client): ClosableHost {
  // Not the one slot that its caller holds: that is its own, or one of these.
  const inner = privateOwner(jobserverSource(client, client.jobs ?? MOST_SLOTS, 0))
  return {
    join: (request, options) => inner.join(request, options),
    started: (id, command) => inner.started(id, command),
    leave: (id, how) => inner.leave(id, how),
    hungry: (id) => inner.hungry(id),
    resize: (slots) => outer.resize(slots),
    govern: (limits) => outer.govern(limits),
    status: () => outer.status(),
    async close() {
      const audit = await inner.close()
      await outer.close()
      return audit
    },
  }
}

/** What it takes itself. */
export function slotsOf(client: Client): OwnSlots {
  return {
    client,
    async leave() {
      client.close()
      return { missing: 0, extra: 0 }
    },
  }
}
