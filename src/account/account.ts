import { closeSync } from 'node:fs'
import type { Binding } from '../native/binding.ts'
import { PURSE_FIELDS } from '../native/binding.ts'
import { native } from '../native/load.ts'
import { checked, EBADF, systemError } from '../native/system-error.ts'
import { giveBackAtExit } from '../native/waits.ts'

/** One place in an account: what is known of one FIFO. */
export interface Purse {
  readonly index: number
  /** Tokens written to it and not withdrawn. */
  readonly granted: number
  /** Tokens that lie in it. */
  readonly visible: number
  /** Tokens that the addon's thread takes back as soon as they are there. */
  readonly debt: number
  /** Grows when its clients do something, never by what is done through the account. */
  readonly stirs: number
}

/** What of a FIFO is told: nothing; that it is empty after its clients took; that there is more or less in it. */
export type Watch = 0 | 1 | 2

const listeners = new Map<number, () => void>()
let listening = false

function tell(account: number): void {
  try {
    listeners.get(account)?.()
  } catch (error) {
    // What is thrown into the addon is lost.
    process.nextTick(() => {
      throw error
    })
  }
}

/**
 * How many tokens were granted to each of many FIFOs, counted in the addon: its thread collects debts at the moment at
 * which a client gives back, and the number stands in the ledger before a token is written and after one was read.
 */
export class Account {
  readonly places: number
  readonly #binding: Binding
  readonly #id: number
  readonly #rows: Int32Array
  readonly #known: (Purse | undefined)[] = []
  #closed = false

  /**
   * @param ledger the descriptor of a file with a record for each place (`ledger.ts`), which may be closed afterwards;
   *   null: the numbers end with the process.
   * @param onEvent called, once for many, when `changed()` has something. It keeps no process alive.
   * @throws a system error: `EINVAL` where the file is too short.
   */
  constructor(ledger: number | null, places: number, onEvent: () => void) {
    this.#binding = native()
    if (!listening) {
      checked(this.#binding.listenAccounts(tell), 'listenAccounts')
      listening = true
      // Which stops the addon's threads, before what they use is gone.
      giveBackAtExit()
    }
    this.#id = checked(this.#binding.openAccount(ledger ?? -1, places), 'mmap', 'of the ledger')
    this.places = places
    this.#rows = new Int32Array(places * PURSE_FIELDS)
    listeners.set(this.#id, onEvent)
  }

  /**
   * Takes over a descriptor that is open on the FIFO for reading and writing and never blocks. In a place that is new
   * nothing is granted; otherwise what the ledger says.
   */
  add(index: number, fd: number): void {
    this.#done(this.#binding.addPurse(this.#id, index, fd), 'add', index)
    // The addon has one of its own. In a worker thread Node closes at the end what it opened and thinks is open, whatever
    // has that number by then.
    closeSync(fd)
  }

  /** Writes tokens: how many there was room for. */
  grant(index: number, tokens: number): number {
    return this.#done(this.#binding.grantTokens(this.#id, index, tokens), 'grant', index)
  }

  /** Takes back at most so many of those that lie visible now: how many. */
  take(index: number, tokens: number): number {
    return this.#done(this.#binding.takeTokens(this.#id, index, tokens), 'take', index)
  }

  /** Reads what lies in the FIFO beyond what was granted: clients wrote back more than they took. How many. */
  takeSurplus(index: number): number {
    return this.#done(this.#binding.takeSurplus(this.#id, index), 'take', index)
  }

  /** From now on the thread takes back each token the moment it is there, until it has so many. 0 ends that. */
  owe(index: number, tokens: number): void {
    this.#done(this.#binding.oweTokens(this.#id, index, tokens), 'owe', index)
  }

  watch(index: number, want: Watch): void {
    this.#done(this.#binding.watchPurse(this.#id, index, want), 'watch', index)
  }

  /** A fresh look. */
  read(index: number): Purse {
    this.#done(this.#binding.readPurse(this.#id, index, this.#rows), 'read', index)
    return this.#row(0)
  }

  /** A fresh look at every place in use. */
  readAll(): Purse[] {
    return this.#readAll(false)
  }

  /** Those with something new since the last look at them: a debt or a part of it paid, or what `watch` asked for. */
  changed(): Purse[] {
    return this.#readAll(true)
  }

  /**
   * At its member's end: no debt, no watch, and what lies in the FIFO is taken out. `held` is how many granted tokens
   * were not there; below 0 where more came back than was granted. They stay granted until `forget`; meanwhile this can
   * be asked again, as survivors give back.
   */
  remove(index: number): { drained: number; held: number } {
    this.#done(this.#binding.removePurse(this.#id, index, this.#rows), 'remove', index)
    const [drained, held] = this.#rows as unknown as [number, number]
    return { drained, held }
  }

  /** Closes the FIFO. Nothing is granted in the place, and it is free. */
  forget(index: number): void {
    this.#done(this.#binding.forgetPurse(this.#id, index), 'forget', index)
  }

  /** Closes all descriptors; a ledger keeps its numbers. Does nothing the second time. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    listeners.delete(this.#id)
    this.#binding.closeAccount(this.#id)
  }

  #readAll(changed: boolean): Purse[] {
    if (this.#closed) throw systemError(EBADF, 'read', 'of a closed account')
    const count = checked(this.#binding.readPurses(this.#id, changed, this.#rows, this.places), 'read')
    const purses: Purse[] = []
    for (let i = 0; i < count; i++) purses.push(this.#row(i))
    return purses
  }

  /** The same object while nothing in it differs: of hundreds that are looked at, most are as they were. */
  #row(i: number): Purse {
    const rows = this.#rows
    const at = i * PURSE_FIELDS
    const index = rows[at]!
    const [granted, visible, debt, stirs] = [rows[at + 1]!, rows[at + 2]!, rows[at + 3]!, rows[at + 4]!]
    const known = this.#known[index]
    const isSame =
      known?.granted === granted && known.visible === visible && known.debt === debt && known.stirs === stirs
    if (isSame) return known
    const purse = { index, granted, visible, debt, stirs }
    this.#known[index] = purse
    return purse
  }

  #done(result: number, what: string, index: number): number {
    if (this.#closed) throw systemError(EBADF, what, 'in a closed account')
    return checked(result, what, `at place ${index}`)
  }
}
