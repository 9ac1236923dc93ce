#pragma once

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "parked.h"
#include "read.h"

namespace jobslot {

class Waiter;

// One wait of the waiting thread. Ends by exactly one of: the result, its deadline, cancel(), stop(). All that it
// needs of a descriptor it duplicates, so closing or reusing the caller's number meanwhile harms nothing.
struct Wait {
  enum Status { kWaiting, kReady, kTimeout, kFailed };

  ParkedWant parked;  // first: the parked reader hands back a pointer to it
  Waiter* waiter = nullptr;
  uint32_t id = 0;
  int fd = -1;
  short events = POLLIN;
  bool reads = false;  // else it only waits for events
  Way way = Way::kDirect;
  int give_fd = -1;  // where a byte goes that was read and cannot be delivered; -1: nowhere
  bool give_own = false;
  int64_t deadline_ns = 0;
  size_t length = 0;
  int64_t tag = 0;  // the caller's
  bool quiet = false;  // the caller's: no reason to live on
  uint8_t* data = nullptr;

  Status status = kWaiting;
  int error = 0;
  int revents = 0;
  // poll(2) reports no hang-up of a FIFO that was opened after its last writer had left: only a first read tells.
  bool untried = false;
  size_t got = 0;
  Wait* next = nullptr;

  Wait() = default;
  Wait(const Wait&) = delete;
  ~Wait();
};

// The one thread that waits for everything a program waits for through this addon. It reads the moment a descriptor
// is ready, for whoever comes a millisecond later finds the byte taken. Free of Node-API, so that it can be tested
// alone under ThreadSanitizer.
class Waiter : Loop {
 public:
  // `notify` runs on the waiting thread (or a parked one) when finished waits lie ready for take_finished().
  // stop() comes before the end.
  Waiter(void (*notify)(void*), void* context) : notify_(notify), context_(context) {}

  // Takes the wait over. 0, or an errno value: then the wait was not taken.
  int start(Wait* wait);

  // True: the wait was still waiting, is gone and will not be heard of. False: its result stands or never was.
  bool cancel(uint32_t id, bool* quiet = nullptr);

  // The next finished wait, in the order in which they finished, or null. The caller deletes it.
  Wait* take_finished();

  // Ends the thread and all waits. Bytes that were read and not yet taken are given back. Nothing can start after it.
  void stop();

 private:
  friend bool offer_to_wait(ParkedWant* want, int byte);
  void loop() override;
  void finish(Wait* wait, Wait::Status status);
  void check(Wait* wait, int revents);

  void (*notify_)(void*);
  void* context_;
  bool changed_ = false;  // the set of waits differs from what the thread polls
  bool removed_ = false;  // and some of what it polls is no longer there
  Wait* waiting_ = nullptr;
  Wait* finished_ = nullptr;
  Wait** finished_end_ = &finished_;
};

}  // namespace jobslot
