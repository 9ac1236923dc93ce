// Taking a lock and giving it back.
#include "lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "byte_lock.h"
#include "lock_layout.h"
#include "remote.h"
#include "status.h"

namespace jobslot {

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

void LockFile::inherit(int fds[2]) {
  inherited_ = true;
  fds[0] = file_;
  fds[1] = life_;
}

}  // namespace jobslot
