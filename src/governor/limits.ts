import type { GovernorLimits, Pressure } from './governor.ts'

const KINDS = ['cpu', 'memory', 'io'] as const

/** Limits of which each is a number that makes sense; those that are not given are left out. @throws TypeError */
export function checkLimits(limits: GovernorLimits): GovernorLimits {
  const { maxLoad, minMemory, maxPressure } = limits
  const checked: GovernorLimits = {}
  if (maxLoad !== undefined) checked.maxLoad = positive('maxLoad', maxLoad)
  if (minMemory !== undefined) checked.minMemory = positive('minMemory', minMemory)
  if (typeof maxPressure === 'object' && maxPressure !== null) {
    const each: Partial<Pressure> = {}
    for (const kind of KINDS) {
      const most = maxPressure[kind]
      if (most !== undefined) each[kind] = positive(`maxPressure.${kind}`, most)
    }
    checked.maxPressure = each
  } else if (maxPressure !== undefined) {
    checked.maxPressure = positive('maxPressure', maxPressure)
  }
  return checked
}

function positive(what: string, figure: number): number {
  if (typeof figure === 'number' && figure > 0 && Number.isFinite(figure)) return figure
  throw new TypeError(`${what} must be a number above 0, not ${String(figure)}`)
}
