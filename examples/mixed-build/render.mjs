// render.mjs FILE.icon TARGET.c: draws one icon and writes it as an array of shades, 0 to 255.
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'

const SIZE = 24
/** Points looked at in each direction of every pixel: the edges are smooth, and the CPU has something to do. */
const SAMPLES = 64

/** A line is `+` to draw or `-` to erase, then `disc X Y RADIUS` or `box X Y WIDTH HEIGHT`; the icon is 1 wide, 1 high. */
function parse(line) {
  const [sign, shape, ...numbers] = line.split(' ')
  const [x, y, a, b] = numbers.map(Number)
  const holds = {
    disc: (px, py) => (px - x) ** 2 + (py - y) ** 2 <= a ** 2,
    box: (px, py) => px >= x && px <= x + a && py >= y && py <= y + b,
  }[shape]
  if (!holds || !'+-'.includes(sign)) throw new Error(`not a shape: ${line}`)
  return { draws: sign === '+', holds }
}

function shadeOf(shapes, column, row) {
  let filled = 0
  for (let i = 0; i < SAMPLES ** 2; i++) {
    const x = (column + ((i % SAMPLES) + 0.5) / SAMPLES) / SIZE
    const y = (row + (Math.floor(i / SAMPLES) + 0.5) / SAMPLES) / SIZE
    const top = shapes.findLast((shape) => shape.holds(x, y))
    if (top?.draws) filled++
  }
  return Math.round((filled / SAMPLES ** 2) * 255)
}

const [source, target] = process.argv.slice(2)
const name = basename(source, '.icon')
const lines = readFileSync(source, 'utf8').split('\n')
const shapes = lines.filter((line) => line !== '').map(parse)
const rows = Array.from({ length: SIZE }, (_, row) =>
  Array.from({ length: SIZE }, (_, column) => shadeOf(shapes, column, row)).join(', '),
)
writeFileSync(
  target,
  `#include "icons/icon.h"
static const unsigned char shades[] = {
  ${rows.join(',\n  ')}
};
const struct icon icon_${name} = { "${name}", ${SIZE}, shades };
`,
)
