import { isDeepStrictEqual } from 'node:util'

/** The list without one of each of `served`; the same list where none of them is in it. Pure. */
export function withoutTargets(targets: readonly unknown[], served: readonly unknown[]): unknown[] {
  const left = [...targets]
  for (const target of served) {
    const at = left.findIndex((candidate) => isDeepStrictEqual(candidate, target))
    if (at >= 0) left.splice(at, 1)
  }
  return left
}
