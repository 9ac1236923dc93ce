#pragma once

#include <stdint.h>

#include <atomic>

#include "core/account_thread.h"

// For an AccountThread's `notify`: counts.
void count_event(void* counter, int account);

// A FIFO as its clients have it open; an account gets a descriptor of its own.
struct Fifo {
  int ends[2];

  Fifo();
  ~Fifo();
  Fifo(const Fifo&) = delete;

  int add_to(jobslot::AccountThread* accounts, int account, int index) const;
  bool take() const;
  void give() const;
  int visible() const;
};

// Takes, holds and gives back until it is to end; then all is back.
void draw(const Fifo& fifo, uint64_t seed, const std::atomic<bool>& goes_on, std::atomic<long>* taken);
