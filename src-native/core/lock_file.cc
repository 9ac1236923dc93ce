#include "lock_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

#include "byte_lock.h"
#include "status.h"

namespace jobslot {

namespace {

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

void holder_fifo(char (&name)[32], int slot) { snprintf(name, sizeof name, "h%d", slot); }
void ticket_fifo(char (&name)[32], int64_t ticket) { snprintf(name, sizeof name, "t%lld", static_cast<long long>(ticket)); }

// Somebody may keep something else there.
bool is_fifo_name(const char* name) {
  return (name[0] == 'h' || name[0] == 't') && name[1] != '\0' && strspn(name + 1, "0123456789") == strlen(name + 1);
}

bool is_waiter(const char* record) { return strstr(record, "\"waiting\":true") != nullptr; }

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

// Where a lock of one host says nothing to the others.
bool is_remote(int fd) {
#ifdef __linux__
  struct statfs fs;
  if (fstatfs(fd, &fs) != 0) return false;
  switch (static_cast<uint32_t>(fs.f_type)) {
    case 0x6969:      // NFS
    case 0xff534d42:  // CIFS
    case 0xfe534d42:  // SMB 2
    case 0x517b:      // SMB
    case 0x5346414f:  // AFS
    case 0x73757245:  // Coda
    case 0x00c36400:  // Ceph
    case 0x01021997:  // 9P
    case 0x0bd00bd0:  // Lustre
    case 0x7461636f:  // OCFS2
    case 0x01161970:  // GFS2
    case 0x47504653:  // GPFS
      return true;
  }
#else
  static_cast<void>(fd);
#endif
  return false;
}

// What umask took away, and who the folder is for.
int fit(int fd, const LockFile::Access& access) {
  struct stat status;
  if (file_status(fd, &status) != 0) return -errno;
  bool other_owner = access.uid != static_cast<uid_t>(-1) && access.uid != status.st_uid;
  bool other_group = access.gid != static_cast<gid_t>(-1) && access.gid != status.st_gid;
  if (other_owner || other_group) {
    if (fchown(fd, other_owner ? access.uid : static_cast<uid_t>(-1), other_group ? access.gid : static_cast<gid_t>(-1)) != 0) {
      return -errno;
    }
  }
  if ((status.st_mode & 07777) != access.mode && fchmod(fd, access.mode) != 0) return -errno;
  return 0;
}

// What another user has just made may not have its rights yet: fit() comes a moment later.
int open_fitted(const char* path, int flags) {
  for (int tries = 0;; tries++) {
    int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 || errno != EACCES || tries == 20) return fd;
    timespec pause = {0, 1000000};
    nanosleep(&pause, nullptr);
  }
}

}  // namespace

LockFile::~LockFile() {
  // The file first: whoever is woken finds its locks gone.
  const int fds[] = {file_, life_, waiting_, folder_};
  for (int fd : fds) {
    if (fd >= 0) close(fd);
  }
  free(path_);
}

int LockFile::open(const char* path, const Access& access, const char* who) {
  path_ = strdup(path);
  if (!path_) return -ENOMEM;
  access_ = access;
  snprintf(who_, sizeof who_, "%s", who);
  for (;;) {
    // First without O_CREAT: in a folder with the sticky bit the kernel refuses to "create" a file of another's.
    file_ = open_fitted(path_, O_RDWR | O_NONBLOCK);
    if (file_ >= 0) break;
    if (errno == ELOOP || errno == EISDIR || errno == ENXIO) return kForeign;
    if (errno != ENOENT) return -errno;
    file_ = ::open(path_, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, access_.mode);
    if (file_ >= 0) {
      int failed = is_remote(file_) ? static_cast<int>(kRemote) : fit(file_, access_);
      if (!failed) break;
      unlink(path_);
      return failed;
    }
    if (errno != EEXIST) return -errno;
  }
  struct stat status;
  if (file_status(file_, &status) != 0) return -errno;
  if (!S_ISREG(status.st_mode)) return kForeign;
  if (is_remote(file_)) return kRemote;
  // In a folder of its user's choice lies other things' data as well.
  off_t last = status.st_size / static_cast<off_t>(kRecordSize) - 1;
  for (int tries = 0; tries < 10; tries++) {
    // Again, for a record may be read while it is being written.
    if (status.st_size == 0 || has_record(0)) return 0;
    if (last > 0 && has_hole() && has_record(static_cast<int>(last))) return 0;
  }
  return kForeign;
}

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

