#pragma once

#include <sys/stat.h>
#ifdef __linux__
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

}  // namespace jobslot
