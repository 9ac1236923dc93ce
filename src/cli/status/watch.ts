import { poll } from '../../fd.ts'
import { endBy } from '../child.ts'
import type { EndingSignal } from '../signals.ts'
import { Signals } from '../signals.ts'
import type { Onlooker } from './look.ts'
import { Screen } from './screen.ts'
import { changes } from './status-changes.ts'
import { isPool, type Shown, statusLines } from './status-table.ts'

/** So often it looks; what came and went between is not seen. */
const LOOK_MS = 250
/** Where nobody is in a pool: each look keeps its broker for half a second, and it is to end in between. */
const QUIET_LOOK_MS = 1000

/**
 * Shows limits until a signal comes, or nobody reads any more: in a terminal as a picture that is drawn anew, else by a
 * line for each change.
 */
export async function watch(onlooker: Onlooker, { json }: { json: boolean }): Promise<void> {
  const signals = new Signals()
  const { isTTY } = process.stdout
  const show = isTTY && !json && process.env.TERM !== 'dumb' ? new Picture() : new Report(json)
  let ended: EndingSignal | null = null
  let wake = () => {}
  endWithReader()
  try {
    await signals.during(
      (signal) => {
        ended = signal
        wake()
      },
      async () => {
        while (!ended) {
          const shown = await onlooker.look()
          show.next(shown)
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, shown.some(isBusy) ? LOOK_MS : QUIET_LOOK_MS)
            wake = () => {
              clearTimeout(timer)
              resolve()
            }
            if (ended) wake()
          })
        }
      },
    )
  } finally {
    show.end()
  }
  await onlooker.close()
  if (ended) endBy(ended)
}

/** Also where nothing changes, and so nothing is written that would fail. */
function endWithReader(): void {
  const end = () => process.exit(0)
  process.stdout.on('error', end)
  poll(1, 'priority').then(
    (found) => (found?.hangup || found?.error) && end(),
    () => {},
  )
}

function isBusy({ status }: Shown): boolean {
  return !isPool(status) || status.members.length + status.waiters.length > 0
}

interface Show {
  next(shown: Shown[]): void
  end(): void
}

class Picture implements Show {
  readonly #screen = new Screen(process.stdout)

  next(shown: Shown[]): void {
    const now = Date.now()
    const lines = shown.flatMap((one, i) => [...(i > 0 ? [''] : []), ...statusLines(one, now)])
    this.#screen.draw(lines.length === 0 ? ['no pool has been made'] : lines)
  }

  end(): void {
    this.#screen.leave()
  }
}

/** Lines with the time of day, or a JSON value a line. */
class Report implements Show {
  readonly #json: boolean
  readonly #before = new Map<string, Shown>()

  constructor(json: boolean) {
    this.#json = json
  }

  next(shown: Shown[]): void {
    for (const one of shown) {
      const lines = this.#json ? this.#value(one) : this.#changes(one)
      this.#before.set(one.name, one)
      if (lines.length > 0) process.stdout.write(lines.map((line) => `${line}\n`).join(''))
    }
  }

  end(): void {}

  #value({ name, status }: Shown): string[] {
    const text = JSON.stringify(status)
    return JSON.stringify(this.#before.get(name)?.status) === text ? [] : [text]
  }

  #changes(shown: Shown): string[] {
    const time = new Date().toTimeString().slice(0, 8)
    const before = this.#before.get(shown.name)?.status
    const { name, status } = shown
    const lines = isPool(status)
      ? changes(name, before && isPool(before) ? before : null, status)
      : before && JSON.stringify(before) === JSON.stringify(status)
        ? []
        : statusLines(shown, 0)
    return lines.map((line) => `${time} ${line}`)
  }
}
