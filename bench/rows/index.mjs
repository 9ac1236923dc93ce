import { backlog } from './backlog.mjs'
import { churn } from './churn.mjs'
import { handOver } from './hand-over.mjs'
import { jobAdd } from './job-add.mjs'
import { lock } from './lock.mjs'
import { make } from './make.mjs'
import { pool } from './pool.mjs'
import { rebalance } from './rebalance.mjs'
import { start } from './start.mjs'
import { store } from './store.mjs'
import { token } from './token.mjs'
import { wait } from './wait.mjs'
import { waiters } from './waiters.mjs'
import { worker } from './worker.mjs'

/** All that is measured, in the report's order. */
export const ROWS = [
  ...[token, handOver, waiters, make, start, wait, lock, worker, pool, rebalance],
  ...[store, backlog, churn, jobAdd],
]
