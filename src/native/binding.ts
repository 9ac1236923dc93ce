/**
 * The addon's face as it is: numbers in, numbers out. A negative result is -errno. See `src-native/`.
 */
export interface Binding {
  dup(fd: number): number
  reopen(fd: number, access: 0 | 1 | 2, nonblocking: boolean): number
  close(fd: number): number
  /** Fills mode, dev, ino, status flags, descriptor flags, is an anonymous pipe. */
  info(fd: number, into: Float64Array): number
  available(fd: number): number
  isTerminal(fd: number): number
  mkfifo(path: string, mode: number): number
  poll(fd: number, events: number, timeoutMs: number): number
  readWithin(fd: number, way: Way, into: Uint8Array, timeoutMs: number): number
  write(fd: number, own: boolean, from: Uint8Array): number

  openChannel(readFd: number, writeFd: number, way: Way, own: boolean): number
  closeChannel(channel: number): number
  take(channel: number): number
  takeWithin(channel: number, timeoutMs: number): number
  give(channel: number, byte: number): number

  listen(callback: (id: number, status: 0 | 1 | 2, value: number, data: Buffer | undefined) => void): number
  waitEvents(id: number, fd: number, events: number, timeoutMs: number): number
  /** Takes `fd` over, whatever it answers. */
  waitBytes(id: number, fd: number, way: Way, length: number, timeoutMs: number): number
  waitToken(id: number, channel: number, timeoutMs: number): number
  cancel(id: number): boolean
  /** Calls back for all waits that have finished. */
  deliver(): void
  stop(): void

  lock(fd: number, offset: number, exclusive: boolean): number
  unlock(fd: number, offset: number): number
  /** 1 when another description's lock excludes one of this kind. */
  isLocked(fd: number, offset: number, exclusive: boolean): number

  /** A handle, or -errno, LOCK_FOREIGN, LOCK_REMOTE. -1 keeps the owner, or group, of this process. */
  openLock(path: string, mode: number, uid: number, gid: number, who: string): number
  /** LOCK_…, or -errno; so the next two. */
  tryLock(handle: number, shared: boolean): number
  enqueueLock(handle: number, shared: boolean): number
  /** 0: a wait has begun, at whose end to ask again. LOCK_HELD: nothing is in the way. */
  waitLock(id: number, handle: number, timeoutMs: number): number
  leaveLock(handle: number): number
  releaseLock(handle: number): number
  closeLock(handle: number): number
  /** The record of the holder that died, after LOCK_ABANDONED, once: one that is not asked for is the next holder's. */
  lockPrevious(handle: number): string
  /** Fills in the two descriptors that keep the lock in a child. */
  inheritLock(handle: number, into: Int32Array): number

  /** A handle, or -errno, JOURNAL_BUSY, JOURNAL_REMOTE. */
  openJournal(folder: string, boot: string): number
  closeJournal(handle: number): number
  useSegment(handle: number, path: string, segment: number): number
  /** Stamps the lines. APPEND_…, or -errno; so `cutJournal`. */
  appendJournal(handle: number, lines: Uint8Array, length: number, expected: number): number
  cutJournal(handle: number, at: number): number
  journalSize(handle: number): number
  /** A position: segment * 2 ** 32 + byte. */
  journalDurable(handle: number): number
  vouchJournal(handle: number, position: number): number
  /** The pid of the process in the midst of an append, or 0. */
  journalHolder(handle: number): number
  /** An inotify descriptor, the handle's. */
  watchJournal(handle: number, folder: string): number
  syncJournal(handle: number, target: number, callback: (outcome: number) => void): number
  /** In this thread, if syncs were short lately: APPEND_DONE, or APPEND_BUSY where it was not done; -errno. */
  syncJournalNow(handle: number, target: number): number
  /** Where the first line begins that is not whole. */
  wholeLines(bytes: Uint8Array, from: number, to: number): number
  stampLines(bytes: Uint8Array, length: number): number

