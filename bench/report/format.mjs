import { meets } from '../statistics.mjs'

const SCALES = {
  ns: [
    ['s', 1e9],
    ['ms', 1e6],
    ['us', 1e3],
    ['ns', 1],
  ],
  bytes: [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
    ['bytes', 1],
  ],
}

/** A figure with its unit: the largest of its kind in which it is at least 1. */
export function quantity(value, unit) {
  const scale = SCALES[unit]
  if (!scale) return `${digits(value)}${unit && ' '}${unit}`
  const [name, size] = scale.find(([, size]) => Math.abs(value) >= size) ?? scale.at(-1)
  return `${digits(value / size)} ${name}`
}

/** The digits that say something: 342, 42.1, 0.61. */
export function digits(value) {
  const size = Math.abs(value)
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2)
}

/** What a ratio should be, or nothing. */
export function boundOf({ target }) {
  if (!target) return ''
  return 'atLeast' in target ? `>= ${target.atLeast}` : `<= ${target.atMost}`
}

/** Whether it is that. */
export function verdictOf(ratio) {
  if (!ratio.target) return ''
  return meets(ratio) ? 'met' : 'missed'
}
