#pragma once

#include <stdio.h>
#include <string.h>

#include "lock_file.h"

// What the parts of LockFile agree on: which byte means what, and how the FIFOs are called.
namespace jobslot {

// What the bytes of the file stand for. Nothing lies there: a lock may be where no content is.
constexpr off_t kLock = 0;                     // exclusive or shared: the lock itself
constexpr off_t kSlots = 0;                    // + slot, from 1 on: the handle with that number is open
constexpr off_t kHolders = off_t{1} << 20;     // + slot: and holds the lock, shared
constexpr off_t kExclusiveRecord = kHolders;   // whoever reports the death of the last exclusive holder
constexpr off_t kTickets = off_t{1} << 21;     // + ticket: a place in the line
constexpr off_t kLastByte = off_t{1} << 60;
constexpr int kMaxSlots = 1 << 19;
constexpr char kStart[] = "{\"slot\":";
constexpr size_t kStartSize = sizeof kStart - 1;

inline void holder_fifo(char (&name)[32], int slot) { snprintf(name, sizeof name, "h%d", slot); }
inline void ticket_fifo(char (&name)[32], int64_t ticket) { snprintf(name, sizeof name, "t%lld", static_cast<long long>(ticket)); }

inline bool is_waiter(const char* record) { return strstr(record, "\"waiting\":true") != nullptr; }

// What umask took away, and who the folder is for.
int fit(int fd, const LockFile::Access& access);

// What another user has just made may not have its rights yet: fit() comes a moment later.
int open_fitted(const char* path, int flags);

}  // namespace jobslot
