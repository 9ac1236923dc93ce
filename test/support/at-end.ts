import { AsyncLocalStorage } from 'node:async_hooks'
import { onTestFinished } from 'vitest'

type CleanUp = () => unknown

const scopes = new AsyncLocalStorage<CleanUp[]>()

/** Has something done at the end of the test that runs, or of the scope, whatever becomes of it. */
export function atEnd(cleanUp: CleanUp): void {
  const scope = scopes.getStore()
  if (scope) scope.push(cleanUp)
  else
    onTestFinished(async () => {
      await cleanUp()
    })
}

/** Outside of vitest: what a test is, for the helpers that clean up after themselves. */
export class Scope {
  readonly #cleanUps: CleanUp[] = []

  run<T>(work: () => Promise<T>): Promise<T> {
    return scopes.run(this.#cleanUps, work)
  }

  /** The last first. All are done, even where one fails; the first failure is thrown. */
  async end(): Promise<void> {
    const failures: unknown[] = []
    for (let cleanUp = this.#cleanUps.pop(); cleanUp; cleanUp = this.#cleanUps.pop()) {
      try {
        await cleanUp()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