// A file of this name may have been removed, and made anew by another, while we came to lock it.
bool LockFile::is_current(off_t* size) {
  FileIdentity here;
  if (identify(file_, "", &here) != 0 || here.links == 0) return false;
  if (size) *size = static_cast<off_t>(here.size);
  // After the first time it is told by its links alone, which cost half as much to ask for.
  checked_ = checked_ || has_name();
  return checked_;
}

// Whether the file at the path is this one.
bool LockFile::has_name() {
  FileIdentity here, there;
  return identify(file_, "", &here) == 0 && identify(AT_FDCWD, path_, &there) == 0 && there.inode == here.inode &&
         there.device == here.device;
}

bool LockFile::folder_name(char (&name)[4096]) {
  return snprintf(name, sizeof name, "%s.queue", path_) < static_cast<int>(sizeof name);
}

int LockFile::open_folder() {
  char name[4096];
  if (!folder_name(name)) return -ENAMETOOLONG;
  // Who may write may also enter.
  Access access = access_;
  access.mode |= (access.mode & 0444) >> 2;
  for (int tries = 0; tries < 100; tries++) {
    folder_ = open_fitted(name, O_RDONLY | O_DIRECTORY);
    if (folder_ >= 0) return 0;
    if (errno != ENOENT) return -errno;
    if (mkdir(name, access.mode) != 0) {
      if (errno != EEXIST) return -errno;
      continue;
    }
    folder_ = ::open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder_ >= 0) return fit(folder_, access);
  }
  return -ENOENT;
}

