import { parse, View } from 'vega'
import { compile } from 'vega-lite'

const WIDTH = 560
const HEIGHT = 260

/** Times as people write them; the axis has round ones alone. */
const TIME = `datum.value >= 1e9 ? format(datum.value / 1e9, '~r') + ' s'
  : datum.value >= 1e6 ? format(datum.value / 1e6, '~r') + ' ms'
  : datum.value >= 1e3 ? format(datum.value / 1e3, '~r') + ' us'
  : format(datum.value, '~r') + ' ns'`

/** Told apart by people who see few colours, too. */
const COLOURS = ['#0b5cad', '#d55e00', '#3f7f3f', '#7f3c8d']

/**
 * The curve of a table as an SVG text: a line through the medians, and the middle half around it as a band.
 *
 * @param table one with `curve`; the figures that have `series` and `x` are its points
 */
export function curveSvg(table) {
  return new View(parse(compile(specification(table)).spec), { renderer: 'none' }).toSVG()
}

function specification({ title, unit, figures, curve }) {
  const points = figures.filter(({ series }) => series !== undefined)
  const names = [...new Set(points.map(({ series }) => series))]
  const counts = [...new Set(points.map(({ x }) => x))]
  const x = {
    field: 'x',
    type: 'quantitative',
    title: curve.x,
    scale: { type: 'log', nice: false },
    axis: { values: counts, format: ',', grid: false },
  }
  const marks = roundMarks(points)
  const y = (field) => ({
    field,
    type: 'quantitative',
    title: curve.y,
    scale: { type: 'log', nice: false, domain: [marks[0], marks.at(-1)] },
    axis: { values: marks, ...(unit === 'ns' ? { labelExpr: TIME } : {}) },
  })
  const color = {
    field: 'series',
    type: 'nominal',
    title: null,
    scale: { domain: names, range: COLOURS },
    legend: {
      orient: 'bottom',
      columns: names.length > 2 ? 2 : 0,
      labelLimit: 0,
      symbolType: 'stroke',
      symbolOpacity: 1,
    },
  }
  return {
    width: WIDTH,
    height: HEIGHT,
    // A page may be dark.
    background: 'white',
    padding: 12,
    title: { text: title, anchor: 'start', fontSize: 14, offset: 12 },
    data: { values: points.map(({ series, x, median, low, high }) => ({ series, x, median, low, high })) },
    encoding: { x, color },
    layer: [
      { mark: { type: 'area', opacity: 0.18 }, encoding: { y: y('low'), y2: { field: 'high' } } },
      { mark: { type: 'line', point: { size: 36 }, strokeWidth: 2 }, encoding: { y: y('median') } },
    ],
    config: { font: 'sans-serif', axis: { labelFontSize: 11, titleFontSize: 12 }, legend: { labelFontSize: 12 } },
  }
}

/** Powers of ten around all points; the 2 and the 5 between them too, where those are few. */
function roundMarks(points) {
  const least = Math.min(...points.map(({ low }) => low))
  const most = Math.max(...points.map(({ high }) => high))
  const decades = Math.log10(most / least)
  const steps = decades > 2.5 ? [1] : [1, 2, 5]
  const marks = []
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++) {
    marks.push(...steps.map((step) => step * 10 ** power))
  }
  const first = marks.findLastIndex((mark) => mark <= least)
  const last = marks.findIndex((mark) => mark >= most)
  return marks.slice(Math.max(first, 0), last + 1)
}
