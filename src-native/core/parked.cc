#include "parked.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "status.h"
#include "thread.h"

namespace jobslot {

namespace {

struct ParkedReader {
  dev_t dev;
  ino_t ino;
  int fd;
  int give_fd;
  int wake[2];
  int kept;  // a byte nobody wanted and that could not be given back, or -1
  bool running;
  ParkedWant* wants;
  ParkedReader* next;
};

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
ParkedReader* readers = nullptr;

void unlink_want(ParkedReader* reader, ParkedWant* want) {
  for (ParkedWant** at = &reader->wants; *at; at = &(*at)->next) {
    if (*at == want) {
      *at = want->next;
      break;
    }
  }
  want->next = nullptr;
  want->queued = false;
}

void destroy(ParkedReader* reader) {
  for (ParkedReader** at = &readers; *at; at = &(*at)->next) {
    if (*at == reader) {
      *at = reader->next;
      break;
    }
  }
  close(reader->fd);
  if (reader->give_fd >= 0) close(reader->give_fd);
  close(reader->wake[0]);
  close(reader->wake[1]);
  free(reader);
}

// With the mutex held. A byte goes to the first who takes it; an end or an error to all.
bool hand_out(ParkedReader* reader, int byte) {
  bool taken = false;
  while (reader->wants && !(taken && byte >= 0)) {
    ParkedWant* want = reader->wants;
    unlink_want(reader, want);
    if (want->offer(want, byte)) taken = true;
  }
  return taken;
}

void* read_for_wants(void* argument) {
  ParkedReader* reader = static_cast<ParkedReader*>(argument);
  pthread_mutex_lock(&mutex);
  while (reader->wants) {
    pthread_mutex_unlock(&mutex);
    pollfd fds[2] = {{reader->fd, POLLIN, 0}, {reader->wake[0], POLLIN, 0}};
    poll(fds, 2, -1);
    if (fds[1].revents) {
      char drain[16];
      while (read(reader->wake[0], drain, sizeof drain) > 0) {
      }
    }
    // Who waited may have left by now: a byte that nobody waits for is another's.
    pthread_mutex_lock(&mutex);
    if (!fds[0].revents || !reader->wants) continue;
    pthread_mutex_unlock(&mutex);
    uint8_t byte;
    ssize_t n;
    do {
      n = read(reader->fd, &byte, 1);  // may park here: another process can be faster
    } while (n < 0 && errno == EINTR);
    int error = errno;
    pthread_mutex_lock(&mutex);
    if (n == 1) {
      if (!hand_out(reader, byte)) {
        if (reader->give_fd < 0 || give_byte(reader->give_fd, false, byte) != 0) reader->kept = byte;
      }
    } else if (n == 0) {
      hand_out(reader, kParkedEof);
    } else if (error != EAGAIN) {
      hand_out(reader, kParkedError - error);
    }
  }
  reader->running = false;
  if (reader->kept < 0) destroy(reader);
  pthread_mutex_unlock(&mutex);
  return nullptr;
}

ParkedReader* find_or_make(int fd, int give_fd, int* error) {
  struct stat st;
  if (file_status(fd, &st) != 0) {
    *error = -errno;
    return nullptr;
  }
  for (ParkedReader* r = readers; r; r = r->next) {
    if (r->dev != st.st_dev || r->ino != st.st_ino) continue;
    // Made for a caller that knew no way to give back.
    if (r->give_fd < 0 && give_fd >= 0 && (r->give_fd = fcntl(give_fd, F_DUPFD_CLOEXEC, 3)) < 0) {
      *error = -errno;
      return nullptr;
    }
    return r;
  }
  ParkedReader* r = static_cast<ParkedReader*>(calloc(1, sizeof(ParkedReader)));
  if (!r) {
    *error = -ENOMEM;
    return nullptr;
  }
  r->dev = st.st_dev;
  r->ino = st.st_ino;
  r->kept = -1;
  r->give_fd = -1;
  r->wake[0] = r->wake[1] = -1;
  r->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (r->fd < 0 || (give_fd >= 0 && (r->give_fd = fcntl(give_fd, F_DUPFD_CLOEXEC, 3)) < 0) || !make_wake_pipe(r->wake)) {
    *error = -errno;
    if (r->fd >= 0) close(r->fd);
    if (r->give_fd >= 0) close(r->give_fd);
    free(r);
    return nullptr;
  }
  r->next = readers;
  readers = r;
  return r;
}

// The one who waits on the calling thread itself, in poll(2). Not a condition variable: a binary without symbol versions
// is bound to glibc's oldest pthread_cond_timedwait, which knows only the clock that people set.
struct SyncWant {
  ParkedWant want;
  int arrived[2] = {-1, -1};
  bool done = false;
  int byte = 0;
};

bool offer_sync(ParkedWant* want, int byte) {
  SyncWant* self = reinterpret_cast<SyncWant*>(want);
  self->done = true;
  self->byte = byte;
  wake(self->arrived);
  return true;
}

// With the mutex held.
int queue(ParkedWant* want, int fd, int give_fd) {
  int error = 0;
  ParkedReader* reader = find_or_make(fd, give_fd, &error);
  if (!reader) return error;
  if (reader->kept >= 0) {
    int byte = reader->kept;
    if (want->offer(want, byte)) reader->kept = -1;
    if (!reader->running && reader->kept < 0) destroy(reader);
    return 0;
  }
  ParkedWant** at = &reader->wants;
  while (*at) at = &(*at)->next;
  want->next = nullptr;
  want->queued = true;
  want->reader = reader;
  *at = want;
  if (!reader->running) {
    pin_library();
    int failed = start_thread(nullptr, read_for_wants, reader);
    if (failed) {
      unlink_want(reader, want);
      destroy(reader);
      return -failed;
    }
    reader->running = true;
  }
  return 0;
}

void forget(ParkedWant* want) {
  if (!want->queued) return;
  ParkedReader* reader = static_cast<ParkedReader*>(want->reader);
  unlink_want(reader, want);
  // A thread still in poll(2) with nobody to read for ends; one parked in read(2) stays until a byte comes.
  if (!reader->wants) wake(reader->wake);
}

}  // namespace

int parked_want(ParkedWant* want, int fd, int give_fd) {
  pthread_mutex_lock(&mutex);
  int result = queue(want, fd, give_fd);
  pthread_mutex_unlock(&mutex);
  return result;
}

void parked_forget(ParkedWant* want) {
  pthread_mutex_lock(&mutex);
  forget(want);
  pthread_mutex_unlock(&mutex);
}

int64_t parked_deadline(int fd, int64_t deadline_ns) {
  int64_t now = now_ns();
  int64_t moment = now + 20000000;
  return deadline_ns < moment && poll_until(fd, POLLIN, now) > 0 ? moment : deadline_ns;
}

ssize_t parked_read_until(int fd, int give_fd, void* into, int64_t deadline_ns) {
  deadline_ns = parked_deadline(fd, deadline_ns);
  SyncWant sync;
  sync.want.offer = offer_sync;
  if (!make_wake_pipe(sync.arrived)) return -errno;
  ssize_t result = parked_want(&sync.want, fd, give_fd);
  if (result == 0) {
    poll_until(sync.arrived[0], POLLIN, deadline_ns);
    pthread_mutex_lock(&mutex);
    forget(&sync.want);
    if (!sync.done) {
      result = -ETIMEDOUT;
    } else if (sync.byte >= 0) {
      *static_cast<uint8_t*>(into) = static_cast<uint8_t>(sync.byte);
      result = 1;
    } else {
      result = sync.byte == kParkedEof ? 0 : -(kParkedError - sync.byte);
    }
    pthread_mutex_unlock(&mutex);
  }
  close(sync.arrived[0]);
  close(sync.arrived[1]);
  return result;
}

}  // namespace jobslot
