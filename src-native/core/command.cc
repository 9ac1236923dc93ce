#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <spawn.h>
#include <sys/syscall.h>
#endif

namespace jobslot {

#if defined(__linux__) && defined(SYS_pidfd_open)

namespace {

constexpr int kMost = 1024;

// Copies above all numbers that the child is to have: none is in another's way, and dup2 to its own number, which would
// leave the close-on-exec flag, does not come up.
int copy_up(const int* fds, int count, int* copies) {
  for (int i = 0; i < count; i++) {
    copies[i] = -1;
    if (fds[i] < 0) continue;
    copies[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, count);
    if (copies[i] < 0) return -errno;
    // As in libuv: who reads its standard input does not know of it.
    int flags = i < 3 ? fcntl(copies[i], F_GETFL) : 0;
    if (flags > 0 && (flags & O_NONBLOCK)) fcntl(copies[i], F_SETFL, flags & ~O_NONBLOCK);
  }
  return 0;
}

int spawn(const char* program, char* const* words, char* const* environment, const int* copies, int count) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  if (posix_spawn_file_actions_init(&files) != 0) return -ENOMEM;
  posix_spawnattr_init(&attributes);
  int failed = 0;
  for (int i = 0; i < count && !failed; i++) {
    if (copies[i] >= 0) failed = posix_spawn_file_actions_adddup2(&files, copies[i], i);
  }
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  // Node ignores some, which a new program would inherit.
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  pid_t pid = -1;
  if (!failed) failed = posix_spawnp(&pid, program, &files, &attributes, words, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return failed ? -failed : pid;
}

}  // namespace

int start_command(const char* program, char* const* words, char* const* environment, const int* fds, int count) {
  if (count < 3 || count > kMost) return -EINVAL;
  long own = syscall(SYS_pidfd_open, getpid(), 0);
  if (own < 0) return -ENOSYS;
  close(static_cast<int>(own));
  int copies[kMost];
  for (int i = 0; i < count; i++) copies[i] = -1;
  int result = copy_up(fds, count, copies);
  if (result == 0) result = spawn(program, words, environment, copies, count);
  for (int i = 0; i < count; i++) {
    if (copies[i] >= 0) close(copies[i]);
  }
  return result;
}

#else

int start_command(const char*, char* const*, char* const*, const int*, int) { return -ENOSYS; }

#endif

int command_status(int pid) {
  if (pid <= 0) return -ECHILD;
  int status;
  pid_t ended = waitpid(pid, &status, WNOHANG);
  if (ended < 0) return -errno;
  if (ended == 0) return -EAGAIN;
  return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace jobslot
