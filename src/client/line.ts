interface Place<T> {
  member: T
  before: Place<T> | null
  behind: Place<T> | null
}

/**
 * A queue that one can also leave from the middle. Every step takes constant time; a Set, which could do the same,
 * walks past all the members that were removed to find its first.
 */
export class Line<T> {
  readonly #places = new Map<T, Place<T>>()
  #first: Place<T> | null = null
  #last: Place<T> | null = null

  get size(): number {
    return this.#places.size
  }

  /** At the end. */
  add(member: T): void {
    const place: Place<T> = { member, before: this.#last, behind: null }
    if (this.#last) this.#last.behind = place
    else this.#first = place
    this.#last = place
    this.#places.set(member, place)
  }

  /** False: it was not in the line. */
  remove(member: T): boolean {
    const place = this.#places.get(member)
    if (!place) return false
    this.#places.delete(member)
    if (place.before) place.before.behind = place.behind
    else this.#first = place.behind
    if (place.behind) place.behind.before = place.before
    else this.#last = place.before
    return true
  }

  /** Takes out the first. */
  shift(): T | undefined {
    const member = this.#first?.member
    if (member !== undefined) this.remove(member)
    return member
  }
}
