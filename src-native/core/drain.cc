#include "drain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "locked.h"
#include "poll_list.h"
#include "thread.h"

namespace jobslot {

namespace {

constexpr size_t kChunk = 64 * 1024;
// What one who cannot wait reads at most, be the writer ever so fast.
constexpr size_t kPumped = 1024 * 1024;

uint64_t lines_in(const uint8_t* bytes, size_t count) {
  uint64_t lines = 0;
  const uint8_t* end = bytes + count;
  while (bytes < end && (bytes = static_cast<const uint8_t*>(memchr(bytes, '\n', end - bytes)))) {
    lines++;
    bytes++;
  }
  return lines;
}

}  // namespace

void Drained::drop(size_t count) {
  dropped_bytes += count;
  while (count > 0) {
    size_t piece = capacity - start < count ? capacity - start : count;
    dropped_lines += lines_in(bytes + start, piece);
    start = (start + piece) % capacity;
    length -= piece;
    count -= piece;
  }
}

void Drained::put(const uint8_t* from, size_t count) {
  if (length + count > capacity) {
    size_t excess = length + count - capacity;
    if (excess < length) {
      bool whole = bytes[(start + excess - 1) % capacity] == '\n';
      drop(excess);
      // The rest of the line that was cut, too: half a line says nothing.
      size_t rest = 0;
      while (!whole && rest < length && bytes[(start + rest) % capacity] != '\n') rest++;
      if (!whole) drop(rest < length ? rest + 1 : length);
    } else {
      excess -= length;
      drop(length);
      const void* newline = excess ? memchr(from + excess - 1, '\n', count - excess + 1) : nullptr;
      if (newline) excess = static_cast<const uint8_t*>(newline) - from + 1;
      dropped_lines += lines_in(from, excess);
      dropped_bytes += excess;
      from += excess;
      count -= excess;
    }
  }
  size_t end = (start + length) % capacity;
  size_t piece = capacity - end < count ? capacity - end : count;
  memcpy(bytes + end, from, piece);
  memcpy(bytes, from + piece, count - piece);
  length += count;
}

size_t Drained::take(uint8_t* into, size_t count) {
  size_t taken = 0;
  while (taken < count && length > 0) {
    size_t piece = capacity - start < length ? capacity - start : length;
    if (piece > count - taken) piece = count - taken;
    memcpy(into + taken, bytes + start, piece);
    start = (start + piece) % capacity;
    length -= piece;
    taken += piece;
  }
  return taken;
}

struct Drainer::Pipe {
  int id;
  int fd;  // -1 after the end
  Drained drained;
  Pipe* next;

  ~Pipe() {
    if (fd >= 0) ::close(fd);
    free(drained.bytes);
  }
};

Drainer::~Drainer() { free(chunk_); }

int Drainer::open(size_t capacity, int* write_end) {
  Locked locked(&mutex_);
  if (!chunk_ && !(chunk_ = static_cast<uint8_t*>(malloc(kChunk)))) return -ENOMEM;
  uint8_t* bytes = static_cast<uint8_t*>(malloc(capacity));
  if (!bytes) return -ENOMEM;
  int ends[2];
  if (!make_wake_pipe(ends)) {
    int error = errno;
    free(bytes);
    return -error;
  }
  // A writer that finds the pipe full waits for the thread, which is on its way.
  fcntl(ends[1], F_SETFL, fcntl(ends[1], F_GETFL) & ~O_NONBLOCK);
  int failed = ensure_running();
  if (failed) {
    ::close(ends[0]);
    ::close(ends[1]);
    free(bytes);
    return -failed;
  }
  Pipe* pipe = new Pipe();
  pipe->id = ++last_id_;
  pipe->fd = ends[0];
  pipe->drained.bytes = bytes;
  pipe->drained.capacity = capacity;
  pipe->next = pipes_;
  pipes_ = pipe;
  *write_end = ends[1];
  wake_up();
  return pipe->id;
}

Drainer::Pipe* Drainer::find(int id) {
  for (Pipe* pipe = pipes_; pipe; pipe = pipe->next) {
    if (pipe->id == id) return pipe;
  }
  return nullptr;
}

ssize_t Drainer::take(int id, uint8_t* into, size_t length, DropCount* dropped, bool* ended) {
  Locked locked(&mutex_);
  Pipe* pipe = find(id);
  if (!pipe) return -EBADF;
  told_ = false;
  *dropped = {pipe->drained.dropped_lines, pipe->drained.dropped_bytes};
  pipe->drained.dropped_lines = pipe->drained.dropped_bytes = 0;
  size_t taken = pipe->drained.take(into, length);
  *ended = pipe->fd < 0 && pipe->drained.length == 0;
  return static_cast<ssize_t>(taken);
}

// With the lock held, as two readers of one pipe would mix up its bytes. Never blocks.
void Drainer::read_now(Pipe* pipe) {
  ssize_t n;
  do {
    n = read(pipe->fd, chunk_, kChunk);
  } while (n < 0 && errno == EINTR);
  if (n > 0) {
    pipe->drained.put(chunk_, static_cast<size_t>(n));
  } else if (n == 0 || errno != EAGAIN) {
    ::close(pipe->fd);
    pipe->fd = -1;
  }
}

int Drainer::pump(int id) {
  Locked locked(&mutex_);
  Pipe* pipe = find(id);
  if (!pipe) return -EBADF;
  for (size_t most = 0; most < kPumped && pipe->fd >= 0; most += kChunk) {
    pollfd p = {pipe->fd, POLLIN, 0};
    if (poll(&p, 1, 0) <= 0) break;
    read_now(pipe);
  }
  return 0;
}

int Drainer::close(int id) {
  Locked locked(&mutex_);
  for (Pipe** at = &pipes_; *at; at = &(*at)->next) {
    if ((*at)->id != id) continue;
    Pipe* pipe = *at;
    *at = pipe->next;
    delete pipe;
    // Whoever was told of it will not take it any more.
    told_ = false;
    wake_up();
    return 0;
  }
  return -EBADF;
}

void Drainer::stop() {
  if (!end()) return;
  while (Pipe* pipe = pipes_) {
    pipes_ = pipe->next;
    delete pipe;
  }
}

// With the lock held.
void Drainer::told() {
  if (told_) return;
  told_ = true;
  notify_(context_);
}

void Drainer::loop() {
  PollList<int> polled;
  while (!stopping_) {
    size_t wanted = 1;
    for (Pipe* pipe = pipes_; pipe; pipe = pipe->next) wanted++;
    polled.make_room(wanted);
    pollfd* fds = polled.fds;
    fds[0] = {wake_[0], POLLIN, 0};
    size_t count = 1;
    for (Pipe* pipe = pipes_; pipe && count < polled.room; pipe = pipe->next) {
      if (pipe->fd < 0) continue;
      fds[count] = {pipe->fd, POLLIN, 0};
      polled.who[count++] = pipe->id;
    }
    pthread_mutex_unlock(&mutex_);
    int ready = poll(fds, static_cast<nfds_t>(count), -1);
    pthread_mutex_lock(&mutex_);
    if (ready <= 0) continue;
    slept(fds[0].revents);
    for (size_t i = 1; i < count; i++) {
      // It may be closed by now, or emptied by pump().
      Pipe* pipe = fds[i].revents ? find(polled.who[i]) : nullptr;
      if (!pipe || pipe->fd < 0) continue;
      read_now(pipe);
      told();
    }
  }
}

}  // namespace jobslot
