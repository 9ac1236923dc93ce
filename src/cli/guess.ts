/** The known word that was most likely meant: one that this begins, or that is a slip or two away. Pure. */
export function closest(word: string, known: readonly string[]): string | undefined {
  const begun = known.filter((one) => word.length > 1 && one.startsWith(word)).sort((a, b) => a.length - b.length)
  const [shortest] = begun
  if (shortest !== undefined && begun.every((one) => one.startsWith(shortest))) return shortest
  const slips = word.length > 4 ? 2 : 1
  return known
    .map((one) => ({ one, distance: distanceOf(word, one) }))
    .filter(({ one, distance }) => distance <= slips && distance < one.length / 2)
    .sort((a, b) => a.distance - b.distance)[0]?.one
}

/** How many characters were left out, added, changed or exchanged with their neighbour. */
function distanceOf(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > 2) return Number.POSITIVE_INFINITY
  let [before, last] = [[] as number[], Array.from({ length: to.length + 1 }, (_, n) => n)]
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const isSame = from[i - 1] === to[j - 1]
      const isExchanged = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      row[j] = Math.min(
        last[j]! + 1,
        row[j - 1]! + 1,
        last[j - 1]! + (isSame ? 0 : 1),
        isExchanged ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY,
      )
    }
    before = last
    last = row
  }
  return last[to.length]!
}
