/** What `acquire` of a pool needs, and no more: bundled into a file of its own. */

export { acquireOfPool } from '../acquire/acquire-of-pool.ts'
