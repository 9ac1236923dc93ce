/** The value below which the share `p` of the values lies, between the two nearest where it falls between them. */
export function quantile(values, p) {
  const sorted = values.toSorted((a, b) => a - b)
  const place = (sorted.length - 1) * p
  const below = sorted[Math.floor(place)]
  return below + (sorted[Math.ceil(place)] - below) * (place % 1)
}

export const median = (values) => quantile(values, 0.5)

/** Median and the middle half of the values. */
function middle(values) {
  return { median: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75), samples: values.length }
}

/** A contender's line in a table. `least` is what it took when nothing else wanted the machine. */
export function figure(name, values) {
  return { name, ...middle(values), least: Math.min(...values) }
}

/**
 * A ratio's line in a table. It is taken round by round: what slows the machine for a while slows all contenders, and
 * falls out. `ofLeast` is the ratio of each contender's least figure.
 *
 * @param series figures of the contenders concerned, by round
 * @param options.formula makes the ratio of one figure of each
 * @param options.target what the ratio should be, `{ atLeast }` or `{ atMost }`; null where it is only told
 */
export function ratio(name, series, { formula = (a, b) => a / b, target = null } = {}) {
  const [first] = series
  const values = first.map((_, round) => formula(...series.map((figures) => figures[round])))
  return { name, ...middle(values), ofLeast: formula(...series.map((figures) => Math.min(...figures))), target }
}

/** The middle value is what is compared: a target is one for the usual case. */
export function meets({ median, target }) {
  return 'atLeast' in target ? median >= target.atLeast : median <= target.atMost
}

/** A point of a curve, and a line in its table: `x` is what was varied. */
export function point(series, x, values) {
  return { ...figure(`${series}, ${x.toLocaleString('en')}`, values), series, x }
}
