#include "read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#include <unistd.h>

#include "clock.h"
#include "thread.h"

namespace jobslot {

namespace {

#ifdef __linux__
// splice(2) needs a pipe on its far side. One serves the whole process; a byte is in it only while the lock is held.
struct SplicePipe {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  int ends[2] = {-1, -1};
};
SplicePipe splice_pipe;

// The library may be unloaded, and loaded again, many times in one process: with the last worker thread that uses it.
__attribute__((destructor)) void close_splice_pipe() {
  pthread_mutex_lock(&splice_pipe.mutex);
  for (int& end : splice_pipe.ends) {
    if (end >= 0) close(end);
    end = -1;
  }
  pthread_mutex_unlock(&splice_pipe.mutex);
}

ssize_t splice_now(int fd, void* into, size_t length) {
  pthread_mutex_lock(&splice_pipe.mutex);
  ssize_t result;
  if (splice_pipe.ends[0] < 0 && pipe2(splice_pipe.ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    result = -errno;
  } else {
    do {
      result = splice(fd, nullptr, splice_pipe.ends[1], nullptr, length, SPLICE_F_NONBLOCK);
    } while (result < 0 && errno == EINTR);
    if (result < 0) {
      result = -errno;
    } else {
      size_t got = 0;
      while (got < static_cast<size_t>(result)) {
        ssize_t n = read(splice_pipe.ends[0], static_cast<char*>(into) + got, result - got);
        if (n > 0) got += n;
      }
    }
  }
  pthread_mutex_unlock(&splice_pipe.mutex);
  return result;
}
#else
ssize_t splice_now(int, void*, size_t) { return -ENOSYS; }
#endif

// In a program with threads, the C library's read and write spend a tenth of a token's time on being cancellable; no
// thread here is ever cancelled.
#if defined(__linux__)
ssize_t plain_read(int fd, void* into, size_t length) { return syscall(SYS_read, fd, into, length); }
ssize_t plain_write(int fd, const void* from, size_t length) { return syscall(SYS_write, fd, from, length); }
#else
ssize_t plain_read(int fd, void* into, size_t length) { return read(fd, into, length); }
ssize_t plain_write(int fd, const void* from, size_t length) { return write(fd, from, length); }
#endif

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

}  // namespace

ssize_t read_now(int fd, Way way, void* into, size_t length) {
  if (way == Way::kSplice) return splice_now(fd, into, length);
  if (way == Way::kParked) return -EINVAL;
  ssize_t n;
  do {
    n = way == Way::kRecv ? recv(fd, into, length, MSG_DONTWAIT) : plain_read(fd, into, length);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

int poll_until(int fd, short events, int64_t deadline_ns) {
  // poll(2) passes over a negative number, and would wait for nothing at all.
  if (fd < 0) return -EBADF;
  for (;;) {
    pollfd p = {fd, events, 0};
    int n = poll(&p, 1, poll_timeout_ms(deadline_ns));
    if (n > 0) return p.revents;
    if (n < 0 && errno != EINTR) return -errno;
    if (n == 0 && now_ns() >= deadline_ns) return 0;
  }
}

ssize_t read_until(int fd, Way way, void* into, size_t length, int64_t deadline_ns) {
  for (;;) {
    ssize_t n = read_now(fd, way, into, length);
    if (n != -EAGAIN) return n;
    int events = poll_until(fd, POLLIN, deadline_ns);
    if (events < 0) return events;
    if (events == 0) return -ETIMEDOUT;
  }
}

ssize_t write_now(int fd, bool own, const void* from, size_t length) {
  if (!own) {
    pollfd p = {fd, POLLOUT, 0};
    int n;
    do {
      n = poll(&p, 1, 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return -errno;
    if (n == 0) return -EAGAIN;
    if (p.revents & POLLNVAL) return -EBADF;
    // A pipe that is ready takes PIPE_BUF bytes without waiting, and promises no more.
    if (length > PIPE_BUF) length = PIPE_BUF;
  }
  ssize_t n;
  do {
    // A socket cannot be opened again, but can be told call by call not to wait.
    n = own ? plain_write(fd, from, length) : send(fd, from, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == ENOTSOCK) n = write(fd, from, length);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

namespace {

struct Gift {
  int fd;
  int done;
  uint8_t byte;
};

void* give_blocking(void* argument) {
  Gift* gift = static_cast<Gift*>(argument);
  while (write(gift->fd, &gift->byte, 1) < 0 && errno == EINTR) {
  }
  close(gift->fd);
  close(gift->done);
  free(gift);
  return nullptr;
}

// poll(2) promises no room in a small pipe whose pages are all begun, where one byte more still fits. So a thread of
// its own writes, blocking if it must; nearly always it is done before this returns.
int give_from_thread(int fd, uint8_t byte) {
  int ends[2];
  if (!make_wake_pipe(ends)) return -errno;
  Gift* gift = static_cast<Gift*>(malloc(sizeof(Gift)));
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  pin_library();
  int failed = ENOMEM;
  if (gift && copy >= 0) {
    *gift = {copy, ends[1], byte};
    failed = start_thread(nullptr, give_blocking, gift);
  }
  if (failed) {
    if (copy >= 0) close(copy);
    free(gift);
    close(ends[1]);
  } else {
    poll_until(ends[0], POLLIN, now_ns() + 100000000);
  }
  close(ends[0]);
  return -failed;
}

}  // namespace

int give_byte(int fd, bool own, uint8_t byte) {
  ssize_t n = write_now(fd, own, &byte, 1);
  if (n == -EAGAIN && !own) return give_from_thread(fd, byte);
  return n == 1 ? 0 : n == 0 ? -EIO : static_cast<int>(n);
}

}  // namespace jobslot
