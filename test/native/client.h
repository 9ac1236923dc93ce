#pragma once

#include <stdint.h>

#include <atomic>
#include <map>
#include <vector>

#include "check.h"
#include "core/waiter.h"
#include "jobserver.h"

// How the waits of a client ended. A scenario in which one of them never came has tested too little.
struct Tally {
  std::atomic<long> started{0};
  std::atomic<long> results{0};
  std::atomic<long> timeouts{0};
  std::atomic<long> cancelled{0};
  std::atomic<long> stopped{0};
};

// One environment of the addon: a thread that starts, cancels and stops waits of a Waiter of its own, and keeps a book
// of them in which every wait ends exactly once.
class Client {
 public:
  Client(const Jobserver& jobserver, jobslot::Way way, uint64_t seed, Tally* tally);
  ~Client();
  Client(const Client&) = delete;

  // Until the deadline. At the end nothing waits, and every token is given back.
  void run(int64_t deadline_ns);

 private:
  struct Record {
    int64_t deadline_ns;
    bool reads;
  };

  void step();
  uint32_t start(bool reads, int64_t deadline_ns);
  void start_some();
  void cancel_some();
  void take_on_this_thread();
  void give_some();
  void start_afresh();
  void stop();
  void collect();
  void record(const jobslot::Wait& wait);
  void give(uint8_t byte);
  bool sleep_until_notified(int64_t deadline_ns);
  void check_that_a_wait_gets_a_token();
  static void notified(void* self);

  jobslot::Way way_;
  int read_fd_;
  int write_fd_;
  Random random_;
  Tally* tally_;
  int notify_[2];
  int silent_[2];  // a pipe into which nobody writes
  std::atomic<bool> stopped_{false};
  jobslot::Waiter* waiter_;
  uint32_t last_id_ = 0;
  std::map<uint32_t, Record> open_;
  std::vector<uint8_t> held_;
};
