#include "byte_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace jobslot {

namespace {

struct flock range(short type, off_t start, off_t length) {
  struct flock lock;
  memset(&lock, 0, sizeof lock);
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = start;
  lock.l_len = length;
  return lock;
}

// The kernel's call, without libc's work for what it may not know.
int locking(int fd, int command, struct flock* lock) {
#if defined(__linux__) && defined(__LP64__)
  return static_cast<int>(syscall(SYS_fcntl, fd, command, lock));
#else
  return fcntl(fd, command, lock);
#endif
}

}  // namespace

int lock_bytes(int fd, short type, off_t start, off_t length) {
#ifdef F_OFD_SETLK
  struct flock lock = range(type, start, length);
  if (locking(fd, F_OFD_SETLK, &lock) == 0) return 0;
  return errno == EACCES ? -EAGAIN : -errno;
#else
  return -ENOTSUP;
#endif
}

bool find_lock(int fd, short type, off_t start, off_t length, ByteLock* found) {
#ifdef F_OFD_GETLK
  // To the kernel a length of 0 is all that follows.
  if (length <= 0) return false;
  struct flock lock = range(type, start, length);
  if (locking(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return false;
  if (found) {
    found->start = lock.l_start;
    found->end = lock.l_len == 0 ? INT64_MAX : lock.l_start + lock.l_len;
    found->exclusive = lock.l_type == F_WRLCK;
  }
  return true;
#else
  return false;
#endif
}

}  // namespace jobslot