// A new one, whatever has its name: only the party that has the number locked may use it. One who waits for the party
// that had it before may not yet have heard the hang-up, and would never, were this party to open the same FIFO.
int LockFile::make_fifo(const char* name, int* fd) {
  for (int tries = 0; tries < 100; tries++) {
    if (folder_ < 0) {
      int failed = open_folder();
      if (failed) return failed;
    }
    unlinkat(folder_, name, 0);
    if (mkfifoat(folder_, name, access_.mode) == 0) {
      *fd = openat(folder_, name, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
      if (*fd >= 0) {
        int failed = fit(*fd, access_);
        if (failed) {
          close(*fd);
          *fd = -1;
        }
        return failed;
      }
    }
    // Where a cleaner removed the file, those who had it and those who have a new one share the folder.
    if (errno == EEXIST) continue;
    if (errno != ENOENT) return -errno;
    // The folder was removed, by one who died before he removed the file as well, or by a cleaner.
    close(folder_);
    folder_ = -1;
  }
  return -EEXIST;
}

// Makes this handle a party: a number of its own, the lowest that nobody has, and a FIFO of that number which is open for
// writing as long as the handle is. 0, kStale, kSoon or -errno.
int LockFile::join() {
  for (int slot = 1; slot_ == 0; slot++) {
    if (slot == kMaxSlots) return -EMFILE;
    int result = lock_bytes(file_, F_WRLCK, kSlots + slot, 1);
    if (result == 0) {
      char record[kRecordSize + 1];
      bool left = read_record(slot, record);
      bool reserved = left && !is_waiter(record);
      if (left && !reserved) blank(slot);
      // Nor the number of one who died holding the lock alone: it is by that record that his FIFO is found.
      reserved = reserved || (read_record(0, record) && atoi(record + kStartSize) == slot);
      if (reserved) lock_bytes(file_, F_UNLCK, kSlots + slot, 1);
      else slot_ = slot;
      continue;
    }
    if (result != -EAGAIN) return result;
    // Whoever removes or cuts the file has locked more than one.
    ByteLock found;
    if (find_lock(file_, F_WRLCK, kSlots + slot, 1, &found) && found.end > kSlots + slot + 1) return kSoon;
  }
  if (life_ >= 0) return 0;
  // The folder beside a file that was removed is another's. With the number locked none but a cleaner removes it.
  if (!is_current()) return kStale;
  char name[32];
  holder_fifo(name, slot_);
  return make_fifo(name, &life_);
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
  int slots = static_cast<int>(size / static_cast<off_t>(kRecordSize));
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

bool LockFile::others_wait(ByteLock* found) {
  return find_lock(file_, F_WRLCK, kTickets, kLastByte - kTickets, found);
}

// And wakes whoever waits for it.
void LockFile::drop_lock() {
  if (shared_) lock_bytes(file_, F_UNLCK, kHolders + slot_, 1);
  lock_bytes(file_, F_UNLCK, kLock, 1);
  held_ = false;
  // Asked after the lock was dropped: who takes a ticket later finds it free.
  ByteLock found;
  if (!inherited_ && !others_wait(&found)) return;
  if (inherited_) {
    // A child may keep its copy open for ever.
    char wake[64] = {};
    ssize_t ignored = write(life_, wake, sizeof wake);
    static_cast<void>(ignored);
    inherited_ = false;
  }
  close(life_);
  life_ = -1;
}

int LockFile::try_hold(bool shared) {
  if (held_) return kBusy;
  // Nobody passes those who wait.
  ByteLock found;
  if (ticket_ < 0 && others_wait(&found)) return found.end >= kLastByte ? kSoon : kBusy;
  int result = join();
  if (result) return result;
  shared_ = shared;
  result = lock_bytes(file_, shared ? F_RDLCK : F_WRLCK, kLock, 1);
  if (result) return result == -EAGAIN ? static_cast<int>(kBusy) : result;
  held_ = true;
  off_t size = 0;
  result = is_current(&size) ? 0 : static_cast<int>(kStale);
  if (result == 0 && shared) result = lock_bytes(file_, F_WRLCK, kHolders + slot_, 1);
  if (result == 0) {
    // The exclusive holder's record is the first one, whatever record it waited with.
    if (!shared && ticket_ >= 0) blank(slot_);
    int used = take_over(size);
    result = write_record();
    settle(result == 0);
    if (result == 0 && used > 0) cut(used);
  }
  if (result) {
    drop_lock();
    return result;
  }
  leave();
  return previous_[0] ? kAbandoned : kHeld;
}

int LockFile::enqueue(bool shared) {
  shared_ = shared;
  int64_t ticket = 0;
  ByteLock found;
  while (find_lock(file_, F_WRLCK, kTickets + ticket, kLastByte - kTickets - ticket, &found)) {
    if (found.end >= kLastByte) return kSoon;
    ticket = found.end - kTickets;
  }
  for (int tries = 0;; tries++, ticket++) {
    int result = lock_bytes(file_, F_WRLCK, kTickets + ticket, 1);
    if (result == 0) break;
    if (result != -EAGAIN) return result;
    if (tries > 1000) return kSoon;
  }
  ticket_ = ticket;
  int result = 0;
  if (!is_current()) result = kStale;
  char name[32];
  ticket_fifo(name, ticket_);
  if (result == 0) result = make_fifo(name, &waiting_);
  if (result == 0) result = join();
  if (result == 0) result = write_record();
  if (result != 0) leave();
  return result;
}

void LockFile::leave() {
  if (ticket_ < 0) return;
  if (!held_ && slot_ > 0) blank(slot_);
  char name[32];
  ticket_fifo(name, ticket_);
  if (waiting_ >= 0) unlinkat(folder_, name, 0);
  lock_bytes(file_, F_UNLCK, kTickets + ticket_, 1);
  ticket_ = -1;
  if (waiting_ >= 0) close(waiting_);
  waiting_ = -1;
}

// A FIFO for whose hang-up to wait, while the party has its byte locked. 0 and `fd`, kStale: it has left, kSoon.
int LockFile::wait_for_party(off_t byte, const char* fifo, int* fd) {
  *fd = openat(folder_, fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  // Not there, or without its rights, yet.
  if (*fd < 0 && errno != ENOENT && errno != EACCES) return -errno;
  int result = kSoon;
  char woken;
  // Asked after the FIFO was opened: who leaves later is heard of.
  if (!find_lock(file_, F_WRLCK, byte, 1, nullptr)) {
    result = kStale;
  } else if (*fd >= 0) {
    struct stat status;
    // No writer: the party has not opened it yet, and a reader that came first would hear nothing if it never did.
    ssize_t n = read(*fd, &woken, 1);
    if (n < 0 && errno == EAGAIN && file_status(*fd, &status) == 0 && status.st_nlink > 0) return 0;
  }
  if (*fd >= 0) close(*fd);
  *fd = -1;
  return result;
}

int LockFile::next_wait(int* fd) {
  *fd = -1;
  char name[32];
  for (int tries = 0; tries < 1000; tries++) {
    if (folder_ < 0) {
      int failed = open_folder();
      if (failed) return failed;
    }
    int result;
    ByteLock found;
    int64_t ahead = -1;
    while (find_lock(file_, F_WRLCK, kTickets + ahead + 1, ticket_ - ahead - 1, &found)) ahead = found.end - 1 - kTickets;
    if (ahead >= 0) {
      ticket_fifo(name, ahead);
      result = wait_for_party(kTickets + ahead, name, fd);
    } else if (!find_lock(file_, shared_ ? F_RDLCK : F_WRLCK, kLock, 1, &found)) {
      return kHeld;
    } else if (found.exclusive) {
      char record[kRecordSize + 1];
      // Between the lock and its record.
      if (!read_record(0, record)) return kSoon;
      holder_fifo(name, atoi(record + kStartSize));
      result = wait_for_party(kLock, name, fd);
      // The record may have been that of the one before.
      if (result == 0 && !is_record(0, record)) {
        close(*fd);
        result = kStale;
      }
    } else if (find_lock(file_, F_WRLCK, kHolders + 1, kTickets - kHolders - 1, &found)) {
      holder_fifo(name, static_cast<int>(found.start - kHolders));
      result = wait_for_party(found.start, name, fd);
    } else {
      result = kSoon;
    }
    if (result != kStale) return result;
  }
  return kSoon;
}

int LockFile::release() {
  if (!held_) return 0;
  // Before the lock: who dies between the two has released it.
  int slot = shared_ ? slot_ : 0;
  if (previous_[0]) {
    // The number may be another's by now.
    char* digit = previous_ + kStartSize;
    for (*digit++ = '0'; *digit >= '0' && *digit <= '9'; digit++) *digit = ' ';
    write_at(slot, previous_);
    previous_[0] = '\0';
  } else {
    blank(slot);
  }
  drop_lock();
  return 0;
}

void LockFile::let_go() {
  leave();
  release();
  // A child that was asked to keep the lock may have a copy of the descriptor for ever. And two that come to their end
  // at once would be in each other's way.
  lock_bytes(file_, F_UNLCK, 0, kLastByte);
  remove_if_free();
}

void LockFile::remove_if_free() {
  // All at once: who cannot have all has disturbed nobody, and nobody can have come to wait on a file that is removed.
  if (lock_bytes(file_, F_WRLCK, 0, kLastByte) != 0) return;
  off_t size = 0;
  if (has_name() && is_current(&size)) {
    bool blank = true;
    for (off_t at = 0; at < size && blank; at += kRecordSize) {
      char record[kRecordSize + 1];
      blank = !read_record(static_cast<int>(at / static_cast<off_t>(kRecordSize)), record) || is_waiter(record);
    }
    if (blank && remove_folder()) unlink(path_);
  }
  lock_bytes(file_, F_UNLCK, 0, kLastByte);
}

// With what is ours in it. False: something of ours stays, and is found again by the file.
bool LockFile::remove_folder() {
  char name[4096];
  if (!folder_name(name)) return false;
  if (folder_ < 0) folder_ = ::open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  // Nothing, or something that is not ours.
  if (folder_ < 0) return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
  // Owned by the stream from here on.
  DIR* entries = fdopendir(folder_);
  if (!entries) return false;
  bool removed = true;
  while (dirent* entry = readdir(entries)) {
    if (is_fifo_name(entry->d_name) && unlinkat(folder_, entry->d_name, 0) != 0 && errno != ENOENT) removed = false;
  }
  closedir(entries);
  folder_ = -1;
  if (rmdir(name) == 0 || errno == ENOENT) return true;
  // What is not ours keeps the folder.
  return removed && (errno == ENOTEMPTY || errno == EEXIST);
}

void LockFile::take_previous(char (&record)[kRecordSize + 1]) {
  memcpy(record, previous_, sizeof record);
  previous_[0] = '\0';
}

void LockFile::inherit(int fds[2]) {
  inherited_ = true;
  fds[0] = file_;
  fds[1] = life_;
}

}  // namespace jobslot
