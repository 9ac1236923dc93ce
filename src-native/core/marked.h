#pragma once

#include <stdint.h>

namespace jobslot {

struct MarkedProcess {
  int pid;
  uint64_t start_time;  // clock ticks since boot
};

// The processes that started with `variable`, a list of words with spaces between, and `mark` among them. Those that
// have ended and those of which this user may not know are passed over. At most `room` of them; how many there were, or
// -errno: -ENOSYS where processes do not tell (Linux does).
int find_marked(const char* variable, const char* mark, MarkedProcess* into, int room);

}  // namespace jobslot
