/**
 * What a store wants of a disk and of the kernel's locks. `real-disk.ts` is the real one; the tests have one that loses
 * what was not synced.
 */
export interface Disk {
  readonly dir: string
  names(): string[]
  /** Null where there is none. */
  open(name: string): ReadFile | null
  /**
   * Makes a file that has its name only when it is whole and on disk. False where there is one of that name, which is
   * then as durable; `replace` puts it in the other's place.
   */
  make(
    name: string,
    write: (append: (bytes: Buffer) => Promise<void>) => Promise<void>,
    replace?: boolean,
  ): Promise<boolean>
  /** What was made, renamed or removed stays so. */
  syncFolder(): Promise<void>
  remove(name: string): void
  readonly appender: Appender
  /** Only one at a time may compact. Null: somebody does. */
  lockCompaction(): Disposable | null
  close(): void
}

export interface ReadFile {
  size(): number
  /** How many bytes were there; fewer than asked for only at the end. */
  read(into: Buffer, at: number, length: number): number
  close(): void
}

/** The journal's writing end. `binding.ts` says what its numbers are: APPEND_… */
export interface Appender {
  use(name: string, segment: number): void
  /** Stamps the lines and appends them if the segment is `expected` bytes long. @throws a system error */
  append(lines: Buffer, length: number, expected: number): number
  /** Cuts off a torn tail, if it is one. */
  cut(at: number): number
  size(): number
  /** The position up to which all is known to be on disk. */
  durable(): number
  vouch(position: number): void
  /** @throws a system error */
  sync(target: number): Promise<void>
  /** The same at once, where that is faster than to wait for another thread. False: it was not done, and `sync` is to. */
  syncNow(target: number): boolean
  /** Who is in the midst of an append, or 0. */
  holder(): number
}

/** Checks and makes lines: native where it has to be fast. */
export interface Lines {
  /** Where the first line begins that is not whole. */
  whole(bytes: Buffer, from: number, to: number): number
  stamp(bytes: Buffer, length: number): void
}
