#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#endif

#include "byte_lock.h"
#include "clock.h"
#include "lines.h"
#include "remote.h"
#include "status.h"

namespace jobslot {

// What all processes share, in the file `mark`. It is an aid: what it says of another run of the machine counts nothing.
struct Mark {
  uint64_t magic;  // written last, read first
  char boot[56];
  uint64_t durable;
  // The last segment, if not 0, whose sync has failed: the kernel tells that once, and not to who opens it later. One that
  // comes late, of a segment before, must not hide it: nothing rests on a sync of that any more.
  uint64_t failed;
  uint64_t end;  // behind the last whole append; a process killed in the midst of one leaves it too low
  uint32_t holder;
  uint32_t appends;  // counts unlocks, for those who wait for one
  uint32_t append_waiters;
  uint32_t syncs;
  uint32_t sync_waiters;
};

namespace {

constexpr uint64_t kMagic = 0x31746f6c73626f6a;  // "jobslot1"
constexpr size_t kMarkSize = 4096;
constexpr off_t kAppendByte = 0;
constexpr off_t kSyncByte = 1;
// An append takes microseconds; longer than this only if its process does not get the CPU.
constexpr int64_t kAppendPatienceNs = 2 * 1000000;
// To hand a sync to another thread and be told of its end takes a tenth of this on an idle machine, and more than this on
// a busy one.
constexpr int64_t kShortSyncNs = 1000 * 1000;
// Syncs may take long, but two at once do no harm.
constexpr int64_t kSyncPatienceNs = 100 * 1000000;

template <class T>
T get(const T* from) {
  return __atomic_load_n(from, __ATOMIC_ACQUIRE);
}
template <class T>
void set(T* to, T value) {
  __atomic_store_n(to, value, __ATOMIC_RELEASE);
}

// Until *word is no longer `seen`, and not long.
void wait_for_change(uint32_t* word, uint32_t* waiters, uint32_t seen, int64_t ns) {
  timespec limit = {0, ns};
#ifdef __linux__
  __atomic_add_fetch(waiters, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, word, FUTEX_WAIT, seen, &limit, nullptr, 0);
  __atomic_sub_fetch(waiters, 1, __ATOMIC_SEQ_CST);
#else
  static_cast<void>(word);
  static_cast<void>(waiters);
  static_cast<void>(seen);
  nanosleep(&limit, nullptr);
#endif
}

void tell_change(uint32_t* word, uint32_t* waiters) {
  __atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
#ifdef __linux__
  // Not all: of those who wait for a lock only one can have it. One who is killed in its wait is waited for by nobody.
  if (__atomic_load_n(waiters, __ATOMIC_SEQ_CST) > 0) syscall(SYS_futex, word, FUTEX_WAKE, 1 << 20, nullptr, nullptr, 0);
#else
  static_cast<void>(waiters);
#endif
}

void raise_to(uint64_t* word, uint64_t value) {
  uint64_t found = get(word);
  while (found < value &&
         !__atomic_compare_exchange_n(word, &found, value, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
  }
}

bool is_of(const Mark& mark, const char* boot) {
  return get(&mark.magic) == kMagic && strncmp(mark.boot, boot, sizeof mark.boot - 1) == 0;
}

int open_in(const char* folder, const char* name) {
  char path[4096];
  if (snprintf(path, sizeof path, "%s/%s", folder, name) >= static_cast<int>(sizeof path)) return -ENAMETOOLONG;
  int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  return fd < 0 ? -errno : fd;
}

// Makes the mark as long as it is to be, with room for it: to touch a page behind the file's end, or one that a full disk
// has no room for, would end the process.
int reserve(int fd) {
#ifdef __linux__
  int result;
  do {
    result = fallocate(fd, 0, 0, kMarkSize);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return 0;
  if (errno != EOPNOTSUPP && errno != ENOSYS) return -errno;
#endif
  return ftruncate(fd, kMarkSize) == 0 ? 0 : -errno;
}

// All of it, or -errno.
int write_all(int fd, const uint8_t* bytes, size_t length, uint64_t at) {
  while (length > 0) {
    ssize_t n = pwrite(fd, bytes, length, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -errno;
    if (n == 0) return -EIO;
    bytes += n;
    at += static_cast<uint64_t>(n);
    length -= static_cast<size_t>(n);
  }
  return 0;
}

int data_sync(int fd) {
#ifdef __APPLE__
  return fcntl(fd, F_FULLFSYNC);
#else
  return fdatasync(fd);
#endif
}

}  // namespace

Journal::~Journal() {
  if (mark_) munmap(mark_, kMarkSize);
  const int fds[] = {lock_, sync_lock_, file_, watch_};
  for (int fd : fds) {
    if (fd >= 0) close(fd);
  }
}

int Journal::open(const char* folder, const char* boot) {
  if ((lock_ = open_in(folder, "lock")) < 0) return lock_;
  if ((sync_lock_ = open_in(folder, "lock")) < 0) return sync_lock_;
  if (is_remote(lock_)) return kRemote;
  int fd = open_in(folder, "mark");
  if (fd < 0) return fd;
  struct stat status;
  int failed = file_status(fd, &status) != 0 ? -errno : 0;
  if (!failed && !S_ISREG(status.st_mode)) failed = -EINVAL;
  if (!failed && (status.st_size < static_cast<off_t>(kMarkSize) || status.st_blocks == 0)) failed = reserve(fd);
  void* page = failed ? MAP_FAILED : mmap(nullptr, kMarkSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (!failed && page == MAP_FAILED) failed = -errno;
  close(fd);
  if (failed) return failed;
  mark_ = static_cast<Mark*>(page);
  // Without the lock, which others may have again and again.
  if (is_of(*mark_, boot)) return kDone;
  int locked = lock();
  if (locked != kDone) return locked;
  if (!is_of(*mark_, boot)) {
    memset(static_cast<void*>(mark_), 0, sizeof *mark_);
    strncpy(mark_->boot, boot, sizeof mark_->boot - 1);
    // Last: who reads it reads the rest as it is now.
    set(&mark_->magic, kMagic);
  }
  unlock();
  return kDone;
}

int Journal::use(const char* path, uint32_t segment) {
  int fd = ::open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return -errno;
  if (file_ >= 0) close(file_);
  file_ = fd;
  segment_ = static_cast<uint64_t>(segment) << 32;
  return kDone;
}

int Journal::lock() {
  int64_t deadline = 0;
  for (;;) {
    uint32_t seen = get(&mark_->appends);
    int result = lock_bytes(lock_, F_WRLCK, kAppendByte, 1);
    if (result == 0) {
      set(&mark_->holder, static_cast<uint32_t>(getpid()));
      return kDone;
    }
    if (result != -EAGAIN) return result;
    if (deadline == 0) deadline = now_ns() + kAppendPatienceNs;
    if (now_ns() >= deadline) return kBusy;
    wait_for_change(&mark_->appends, &mark_->append_waiters, seen, 200000);
  }
}

void Journal::unlock() {
  set(&mark_->holder, 0u);
  lock_bytes(lock_, F_UNLCK, kAppendByte, 1);
  tell_change(&mark_->appends, &mark_->append_waiters);
}

int64_t Journal::size() const {
  FileIdentity found;
  return identify(file_, "", &found) != 0 ? -errno : static_cast<int64_t>(found.size);
}

int Journal::append(uint8_t* lines, size_t length, uint64_t expected) {
  stamp_lines(lines, length);
  int outcome = lock();
  if (outcome != kDone) return outcome;
  FileIdentity found;
  if (identify(file_, "", &found) != 0) {
    outcome = -errno;
  } else if (found.size != expected) {
    outcome = kConflict;
  } else if (found.links == 0) {
    // The store was removed: nobody would ever read what is written now.
    outcome = -ENOENT;
  } else {
    int failed = write_all(file_, lines, length, expected);
    if (!failed) {
      set(&mark_->end, segment_ + expected + length);
    } else {
      // Half a line would be a torn tail to the next; where this fails too, that is what it is.
      int ignored = ftruncate(file_, static_cast<off_t>(expected));
      static_cast<void>(ignored);
      outcome = failed;
    }
  }
  unlock();
  return outcome;
}

bool Journal::line_begins(uint64_t at, uint64_t end) const {
  size_t length = 1 << 16;
  for (uint8_t* bytes = nullptr;;) {
    if (length > end - at) length = static_cast<size_t>(end - at);
    uint8_t* grown = static_cast<uint8_t*>(realloc(bytes, length));
    // Not known: then it is left alone.
    ssize_t n = grown ? pread(file_, grown, length, static_cast<off_t>(at)) : -1;
    bool ended = n < static_cast<ssize_t>(length) || at + length >= end;
    bool found = n < 0 || whole_lines(grown, static_cast<size_t>(n)) > 0;
    bool has_end = n >= 0 && memchr(grown, '\n', static_cast<size_t>(n));
    if (found || has_end || ended) {
      free(grown ? grown : bytes);
      return found;
    }
    bytes = grown;
    length *= 2;
  }
}

int Journal::cut(uint64_t at) {
  int outcome = lock();
  if (outcome != kDone) return outcome;
  int64_t now = size();
  if (now < 0) {
    outcome = static_cast<int>(now);
  } else if (segment_ + at < durable() || static_cast<uint64_t>(now) <= at || line_begins(at, static_cast<uint64_t>(now))) {
    outcome = kConflict;
  } else if (ftruncate(file_, static_cast<off_t>(at)) != 0) {
    outcome = -errno;
  } else {
    set(&mark_->end, segment_ + at);
  }
  unlock();
  return outcome;
}

uint64_t Journal::durable() const { return get(&mark_->durable); }

void Journal::vouch(uint64_t position) { raise_to(&mark_->durable, position); }

int Journal::sync_descriptor(uint64_t target) const {
  // A sync of this file says nothing of another.
  if (durable() < target && (target >> 32) != (segment_ >> 32)) return -EINVAL;
  int fd = fcntl(file_, F_DUPFD_CLOEXEC, 3);
  return fd < 0 ? -errno : fd;
}

// By who has the lock for syncs, or has waited for it in vain.
int Journal::sync_locked(int fd, uint64_t target) {
  uint64_t end = get(&mark_->end);
  uint64_t segment = target >> 32;
  if ((end >> 32) != segment || end < target) end = target;
  if (get(&mark_->failed) >= segment) return -EIO;
  int64_t begin = now_ns();
  if (data_sync(fd) != 0) {
    int error = errno;
    raise_to(&mark_->failed, segment);
    return -error;
  }
  if (get(&mark_->failed) >= segment) return -EIO;
  raise_to(&mark_->durable, end);
  int64_t taken = now_ns() - begin;
  int64_t before = get(&sync_ns_);
  set(&sync_ns_, before == 0 ? taken : before + (taken - before) / 4);
  return kDone;
}

int Journal::sync(int fd, uint64_t target) {
  int outcome = kDone;
  int64_t deadline = now_ns() + kSyncPatienceNs;
  while (outcome == kDone && durable() < target) {
    uint32_t seen = get(&mark_->syncs);
    bool locked = lock_bytes(sync_lock_, F_WRLCK, kSyncByte, 1) == 0;
    if (!locked && now_ns() < deadline) {
      wait_for_change(&mark_->syncs, &mark_->sync_waiters, seen, 2000000);
      continue;
    }
    // Asked anew: the one before us may have covered it, between our look and our lock.
    if (durable() < target) outcome = sync_locked(fd, target);
    if (locked) lock_bytes(sync_lock_, F_UNLCK, kSyncByte, 1);
    tell_change(&mark_->syncs, &mark_->sync_waiters);
  }
  close(fd);
  return outcome;
}

int Journal::sync_now(uint64_t target) {
  int64_t lately = get(&sync_ns_);
  if (lately == 0 || lately > kShortSyncNs || (target >> 32) != (segment_ >> 32)) return kBusy;
  if (lock_bytes(sync_lock_, F_WRLCK, kSyncByte, 1) != 0) return kBusy;
  int outcome = durable() < target ? sync_locked(file_, target) : kDone;
  lock_bytes(sync_lock_, F_UNLCK, kSyncByte, 1);
  tell_change(&mark_->syncs, &mark_->sync_waiters);
  return outcome;
}

int Journal::holder() const { return static_cast<int>(get(&mark_->holder)); }

int Journal::watch(const char* folder) {
#ifdef __linux__
  if (watch_ >= 0) return watch_;
  int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return -errno;
  if (inotify_add_watch(fd, folder, IN_MODIFY | IN_CLOSE_WRITE | IN_ONLYDIR) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  watch_ = fd;
  return fd;
#else
  static_cast<void>(folder);
  return -ENOSYS;
#endif
}

}  // namespace jobslot
