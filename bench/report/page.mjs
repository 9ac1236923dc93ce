import { boundOf, digits, quantity, verdictOf } from './format.mjs'

const FENCE = '```'

/**
 * The whole page as Markdown.
 *
 * @param figures what `--json` writes
 * @param projects the same of elsewhere, or null; see README.md
 * @param options.pictures where the pictures lie, seen from the page
 */
export function reportPage(figures, projects, { pictures }) {
  const rows = figures.rows.map((row) => section(row, pictures))
  const parts = [introduction(figures), origin(figures), summary(figures.rows), ...rows]
  if (projects) parts.push(projectsSection(projects, pictures))
  return `${parts.join('\n\n')}\n`
}

function introduction({ seconds, quick, machine }) {
  const short = quick ? '\n\nThese figures are of a `--quick` run: they say that it works, and nothing else.' : ''
  const busy = isBusy(machine ?? {})
    ? '\n\nThe machine was busy with other things meanwhile: times and targets say little, and spreads are wide.'
    : ''
  return `<!-- Written by \`npm run bench -- --report\`: what is changed by hand is lost with the next run. -->

# Benchmarks

jobslot beside what else there is for the same. This page is written by a command, from nothing but what it has
measured; on another machine, or another day, repeat it:

${FENCE}sh no-run="it takes ${Math.max(1, Math.round(seconds / 60))} minutes"
npm run bench -- --report
${FENCE}

Those that are compared are each a process of its own, started once, and take turns. Every figure is the median of all
rounds; the middle half of them lies between the first and the third quartile, and \`least\` is the best round, when nothing
else wanted the machine. A ratio is taken within each round, and then the median of all. \`speed: A / B\` is how many times as
fast A is, \`time: A / B\` how many times as long A takes. Ratios carry over to other machines, times do not. More on how
it measures is in [bench/README.md](../bench/README.md).${short}${busy}`
}

/** Before it began: what it measures is a load itself. */
function isBusy({ cores, loadBefore }) {
  return cores !== undefined && loadBefore !== undefined && loadBefore[0] > cores / 2
}

/** Where the figures are from. */
function origin({ machine, versions = [], missing = [], commit, date, seconds }) {
  const lines = machineLines(machine ?? {})
  if (date) lines.unshift(['measured', `${date}${seconds ? `, in ${Math.round(seconds / 60)} minutes` : ''}`])
  if (commit) lines.unshift(['jobslot', commit])
  if (versions.length > 0) lines.push(['beside', versions.map(({ name, version }) => `${name} ${version}`).join(', ')])
  if (missing.length > 0) lines.push(['not measured, as missing', missing.join('; ')])
  return `## What was measured, and where\n\n${markdownTable(['', ''], lines)}`
}

function machineLines(machine) {
  const { processor, cores, memory, system, kernel, fileSystem, node, loadBefore, loadAfter } = machine
  const load = (values) => values.map((value) => value.toFixed(2)).join(', ')
  return [
    ['processor', processor && `${processor}${cores ? `, ${cores} of its cores` : ''}`],
    ['memory', memory && quantity(memory, 'bytes')],
    ['system', [system, kernel].filter(Boolean).join(', ')],
    ['file system of the stores', fileSystem],
    ['Node', node],
    ['load before', loadBefore && load(loadBefore)],
    ['load after', loadAfter && load(loadAfter)],
  ].filter(([, value]) => value)
}

function summary(rows) {
  const aimed = rows.flatMap(({ title, tables }) =>
    tables.flatMap((table) => table.ratios.filter(({ target }) => target).map((ratio) => ({ title, table, ratio }))),
  )
  const met = aimed.filter(({ ratio }) => verdictOf(ratio) === 'met')
  const lines = aimed.map(({ title, table, ratio }) => [
    `[${table.title}](#${anchorOf(title)})`,
    ratio.name,
    digits(ratio.median),
    boundOf(ratio),
    told(ratio),
  ])
  return `## Targets

${met.length} of ${aimed.length} are met. Missing one fails nothing: it is told.

${markdownTable(['what', 'ratio', 'measured', 'target', ''], lines, 2)}`
}

