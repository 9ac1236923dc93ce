/**
 * What the jobs of a build have recorded with `job` (test/support/job.c): how many there were, the most that ran at once
 * and how many on average, and when each ended, in nanoseconds since the first began. One that ends in the instant in
 * which another begins is over by then.
 */
export function summary(text) {
  const changes = text.split('\n').filter((line) => line !== '')
  const at = changes.map((line) => /^([BE]) (\d+) \d+ (.*)$/.exec(line) ?? failed(`not a line of a span: ${line}`))
  const events = at.map(([, what, time, label]) => ({ by: what === 'B' ? 1 : -1, time: BigInt(time), label }))
  events.sort((a, b) => (a.time === b.time ? a.by - b.by : a.time < b.time ? -1 : 1))
  const first = events[0]?.time ?? 0n
  const ends = []
  let [running, peak, busy] = [0, 0, 0n]
  for (const { by, time, label } of events) {
    running += by
    busy -= BigInt(by) * time
    peak = Math.max(peak, running)
    if (by === -1) ends.push({ label, at: Number(time - first) })
  }
  if (running !== 0) throw new Error(`${running} jobs have begun and not ended`)
  const whole = ends.at(-1)?.at ?? 0
  return { jobs: ends.length, peak, average: whole === 0 ? 0 : Number(busy) / whole, ends }
}

function failed(message) {
  throw new Error(message)
}
