/**
 * What a caller gives as options: a name that is none of these would go unnoticed. Pure.
 *
 * @throws TypeError
 */
export function checkOptions(call: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${call} takes an object of options, not ${String(options)}`)
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new TypeError(`${call} has no option ${JSON.stringify(unknown)}: it has ${known.join(', ')}`)
}
