/** What `acquire` under a jobserver needs, and no more: bundled into a file of its own. */

export { acquireOfJobserver } from '../acquire/acquire-of-jobserver.ts'
export { jobserverInForce } from '../limit/limit-in-force.ts'
