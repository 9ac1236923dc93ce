#pragma once

#include <stddef.h>
#include <stdint.h>

#include "loop.h"

namespace jobslot {

// Sees to it that a worker process ends when nobody uses it any more, even where its JavaScript is stuck in a loop; and
// that the log it writes stays short. Free of Node-API, so that it can be tested alone.
class Guard : Loop {
 public:
  // `on_unused` runs on the thread, once, when there has been no user for the grace.
  Guard(void (*on_unused)(void*), void* context) : on_unused_(on_unused), context_(context) {}
  // stop() comes first.
  ~Guard() override;

  // Nobody uses it yet: the grace begins. 0 or -errno.
  int start(double grace_ms);
  int set_grace(double grace_ms);

  // A user: the other end of this socket. Looked at through a duplicate. Returns its number or -errno.
  int watch(int fd);
  int unwatch(int id);

  // When the file that `fd` is open on, for reading and appending, has grown beyond `limit` it begins anew, with a line
  // that says how much is gone. Linux.
  int bound_log(int fd, size_t limit);

  // For tests: a worker's guard lives as long as the process.
  void stop();

 private:
  struct User;
  void loop() override;
  void trim();

  void (*on_unused_)(void*);
  void* context_;
  bool started_ = false;
  int last_id_ = 0;
  User* users_ = nullptr;
  int64_t grace_ns_ = 0;
  int64_t unused_since_ns_ = 0;
  int log_ = -1;
  int log_events_ = -1;
  size_t log_limit_ = 0;
};

// Ends this process, at once: the whole group where it leads one of its own.
void end_own_group(void*);

}  // namespace jobslot
