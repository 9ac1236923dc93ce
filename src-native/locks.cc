#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "addon.h"

namespace jobslot {

namespace {

// One byte of a file, locked by its open description: the kernel frees it with the last descriptor on it, and two
// handles in one process exclude each other. Elsewhere flock, which knows whole files only.
int lock_byte(int fd, int offset, short type, bool query) {
#ifdef F_OFD_SETLK
  struct flock lock;
  memset(&lock, 0, sizeof lock);
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = offset;
  lock.l_len = 1;
  if (fcntl(fd, query ? F_OFD_GETLK : F_OFD_SETLK, &lock) != 0) return -errno;
  return query ? lock.l_type != F_UNLCK : 0;
#else
  static_cast<void>(offset);
  if (query) return -ENOSYS;
  int operation = type == F_UNLCK ? LOCK_UN : type == F_RDLCK ? LOCK_SH | LOCK_NB : LOCK_EX | LOCK_NB;
  return flock(fd, operation) != 0 ? -errno : 0;
#endif
}

// lock(fd, offset, exclusive) -> 0, or -EAGAIN when another description has it
Napi::Value lock(const Napi::CallbackInfo& info) {
  int result = lock_byte(int_at(info, 0), int_at(info, 1), bool_at(info, 2) ? F_WRLCK : F_RDLCK, false);
  return number(info, result == -EACCES || result == -EWOULDBLOCK ? -EAGAIN : result);
}

Napi::Value unlock(const Napi::CallbackInfo& info) {
  return number(info, lock_byte(int_at(info, 0), int_at(info, 1), F_UNLCK, false));
}

// isLocked(fd, offset) -> 1 when another description has a lock there
Napi::Value is_locked(const Napi::CallbackInfo& info) {
  return number(info, lock_byte(int_at(info, 0), int_at(info, 1), F_WRLCK, true));
}

}  // namespace

void add_locks(Napi::Env env, Napi::Object exports) {
  exports["lock"] = Napi::Function::New<lock>(env);
  exports["unlock"] = Napi::Function::New<unlock>(env);
  exports["isLocked"] = Napi::Function::New<is_locked>(env);
}

}  // namespace jobslot
