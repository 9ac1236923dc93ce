// Preloaded into a program: counts its calls to the system that touch files below one folder, and kills the program
// right before one of them (which is right after the one before), or has it fail.
//
//   FAULTS_DIR   the folder, without links in its path
//   FAULTS_LOG   a file outside of it: a line for each call
//   FAULTS_AT    the number of the call, from 1, or a name: the first call of that name; none where it is missing
//   FAULTS_KIND  `kill`, `error`: ENOSPC where the call may take room on the disk, else EIO
//
// The program calls access("faults:on") and access("faults:off") around what is meant.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int armed;
static atomic_int calls;
static atomic_int done;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define plain_syscall(...) REAL(syscall)(__VA_ARGS__)

static int is_below(const char* path) {
  const char* dir = getenv("FAULTS_DIR");
  size_t length = dir ? strlen(dir) : 0;
  return length > 0 && strncmp(path, dir, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

// The path of a descriptor; empty where it has none.
static void path_of(int fd, char into[PATH_MAX]) {
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = plain_syscall(SYS_readlinkat, AT_FDCWD, link, into, PATH_MAX - 1);
  into[n < 0 ? 0 : n] = '\0';
}

static void resolve(int dirfd, const char* path, char into[PATH_MAX]) {
  into[0] = '\0';
  if (path[0] == '/' || dirfd == AT_FDCWD) {
    snprintf(into, PATH_MAX, "%s", path);
    return;
  }
  path_of(dirfd, into);
  size_t length = strlen(into);
  if (path[0]) snprintf(into + length, PATH_MAX - length, "/%s", path);
}

static void log_call(int number, const char* name, const char* path) {
  const char* file = getenv("FAULTS_LOG");
  if (!file) return;
  char line[PATH_MAX + 64];
  int length = snprintf(line, sizeof line, "%d %s %s\n", number, name, path);
  long fd = plain_syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) abort();
  if (plain_syscall(SYS_write, fd, line, length) != length) abort();
  plain_syscall(SYS_close, fd);
}

static int error_of(const char* name) {
  static const char* taking_room[] = {"open", "write", "pwrite", "fsync", "rename", "mk", "ftruncate"};
  for (size_t i = 0; i < sizeof taking_room / sizeof *taking_room; i++) {
    if (strncmp(name, taking_room[i], strlen(taking_room[i])) == 0) return ENOSPC;
  }
  return EIO;
}

// The error that this call is to end with, or 0.
static int fault(const char* name, const char* path) {
  if (!armed || !is_below(path)) return 0;
  int number = ++calls;
  log_call(number, name, path);
  const char* at = getenv("FAULTS_AT");
  if (!at || done || (atoi(at) != number && strcmp(at, name) != 0)) return 0;
  done = 1;
  const char* kind = getenv("FAULTS_KIND");
  if (kind && strcmp(kind, "kill") == 0) plain_syscall(SYS_kill, getpid(), SIGKILL);
  return error_of(name);
}

static int fault_fd(const char* name, int fd) {
  if (!armed) return 0;
  char path[PATH_MAX];
  path_of(fd, path);
  return fault(name, path);
}

static int fault_at(const char* name, int dirfd, const char* path) {
  if (!armed) return 0;
  char full[PATH_MAX];
  resolve(dirfd, path, full);
  return fault(name, full);
}

#define PERFORM(what, call) \
  int error = (what);       \
  if (error) {              \
    errno = error;          \
    return -1;              \
  }                         \
  return call

#define ON_FD(type, name, parameters, arguments) \
  type name parameters { PERFORM(fault_fd(#name, fd), REAL(name) arguments); }
#define ON_PATH(type, name, parameters, arguments) \
  type name parameters { PERFORM(fault_at(#name, AT_FDCWD, path), REAL(name) arguments); }
#define AT_PATH(type, name, parameters, arguments) \
  type name parameters { PERFORM(fault_at(#name, dirfd, path), REAL(name) arguments); }

ON_FD(ssize_t, read, (int fd, void* to, size_t n), (fd, to, n))
ON_FD(ssize_t, readv, (int fd, const struct iovec* to, int n), (fd, to, n))
ON_FD(ssize_t, pread, (int fd, void* to, size_t n, off_t at), (fd, to, n, at))
ON_FD(ssize_t, pread64, (int fd, void* to, size_t n, off64_t at), (fd, to, n, at))
ON_FD(ssize_t, write, (int fd, const void* from, size_t n), (fd, from, n))
ON_FD(ssize_t, writev, (int fd, const struct iovec* from, int n), (fd, from, n))
ON_FD(ssize_t, pwrite, (int fd, const void* from, size_t n, off_t at), (fd, from, n, at))
ON_FD(ssize_t, pwrite64, (int fd, const void* from, size_t n, off64_t at), (fd, from, n, at))
ON_FD(int, fsync, (int fd), (fd))
ON_FD(int, fdatasync, (int fd), (fd))
ON_FD(int, ftruncate, (int fd, off_t length), (fd, length))
ON_FD(int, ftruncate64, (int fd, off64_t length), (fd, length))
ON_FD(int, fchmod, (int fd, mode_t mode), (fd, mode))
ON_FD(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
ON_PATH(int, unlink, (const char* path), (path))
ON_PATH(int, mkdir, (const char* path, mode_t mode), (path, mode))
ON_PATH(int, rmdir, (const char* path), (path))
ON_PATH(int, mkfifo, (const char* path, mode_t mode), (path, mode))
ON_PATH(int, rename, (const char* path, const char* to), (path, to))
ON_PATH(ssize_t, readlink, (const char* path, char* to, size_t n), (path, to, n))
AT_PATH(int, unlinkat, (int dirfd, const char* path, int flags), (dirfd, path, flags))
AT_PATH(int, mkfifoat, (int dirfd, const char* path, mode_t mode), (dirfd, path, mode))

// A descriptor is closed whatever the answer.
int close(int fd) {
  int error = fault_fd("close", fd);
  int result = REAL(close)(fd);
  if (error) errno = error;
  return error ? -1 : result;
}

#define OPEN(name)                                                             \
  int name(const char* path, int flags, ...) {                                 \
    va_list rest;                                                              \
    va_start(rest, flags);                                                     \
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;  \
    va_end(rest);                                                              \
    PERFORM(fault_at(#name, AT_FDCWD, path), REAL(name)(path, flags, mode));   \
  }
OPEN(open)
OPEN(open64)

int openat(int dirfd, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  PERFORM(fault_at("openat", dirfd, path), REAL(openat)(dirfd, path, flags, mode));
}

// Locks: the program can be killed there, but they have no error that a disk makes.
#define FCNTL(name)                           \
  int name(int fd, int command, ...) {        \
    va_list rest;                             \
    va_start(rest, command);                  \
    void* argument = va_arg(rest, void*);     \
    va_end(rest);                             \
    fault_fd(#name, fd);                      \
    return REAL(name)(fd, command, argument); \
  }
FCNTL(fcntl)
FCNTL(fcntl64)

// What libuv and the addon call by number.
long syscall(long number, ...) {
  va_list rest;
  va_start(rest, number);
  long a[6];
  for (int i = 0; i < 6; i++) a[i] = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_close) return close((int)a[0]);
  int what = 0;
  if (number == SYS_statx) what = fault_at("statx", (int)a[0], (const char*)a[1]);
  if (number == SYS_fstat) what = fault_fd("fstat", (int)a[0]);
  PERFORM(what, plain_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

int access(const char* path, int mode) {
  if (strcmp(path, "faults:on") == 0) armed = 1;
  if (strcmp(path, "faults:off") == 0) armed = 0;
  return REAL(access)(path, mode);
}
