/** A heap of numbers with a key: the smallest key first, of equal ones the smallest number. Two typed arrays. */
export class PairHeap {
  size = 0
  #keys = new Float64Array(64)
  #values = new Float64Array(64)

  push(key: number, value: number): void {
    if (this.size === this.#keys.length) this.#resize(this.size * 2)
    const keys = this.#keys
    const values = this.#values
    let at = this.size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      const parentKey = keys[parent]!
      if (parentKey < key || (parentKey === key && values[parent]! <= value)) break
      keys[at] = parentKey
      values[at] = values[parent]!
      at = parent
    }
    keys[at] = key
    values[at] = value
  }

  get firstKey(): number {
    return this.size > 0 ? this.#keys[0]! : Number.POSITIVE_INFINITY
  }

  /** Only where there is one. */
  get first(): number {
    return this.#values[0]!
  }

  pop(): number {
    const keys = this.#keys
    const values = this.#values
    const popped = values[0]!
    const last = --this.size
    const key = keys[last]!
    const value = values[last]!
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= last) break
      const right = child + 1
      if (right < last && isBefore(keys, values, right, child)) child = right
      if (key < keys[child]! || (key === keys[child]! && value <= values[child]!)) break
      keys[at] = keys[child]!
      values[at] = values[child]!
      at = child
    }
    keys[at] = key
    values[at] = value
    if (this.#keys.length > 1024 && last < this.#keys.length / 4) this.#resize(this.#keys.length / 2)
    return popped
  }

  /** Keeps those that the test holds for. */
  filter(keep: (key: number, value: number) => boolean): void {
    const size = this.size
    const keys = this.#keys
    const values = this.#values
    this.size = 0
    this.#keys = new Float64Array(Math.max(64, size))
    this.#values = new Float64Array(Math.max(64, size))
    for (let i = 0; i < size; i++) if (keep(keys[i]!, values[i]!)) this.push(keys[i]!, values[i]!)
  }

  #resize(length: number): void {
    const keys = new Float64Array(length)
    const values = new Float64Array(length)
    keys.set(this.#keys.subarray(0, this.size))
    values.set(this.#values.subarray(0, this.size))
    this.#keys = keys
    this.#values = values
  }
}

function isBefore(keys: Float64Array, values: Float64Array, a: number, b: number): boolean {
  return keys[a]! < keys[b]! || (keys[a]! === keys[b]! && values[a]! < values[b]!)
}
