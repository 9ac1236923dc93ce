#pragma once

#include <stddef.h>
#include <stdint.h>

#include "read.h"

namespace jobslot {

// The last way round the shared-description problem, for descriptors that can neither be opened again nor spliced:
// a thread of its own waits with poll(2) and then reads one byte with a plain, possibly blocking read(2). Between the
// two another process may take the byte; then the thread stays parked in read(2), and whoever waited leaves without
// it, at its timeout or abort. A byte that arrives when nobody wants it is given back at once, or, where there is no
// way to give back (a stream that is no jobserver), kept for the next who asks.
//
// One thread serves all who wait on the same open file. It is never joined, since nothing can wake it from read(2)
// without a signal handler, so the library pins itself in memory when it starts the first one.

// One who waits. `offer` is called on the parked thread with the registry locked; true means taken. `byte` is -1 at
// end of file and -1000-errno for an error, both of which every waiter gets.
struct ParkedWant {
  bool (*offer)(ParkedWant* self, int byte) = nullptr;
  ParkedWant* next = nullptr;
  bool queued = false;
  void* reader = nullptr;
};

constexpr int kParkedEof = -1;
constexpr int kParkedError = -1000;

// Queues the want and sees to it that a thread reads. `give_fd` is -1 where there is no way to give back.
// 0 or -errno; a byte already kept is offered before this returns.
int parked_want(ParkedWant* want, int fd, int give_fd);

// Takes the want off the queue. After this returns, `offer` is not called any more.
void parked_forget(ParkedWant* want);

// When a wait with this deadline may end: where a byte lies ready, not before the parked thread had a moment to fetch
// it, or a wait that only asks (a timeout of 0) would never see one.
int64_t parked_deadline(int fd, int64_t deadline_ns);

// As read_until, one byte.
ssize_t parked_read_until(int fd, int give_fd, void* into, int64_t deadline_ns);

}  // namespace jobslot
