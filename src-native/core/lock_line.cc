// The line of those who wait.

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "byte_lock.h"
#include "lock_layout.h"
#include "status.h"

namespace jobslot {

bool LockFile::others_wait(ByteLock* found) {
  return find_lock(file_, F_WRLCK, kTickets, kLastByte - kTickets, found);
}

int LockFile::enqueue(bool shared) {
  shared_ = shared;
  int64_t ticket = 0;
  ByteLock found;
  while (find_lock(file_, F_WRLCK, kTickets + ticket, kLastByte - kTickets - ticket, &found)) {
    if (found.end >= kLastByte) return kSoon;
    ticket = found.end - kTickets;
  }
  for (int tries = 0;; tries++, ticket++) {
    int result = lock_bytes(file_, F_WRLCK, kTickets + ticket, 1);
    if (result == 0) break;
    if (result != -EAGAIN) return result;
    if (tries > 1000) return kSoon;
  }
  ticket_ = ticket;
  int result = 0;
  if (!is_current()) result = kStale;
  char name[32];
  ticket_fifo(name, ticket_);
  if (result == 0) result = make_fifo(name, &waiting_);
  if (result == 0) result = join();
  if (result == 0) result = write_record();
  if (result != 0) leave();
  return result;
}

void LockFile::leave() {
  if (ticket_ < 0) return;
  if (!held_ && slot_ > 0) blank(slot_);
  char name[32];
  ticket_fifo(name, ticket_);
  if (waiting_ >= 0) unlinkat(folder_, name, 0);
  lock_bytes(file_, F_UNLCK, kTickets + ticket_, 1);
  ticket_ = -1;
  if (waiting_ >= 0) close(waiting_);
  waiting_ = -1;
}

// A FIFO for whose hang-up to wait, while the party has its byte locked. 0 and `fd`, kStale: it has left, kSoon.
int LockFile::wait_for_party(off_t byte, const char* fifo, int* fd) {
  *fd = openat(folder_, fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  // Not there, or without its rights, yet.
  if (*fd < 0 && errno != ENOENT && errno != EACCES) return -errno;
  int result = kSoon;
  char woken;
  // Asked after the FIFO was opened: who leaves later is heard of.
  if (!find_lock(file_, F_WRLCK, byte, 1, nullptr)) {
    result = kStale;
  } else if (*fd >= 0) {
    struct stat status;
    // No writer: the party has not opened it yet, and a reader that came first would hear nothing if it never did.
    ssize_t n = read(*fd, &woken, 1);
    if (n < 0 && errno == EAGAIN && file_status(*fd, &status) == 0 && status.st_nlink > 0) return 0;
  }
  if (*fd >= 0) close(*fd);
  *fd = -1;
  return result;
}

int LockFile::next_wait(int* fd) {
  *fd = -1;
  char name[32];
  for (int tries = 0; tries < 1000; tries++) {
    if (folder_ < 0) {
      int failed = open_folder();
      if (failed) return failed;
    }
    int result;
    ByteLock found;
    int64_t ahead = -1;
    while (find_lock(file_, F_WRLCK, kTickets + ahead + 1, ticket_ - ahead - 1, &found)) ahead = found.end - 1 - kTickets;
    if (ahead >= 0) {
      ticket_fifo(name, ahead);
      result = wait_for_party(kTickets + ahead, name, fd);
    } else if (!find_lock(file_, shared_ ? F_RDLCK : F_WRLCK, kLock, 1, &found)) {
      return kHeld;
    } else if (found.exclusive) {
      char record[kRecordSize + 1];
      // Between the lock and its record.
      if (!read_record(0, record)) return kSoon;
      holder_fifo(name, atoi(record + kStartSize));
      result = wait_for_party(kLock, name, fd);
      // The record may have been that of the one before.
      if (result == 0 && !is_record(0, record)) {
        close(*fd);
        result = kStale;
      }
    } else if (find_lock(file_, F_WRLCK, kHolders + 1, kTickets - kHolders - 1, &found)) {
      holder_fifo(name, static_cast<int>(found.start - kHolders));
      result = wait_for_party(found.start, name, fd);
    } else {
      result = kSoon;
    }
    if (result != kStale) return result;
  }
  return kSoon;
}

}  // namespace jobslot
