#pragma once

#include <stdint.h>

// Says what is wrong, with the running scenario and the seed, and makes the program end with 1. Goes on: what follows
// often tells more.
void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

int failure_count();
void name_scenario(const char* name, uint64_t seed);

// xorshift64*: the same seed makes the same decisions (not the same timing).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}

  uint32_t below(uint32_t limit) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<uint32_t>((state_ * 0x2545f4914f6cdd1d) >> 32) % limit;
  }
  bool percent(uint32_t share) { return below(100) < share; }

 private:
  uint64_t state_;
};
