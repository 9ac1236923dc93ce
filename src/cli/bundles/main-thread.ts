/** In the place of `node:worker_threads` in the bundle: the command line is the main thread, and that module takes ms to load. */
export const isMainThread = true
