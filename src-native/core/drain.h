#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "loop.h"

namespace jobslot {

// The last bytes that came through a pipe, and an account of those that had to go before they were taken. Whole lines
// go, the oldest first: what a program said last is what tells why it ended.
struct Drained {
  uint8_t* bytes = nullptr;
  size_t capacity = 0;
  size_t start = 0;
  size_t length = 0;
  uint64_t dropped_lines = 0;
  uint64_t dropped_bytes = 0;

  void put(const uint8_t* from, size_t count);
  size_t take(uint8_t* into, size_t count);

 private:
  void drop(size_t count);
};

struct DropCount {
  uint64_t lines;
  uint64_t bytes;
};

// One thread that empties pipes into bounded memory, so that whoever writes into one is never held up: not by a reader
// whose event loop is blocked, nor by one that is slow. Free of Node-API, so that it can be tested alone.
class Drainer : Loop {
 public:
  // `notify` runs on the thread when there is something to take; not again before `take` was called.
  Drainer(void (*notify)(void*), void* context) : notify_(notify), context_(context) {}
  // stop() comes first.
  ~Drainer() override;

  // Makes a pipe, keeps at most `capacity` bytes of what comes through it. Returns its number or -errno; the write end,
  // which is close-on-exec and blocks, is the caller's.
  int open(size_t capacity, int* write_end);

  // Bytes that lie ready, and what was dropped before them. `ended`: nothing will come any more.
  ssize_t take(int id, uint8_t* into, size_t length, DropCount* dropped, bool* ended);

  // Reads on the calling thread what is in the pipe now. For one who cannot wait until the thread has come to it.
  int pump(int id);

  int close(int id);

  // Ends the thread and closes all pipes.
  void stop();

 private:
  struct Pipe;
  void loop() override;
  Pipe* find(int id);
  void read_now(Pipe* pipe);
  void told();

  void (*notify_)(void*);
  void* context_;
  bool told_ = false;
  int last_id_ = 0;
  Pipe* pipes_ = nullptr;
  uint8_t* chunk_ = nullptr;
};

}  // namespace jobslot
