#pragma once

#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>
#ifdef __linux__
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace jobslot {

// fstat(2). glibc has had a symbol of that name only since 2.33; the kernel's call is the same everywhere.
inline int file_status(int fd, struct stat* into) {
#if defined(__linux__) && defined(__LP64__)
  return static_cast<int>(syscall(SYS_fstat, fd, into));
#else
  return fstat(fd, into);
#endif
}

// Which file is at a path, how many names it has and how long it is. -1 with errno where there is none.
struct FileIdentity {
  uint64_t device;
  uint64_t inode;
  uint64_t links;
  uint64_t size;
};

inline int identify(int fd, const char* path, FileIdentity* into) {
#ifdef SYS_statx
  struct statx found;
  // Without the times: who has asked for them makes the kernel write the inode anew at the next write.
  if (syscall(SYS_statx, fd, path, AT_EMPTY_PATH, STATX_INO | STATX_NLINK | STATX_SIZE, &found) == 0) {
    *into = {(static_cast<uint64_t>(found.stx_dev_major) << 32) | found.stx_dev_minor, found.stx_ino, found.stx_nlink, found.stx_size};
    return 0;
  }
  // Kernels before 4.11, and containers that know no newer call.
  if (errno != ENOSYS && errno != EPERM) return -1;
#endif
  struct stat status;
  if ((*path ? stat(path, &status) : file_status(fd, &status)) != 0) return -1;
  *into = {static_cast<uint64_t>(status.st_dev), static_cast<uint64_t>(status.st_ino),
           static_cast<uint64_t>(status.st_nlink), static_cast<uint64_t>(status.st_size)};
  return 0;
}

}  // namespace jobslot
