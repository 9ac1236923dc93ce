/** Variables of a worker's environment; undefined takes one away. */
export type WorkerEnv = Record<string, string | undefined>

/**
 * What says where the user is at home and which language they speak. Nothing of the job or terminal that happens to
 * start a shared worker: CI systems kill what carries a job's cookie, MAKEFLAGS names a jobserver that will be gone,
 * NODE_OPTIONS is the starter's own, and TMPDIR may be a folder of the job.
 */
const KEPT = ['HOME', 'PATH', 'LANG', 'LANGUAGE', 'TZ', 'USER', 'LOGNAME', 'SHELL', 'JOBSLOT_DIR']

/** The environment of a shared worker. Pure. */
export function sharedEnvironment(env: WorkerEnv, over: WorkerEnv = {}): WorkerEnv {
  const kept = Object.entries(env).filter(([name]) => KEPT.includes(name) || name.startsWith('LC_'))
  return { ...Object.fromEntries(kept), ...over }
}
