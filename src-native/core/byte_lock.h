#pragma once

#include <sys/types.h>

namespace jobslot {

// Locks on ranges of a file's bytes that belong to the open file description (OFD): the kernel frees them with the last
// descriptor on it, and two handles in one process exclude each other. POSIX's own locks would vanish as soon as the
// process closes any descriptor of the file.

// type: F_RDLCK, F_WRLCK, F_UNLCK. 0, -EAGAIN when another description has a lock in the range, or -errno.
int lock_bytes(int fd, short type, off_t start, off_t length);

struct ByteLock {
  off_t start;
  off_t end;  // behind the last byte
  bool exclusive;
};

// Whether another description has a lock in the range that excludes one of this type, and one such lock: not the first.
bool find_lock(int fd, short type, off_t start, off_t length, ByteLock* found);

}  // namespace jobslot
