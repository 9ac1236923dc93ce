/** What `acquire` under a jobserver needs, and no more: bundled into a file of its own. */

export { acquireOfJobserver } from './acquire-of-jobserver.ts'
export { jobserverInForce } from './limit-in-force.ts'
