// What is written in a lock file, and what is made of what the dead left there.

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "byte_lock.h"
#include "lock_layout.h"
#include "status.h"

namespace jobslot {

namespace {

char* put(char* at, const char* text) {
  while (*text) *at++ = *text++;
  return at;
}

char* put_number(char* at, int64_t number) {
  char digits[24];
  int count = 0;
  do {
    digits[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  while (count > 0) *at++ = digits[--count];
  return at;
}

}  // namespace

// Blank or not.
bool LockFile::has_record(int slot) {
  char record[kRecordSize + 1];
  if (!read_at(slot, record) || record[kRecordSize - 1] != '\n') return false;
  return memcmp(record, kStart, kStartSize) == 0 || (record[0] == ' ' && memcmp(record, record + 1, kRecordSize - 2) == 0);
}

// Only others' records were written so far.
bool LockFile::has_hole() {
  char record[kRecordSize + 1];
  return read_at(0, record) && record[0] == '\0' && memcmp(record, record + 1, kRecordSize - 1) == 0;
}

void LockFile::blank(int slot) {
  char record[kRecordSize];
  memset(record, ' ', sizeof record);
  record[kRecordSize - 1] = '\n';
  write_at(slot, record);
}

// 0 or -errno.
int LockFile::write_at(int slot, const char* record) {
  ssize_t n = pwrite(file_, record, kRecordSize, static_cast<off_t>(slot) * static_cast<off_t>(kRecordSize));
  if (n < 0) return -errno;
  return n == static_cast<ssize_t>(kRecordSize) ? 0 : -ENOSPC;
}

// 0 or -errno: a lock whose record cannot be written is not held, for the next one would not be told of its holder.
int LockFile::write_record() {
  char record[kRecordSize];
  char* at = record;
  memcpy(at, kStart, kStartSize);
  at = put_number(at + kStartSize, slot_);
  *at++ = ',';
  size_t length = strlen(who_);
  memcpy(at, who_, length);
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  at = put(at + length, shared_ ? ",\"shared\":true,\"since\":" : ",\"shared\":false,\"since\":");
  at = put_number(at, static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000);
  at = put(at, held_ ? "}" : ",\"waiting\":true}");
  memset(at, ' ', static_cast<size_t>(record + kRecordSize - at));
  record[kRecordSize - 1] = '\n';
  return write_at(held_ && !shared_ ? 0 : slot_, record);
}

// False where the file is not that long.
bool LockFile::read_at(int slot, char (&record)[kRecordSize + 1]) {
  ssize_t n = pread(file_, record, kRecordSize, static_cast<off_t>(slot) * static_cast<off_t>(kRecordSize));
  record[kRecordSize] = '\0';
  return n == static_cast<ssize_t>(kRecordSize);
}

// Whether there is one that is not blank.
bool LockFile::read_record(int slot, char (&record)[kRecordSize + 1]) { return read_at(slot, record) && record[0] == '{'; }

bool LockFile::is_record(int slot, const char (&record)[kRecordSize + 1]) {
  char now[kRecordSize + 1];
  return read_record(slot, now) && memcmp(now, record, kRecordSize) == 0;
}

// Looks at the record of a slot that nobody alive has: a waiter's is removed, a holder's goes to previous_ if there is
// room, and then stays in the file until settle(). Whether it is still there.
bool LockFile::claim_record(int slot) {
  char record[kRecordSize + 1];
  if (!read_record(slot, record)) return false;
  if (is_waiter(record)) {
    blank(slot);
    return false;
  }
  if (claimed_ < 0) {
    memcpy(previous_, record, sizeof previous_);
    claimed_ = slot;
  }
  return true;
}

// With the lock: looks for what the dead left. Each is reported to one holder, and each holder is told of one.
// To how many records the file may be cut once this handle's own is written, or 0.
int LockFile::take_over(off_t size) {
  claimed_ = -1;
  previous_[0] = '\0';
  char record[kRecordSize + 1];
  if (!shared_) {
    claim_record(0);
  } else if (read_record(0, record) && lock_bytes(file_, F_WRLCK, kExclusiveRecord, 1) == 0) {
    claim_record(0);
    if (claimed_ != 0) lock_bytes(file_, F_UNLCK, kExclusiveRecord, 1);
  }
  off_t records = size / static_cast<off_t>(kRecordSize);
  // A file may be of any length; no party has a record behind that.
  int slots = records < kMaxSlots ? static_cast<int>(records) : kMaxSlots;
  int used = 1;
  for (int slot = 1; slot < slots; slot++) {
    bool vacant = slot != slot_ && lock_bytes(file_, F_WRLCK, kSlots + slot, 1) == 0;
    if (!vacant || claim_record(slot)) used = slot + 1;
    if (vacant && claimed_ != slot) lock_bytes(file_, F_UNLCK, kSlots + slot, 1);
  }
  if (slot_ >= used) used = slot_ + 1;
  return shared_ || used >= slots ? 0 : used;
}

// Takes off what nobody needs, if nobody may be about to write there.
void LockFile::cut(int used) {
  off_t rest = kHolders - used;
  if (lock_bytes(file_, F_WRLCK, kSlots + used, rest) != 0) return;
  if (ftruncate(file_, static_cast<off_t>(used) * static_cast<off_t>(kRecordSize)) != 0) {
    // It is longer than it need be, no more.
  }
  lock_bytes(file_, F_UNLCK, kSlots + used, rest);
}

// Ends what take_over() began, once this handle's own record is written, or could not be: whoever is killed in between
// leaves at least one of the two records to the next holder.
void LockFile::settle(bool written) {
  if (!written) previous_[0] = '\0';
  if (claimed_ < 0) return;
  // The exclusive holder's own has replaced that of the one before.
  bool replaced = claimed_ == 0 && !shared_;
  if (written && !replaced) blank(claimed_);
  if (claimed_ > 0) lock_bytes(file_, F_UNLCK, kSlots + claimed_, 1);
  else if (shared_) lock_bytes(file_, F_UNLCK, kExclusiveRecord, 1);
  claimed_ = -1;
}

void LockFile::take_previous(char (&record)[kRecordSize + 1]) {
  memcpy(record, previous_, sizeof record);
  previous_[0] = '\0';
}

}  // namespace jobslot
