#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#endif

#include "clock.h"
#include "locked.h"
#include "poll_list.h"
#include "status.h"

namespace jobslot {

struct Guard::User {
  int id;
  int fd;
  User* next;

  ~User() { close(fd); }
};

Guard::~Guard() {
  const int fds[] = {log_, log_events_};
  for (int fd : fds) {
    if (fd >= 0) close(fd);
  }
}

static int64_t nanoseconds(double ms) { return ms >= 0 && ms < 9e12 ? static_cast<int64_t>(ms * 1e6) : 0; }

int Guard::start(double grace_ms) {
  Locked locked(&mutex_);
  if (started_) return -EALREADY;
  grace_ns_ = nanoseconds(grace_ms);
  unused_since_ns_ = now_ns();
  int failed = ensure_running();
  started_ = failed == 0;
  return -failed;
}

int Guard::set_grace(double grace_ms) {
  Locked locked(&mutex_);
  if (!started_) return -EINVAL;
  grace_ns_ = nanoseconds(grace_ms);
  if (!users_) unused_since_ns_ = now_ns();
  wake_up();
  return 0;
}

int Guard::watch(int fd) {
  Locked locked(&mutex_);
  if (!started_) return -EINVAL;
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (own < 0) return -errno;
  users_ = new User{++last_id_, own, users_};
  wake_up();
  return last_id_;
}

int Guard::unwatch(int id) {
  Locked locked(&mutex_);
  for (User** at = &users_; *at; at = &(*at)->next) {
    if ((*at)->id != id) continue;
    User* user = *at;
    *at = user->next;
    delete user;
    if (!users_) unused_since_ns_ = now_ns();
    wake_up();
    return 0;
  }
  return -EBADF;
}

int Guard::bound_log(int fd, size_t limit) {
#ifdef __linux__
  Locked locked(&mutex_);
  if (!started_ || log_ >= 0) return -EINVAL;
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (own < 0) return -errno;
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", own);
  int events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (events < 0 || inotify_add_watch(events, path, IN_MODIFY) < 0) {
    int error = errno;
    if (events >= 0) close(events);
    close(own);
    return -error;
  }
  log_ = own;
  log_events_ = events;
  log_limit_ = limit;
  wake_up();
  return 0;
#else
  static_cast<void>(fd);
  static_cast<void>(limit);
  return -ENOSYS;
#endif
}

void Guard::stop() {
  if (!end()) return;
  while (User* user = users_) {
    users_ = user->next;
    delete user;
  }
}

// Without the lock: it takes its time. Only the thread comes here.
void Guard::trim() {
  struct stat st;
  if (file_status(log_, &st) != 0 || st.st_size <= static_cast<off_t>(log_limit_)) return;
  unsigned long long lines = 0;
  off_t bytes = 0;
  static char chunk[64 * 1024];
  for (ssize_t n; (n = pread(log_, chunk, sizeof chunk, bytes)) > 0; bytes += n) {
    for (const char* at = chunk; (at = static_cast<const char*>(memchr(at, '\n', chunk + n - at))); at++) lines++;
    // The writer may be as fast as this: then the rest goes uncounted.
    if (bytes > st.st_size * 2) break;
  }
  if (ftruncate(log_, 0) != 0) return;
  int length = snprintf(chunk, sizeof chunk, "… %llu lines (%lld bytes) dropped\n", lines, static_cast<long long>(bytes));
  ssize_t ignored = write(log_, chunk, static_cast<size_t>(length));
  static_cast<void>(ignored);
}

void Guard::loop() {
  PollList<int> polled;
  bool ended = false;
  while (!stopping_) {
    size_t wanted = 2;
    for (User* user = users_; user; user = user->next) wanted++;
    polled.make_room(wanted);
    pollfd* fds = polled.fds;
    fds[0] = {wake_[0], POLLIN, 0};
    fds[1] = {log_events_, POLLIN, 0};
    size_t count = 2;
    for (User* user = users_; user && count < polled.room; user = user->next) {
      // Nothing is asked for: hang-up and errors are always told.
      fds[count] = {user->fd, 0, 0};
      polled.who[count++] = user->id;
    }
    int64_t deadline = users_ || ended ? kNever : unused_since_ns_ + grace_ns_;
    pthread_mutex_unlock(&mutex_);
    int ready = poll(fds, static_cast<nfds_t>(count), poll_timeout_ms(deadline));
    slept(ready > 0 && fds[0].revents);
    if (ready > 0 && fds[1].revents) {
      char drain[4096];
      while (read(fds[1].fd, drain, sizeof drain) > 0) {
      }
      trim();
    }
    pthread_mutex_lock(&mutex_);
    for (size_t i = 2; ready > 0 && i < count; i++) {
      if (!fds[i].revents) continue;
      for (User** at = &users_; *at; at = &(*at)->next) {
        if ((*at)->id != polled.who[i]) continue;
        User* gone = *at;
        *at = gone->next;
        delete gone;
        if (!users_) unused_since_ns_ = now_ns();
        break;
      }
    }
    if (!users_ && !ended && !stopping_ && now_ns() >= unused_since_ns_ + grace_ns_) {
      ended = true;
      on_unused_(context_);
    }
  }
}

void end_own_group(void*) {
  // To a group that it does not lead others belong who have nothing to do with it.
  kill(getpgrp() == getpid() ? 0 : getpid(), SIGKILL);
}

}  // namespace jobslot
