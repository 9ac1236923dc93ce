#pragma once

#include <stddef.h>
#include <stdint.h>

namespace jobslot {

// Bytes of the ledger for each place, and as many before the first. The number that the account keeps is the first
// int32 of them.
constexpr size_t kLedgerRecord = 1024;

// One FIFO, and what is known of it.
struct Place {
  int fd = -1;
  // Tokens to be taken back as soon as they are there.
  int debt = 0;
  // What lay in the FIFO after the last look, and after each read and write of our own: what differs, its clients did.
  int known = 0;
  // How often they were found to have done something.
  uint32_t stirs = 0;
  // 0 nothing is told, 1 that it was found empty, 2 that there is more or less in it.
  int want = 0;
  bool changed = false;
  // Found out, and not told yet.
  bool stirred = false;
  bool moved = false;

  // Of the thread that looks (account_thread.h).
  int watch = -1;
  // When to look again, where nothing is watched.
  int64_t due_ns = INT64_MAX;
  // Up to when its events would last, did they come at the pace that they may.
  int64_t spent_ns = 0;
  Place* next_watched = nullptr;
  class Account* account = nullptr;
};

// How many tokens were granted to each of many FIFOs. The number is raised before a token is written and lowered after
// one was read, one by one, in a file's memory: so it outlives this process, killed at whatever moment, and is then at
// most one too high. Not locked: that is its owner's business.
class Account {
 public:
  Account() = default;
  ~Account();
  Account(const Account&) = delete;

  // `ledger`: the file, which has room for all places; -1: none. 0 or -errno.
  int open(int ledger, int places);

  int places() const { return count_; }
  // Where nothing was added since the last forget(): null.
  Place* place(int index);
  // For one who goes through all; its fd is -1 where nothing is.
  Place* at(int index) { return &places_[index]; }
  int granted(const Place* place) const { return __atomic_load_n(word(place), __ATOMIC_RELAXED); }

  // Through a duplicate of a descriptor that reads, writes and never blocks. What was granted stays as the ledger has it.
  int add(int index, int fd);
  // How many were done, of so many; -errno where none could be.
  int grant(Place* place, int tokens);
  int take(Place* place, int tokens);
  // What lies there beyond what was granted is read, and no grant taken back.
  int take_surplus(Place* place);
  // Pays what can be paid now. How many tokens.
  int collect(Place* place);
  // Reads all, as take(); where more comes than was granted, that is not taken back from anything.
  int drain(Place* place);
  // Closes the descriptor. The place is free.
  void forget(Place* place);

  // Bytes in the FIFO now.
  static int visible(const Place* place);

  int id = 0;
  bool told = false;
  Account* next = nullptr;

 private:
  int32_t* word(const Place* place) const;
  void change(const Place* place, int by) {
    __atomic_store_n(word(place), granted(place) + by, __ATOMIC_RELAXED);
  }

  Place* places_ = nullptr;
  int count_ = 0;
  uint8_t* ledger_ = nullptr;
  size_t length_ = 0;
};

}  // namespace jobslot
