import { DEFAULT_POOL } from '../../broker/place.ts'
import { findMakeflags } from '../../makeflags/index.ts'
import { fileNameOf } from '../../names.ts'
import { MEMBER_VARIABLE, memberOf } from '../../pool/marks.ts'

/** Which limit a command is to keep. */
export type Choice = { kind: 'jobserver' } | PoolChoice | { kind: 'none' }

export interface PoolChoice {
  kind: 'pool'
  name: string
  /** The number of the member that the command belongs to already: its slots are the caller's. */
  member: number | null
  by: '--pool' | 'JOBSLOT_POOL' | 'default'
}

/**
 * The first of: `--pool`, a jobserver, `JOBSLOT_POOL`, the pool `default`. The last not for a command that has a limit
 * of its own (`orDefault` false). Pure.
 */
export function whichLimit(env: NodeJS.ProcessEnv, options: { pool: string | undefined; orDefault: boolean }): Choice {
  const of = (name: string, by: PoolChoice['by']): Choice => ({
    kind: 'pool',
    name,
    member: memberOf(env[MEMBER_VARIABLE], fileNameOf(name)),
    by,
  })
  if (options.pool !== undefined) return of(options.pool, '--pool')
  if (findMakeflags(env)) return { kind: 'jobserver' }
  if (env.JOBSLOT_POOL) return of(env.JOBSLOT_POOL, 'JOBSLOT_POOL')
  return options.orDefault ? of(DEFAULT_POOL, 'default') : { kind: 'none' }
}
