// The files of a lock: made, fitted to their users, removed.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "byte_lock.h"
#include "lock_layout.h"
#include "status.h"

namespace jobslot {

namespace {

// Somebody may keep something else there.
bool is_fifo_name(const char* name) {
  return (name[0] == 'h' || name[0] == 't') && name[1] != '\0' && strspn(name + 1, "0123456789") == strlen(name + 1);
}

}  // namespace

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

}  // namespace jobslot