function section({ name, title = name, about, tables }, pictures) {
  return [`## ${title}`, ...(about ? [about] : []), ...tables.map((table) => tablePart(table, pictures))].join('\n\n')
}

function projectsSection(projects, pictures) {
  const { machine, versions, commit, date } = projects
  const lines = machineLines(machine ?? {})
  if (date) lines.unshift(['measured', date])
  if (commit) lines.unshift(['jobslot', commit])
  if (versions?.length) lines.push(['with', versions.map(({ name, version }) => `${name} ${version}`).join(', ')])
  const parts = ['## Real projects']
  if (lines.length > 0) parts.push(markdownTable(['', ''], lines))
  for (const { name, title = name, about, tables } of projects.rows) {
    parts.push(`### ${title}`, ...(about ? [about] : []), ...tables.map((table) => tablePart(table, pictures)))
  }
  return parts.join('\n\n')
}

function tablePart(table, pictures) {
  const { title, unit, figures, ratios, curve } = table
  const parts = [`**${title}**`]
  if (curve) parts.push(`![${title}](${pictures}/${curve.file}.svg)`)
  parts.push(curve ? curveTable(table) : figuresTable(figures, unit))
  if (ratios.length > 0) parts.push(ratiosTable(ratios))
  return parts.join('\n\n')
}

function figuresTable(figures, unit) {
  const written = (value) => (value === undefined ? '' : quantity(value, unit))
  const lines = figures.map(({ name, median, low, high, least, p99, samples }) => [
    name,
    written(median),
    `${written(low)} .. ${written(high)}`,
    written(least),
    written(p99),
    String(samples ?? ''),
  ])
  return markdownTable(['', 'median', 'middle half', 'least', '99 %', 'rounds'], lines, 1)
}

/** A line for each x, a column for each series. */
function curveTable({ unit, figures, curve }) {
  const names = [...new Set(figures.map(({ series }) => series))]
  const counts = [...new Set(figures.map(({ x }) => x))]
  const cell = (x, name) => {
    const found = figures.find((figure) => figure.x === x && figure.series === name)
    if (!found) return ''
    const { median, low, high } = found
    return `${quantity(median, unit)} (${quantity(low, unit)} .. ${quantity(high, unit)})`
  }
  const lines = counts.map((x) => [x.toLocaleString('en'), ...names.map((name) => cell(x, name))])
  return markdownTable([curve.x, ...names], lines, 0)
}

function ratiosTable(ratios) {
  const lines = ratios.map((ratio) => {
    const { name, median, low, high, ofLeast } = ratio
    return [name, digits(median), `${digits(low)} .. ${digits(high)}`, digits(ofLeast), boundOf(ratio), told(ratio)]
  })
  return markdownTable(['', 'ratio', 'middle half', 'of the least', 'target', ''], lines, 1)
}

/** One that is missed is to be seen in a long table. */
const told = (ratio) => (verdictOf(ratio) === 'missed' ? '**missed**' : verdictOf(ratio))

/** Columns from `right` on are set to the right. One without a heading and without a cell is left out, as is an empty one. */
function markdownTable(heading, lines, right = heading.length) {
  const used = heading.map((_, column) => column === 0 || lines.some((line) => line[column] !== ''))
  const row = (cells) =>
    `| ${cells
      .filter((_, column) => used[column])
      .map(escaped)
      .join(' | ')} |`
  const rule = row(heading.map((_, column) => (column >= right ? '--:' : '---')))
  return [row(heading), rule, ...lines.map(row)].join('\n')
}

const escaped = (cell) => cell.replaceAll('|', '\\|')

/** As GitHub makes them of headings. */
const anchorOf = (title) =>
  title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