  /** Once, before the first drain: what to call when there is something to take. */
  listenDrains(callback: () => void): number
  /** Makes a pipe that is always being emptied; `writeEnd[0]` is the caller's to close. */
  openDrain(capacity: number, writeEnd: Int32Array): number
  /** Fills in the lines and bytes dropped before these, and whether nothing will come any more. */
  takeDrained(drain: number, into: Buffer, counts: Float64Array): number
  pumpDrain(drain: number): number
  closeDrain(drain: number): number

  /** Once, before the first account: what to call when one has something new to tell. */
  listenAccounts(callback: (account: number) => void): number
  /** `ledger`: a file's descriptor, used for the call only; -1 for none. */
  openAccount(ledger: number, places: number): number
  closeAccount(account: number): number
  /** Works on a duplicate of `fd`. */
  addPurse(account: number, index: number, fd: number): number
  grantTokens(account: number, index: number, tokens: number): number
  takeTokens(account: number, index: number, tokens: number): number
  takeSurplus(account: number, index: number): number
  oweTokens(account: number, index: number, tokens: number): number
  watchPurse(account: number, index: number, want: 0 | 1 | 2): number
  /** Fills in PURSE_FIELDS numbers: index, granted, visible, debt, stirs. */
  readPurse(account: number, index: number, into: Int32Array): number
  /** The same for at most `room` places: all, or those with something new. */
  readPurses(account: number, changed: boolean, into: Int32Array, room: number): number
  /** Fills in drained and held. */
  removePurse(account: number, index: number, into: Int32Array): number
  forgetPurse(account: number, index: number): number

  /**
   * Starts a command. `words` and `environment` hold texts that each end with a zero byte; `fds[i]` is what number i of
   * the command is here, -1 for none. -ENOSYS where its end could not be waited for.
   */
  startCommand(words: Uint8Array, environment: Uint8Array, fds: Int32Array, count: number): number
  /** Its status, or 256 + the signal; -EAGAIN while it runs. */
  commandStatus(pid: number): number

  /** Waits for a process's end. `quiet`: that keeps this one not alive. */
  waitProcess(id: number, pid: number, quiet: boolean): number
  /** Fills in pid and start time of at most `room` processes with `mark` among the words of a variable. */
  findMarked(variable: string, mark: string, into: Float64Array, room: number): number

  startGuard(graceMs: number): number
  setGuardGrace(graceMs: number): number
  guardUser(fd: number): number
  unguardUser(user: number): number
  boundLog(fd: number, limit: number): number
  /** Fills in pid and uid. */
  peer(fd: number, into: Float64Array): number
}

/** What the functions on locks answer: `src-native/core/lock_file.h`. */
export const LOCK_BUSY = 0
export const LOCK_HELD = 1
export const LOCK_STALE = 2
export const LOCK_SOON = 5
export const LOCK_ABANDONED = 6
export const LOCK_FOREIGN = -4099
export const LOCK_REMOTE = -4100

/** What the functions on journals answer: `src-native/core/journal.h`. */
export const APPEND_CONFLICT = 0
export const APPEND_DONE = 1
export const APPEND_BUSY = 2
export const JOURNAL_BUSY = -4098
export const JOURNAL_REMOTE = -4099

/** The bytes of a lock file: `src-native/core/lock_file.cc`. */
export const LOCK_BYTE = 0
export const LOCK_RECORD_SIZE = 256

/** What `readPurse` fills in for each place. */
export const PURSE_FIELDS = 5

/** How to read from a description that others share: `src-native/core/read.h` says what each is. */
export type Way = 0 | 1 | 2 | 3
export const WAY_DIRECT = 0
export const WAY_RECV = 1
export const WAY_SPLICE = 2
export const WAY_PARKED = 3

/** What `take` and `takeWithin` answer, and a token wait delivers, when the last writer has gone. */
export const END_OF_FILE = -4096

/** Waits for ever. */
export const NO_TIMEOUT = -1
