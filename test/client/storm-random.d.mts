export function random(seed: number): {
  below(count: number): number
  chance(probability: number): boolean
  pick<T>(choices: readonly T[]): T
}
