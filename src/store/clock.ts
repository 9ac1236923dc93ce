/** As `performance.now`, for whose module Node needs a millisecond when it is first used. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}
