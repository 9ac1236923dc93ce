import { boundOf, digits, quantity, verdictOf } from './format.mjs'

/** The tables as text, one below the other. */
export function asText(rows) {
  return rows.flatMap(({ tables }) => tables.map(tableText)).join('\n')
}

function tableText({ title, unit, figures, ratios }) {
  const parts = [title, columns([['', 'median', 'middle half', 'least', '99 %'], ...figures.map(figureLine(unit))])]
  if (ratios.length > 0) {
    parts.push(columns([['', 'ratio', 'middle half', 'of the least', 'target', ''], ...ratios.map(ratioLine)]))
  }
  return `${parts.join('\n\n')}\n`
}

const figureLine =
  (unit) =>
  ({ name, median, low, high, least, p99 }) => {
    const written = (value) => quantity(value, unit)
    const tail = p99 === undefined ? '' : written(p99)
    return [name, written(median), `${written(low)} .. ${written(high)}`, written(least), tail]
  }

function ratioLine(ratio) {
  const { name, median, low, high, ofLeast } = ratio
  return [name, digits(median), `${digits(low)} .. ${digits(high)}`, digits(ofLeast), boundOf(ratio), verdictOf(ratio)]
}

/** Words to the left, figures to the right. A column without a figure has no heading. */
function columns([heading, ...lines]) {
  const filled = heading.map((title, column) => (lines.some((line) => line[column] !== '') ? title : ''))
  const all = [filled, ...lines]
  const widths = filled.map((_, column) => Math.max(...all.map((line) => line[column].length)))
  const pad = (cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))
  return all.map((line) => `  ${line.map(pad).join('   ')}`.trimEnd()).join('\n')
}
