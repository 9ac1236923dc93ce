#pragma once

#include <stdint.h>
#include <time.h>

namespace jobslot {

// Nanoseconds of the clock that no one sets. Deadlines are points on it; kNever is none.
constexpr int64_t kNever = INT64_MAX;

inline int64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<int64_t>(t.tv_sec) * 1000000000 + t.tv_nsec;
}

// A negative timeout waits for ever, as in poll(2).
inline int64_t deadline_after_ms(double timeout_ms) {
  if (!(timeout_ms >= 0) || timeout_ms > 9e12) return kNever;
  return now_ns() + static_cast<int64_t>(timeout_ms * 1e6);
}

// What poll(2) takes: whole milliseconds, rounded up so that a wait never ends before its deadline.
inline int poll_timeout_ms(int64_t deadline_ns) {
  if (deadline_ns == kNever) return -1;
  int64_t left = deadline_ns - now_ns();
  if (left <= 0) return 0;
  int64_t ms = (left + 999999) / 1000000;
  return ms > 0x7fffffff ? 0x7fffffff : static_cast<int>(ms);
}

}  // namespace jobslot
