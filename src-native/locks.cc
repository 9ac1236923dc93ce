#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/byte_lock.h"
#include "core/clock.h"
#include "core/lock_file.h"
#include "state.h"

namespace jobslot {

namespace {

short type_at(const Napi::CallbackInfo& info, size_t i) { return bool_at(info, i) ? F_WRLCK : F_RDLCK; }

// lock(fd, offset, exclusive) -> 0, or -EAGAIN when another description has it
Napi::Value lock(const Napi::CallbackInfo& info) {
  return integer(info, lock_bytes(int_at(info, 0), type_at(info, 2), int_at(info, 1), 1));
}

Napi::Value unlock(const Napi::CallbackInfo& info) {
  return integer(info, lock_bytes(int_at(info, 0), F_UNLCK, int_at(info, 1), 1));
}

// isLocked(fd, offset, exclusive) -> 1 when another description's lock there excludes one of this kind
Napi::Value is_locked(const Napi::CallbackInfo& info) {
  return integer(info, find_lock(int_at(info, 0), type_at(info, 2), int_at(info, 1), 1, nullptr));
}

LockFile* lock_at(const Napi::CallbackInfo& info, size_t i) {
  State* state = state_of(info);
  int index = int_at(info, i);
  return index >= 0 && index < state->lock_count ? state->locks[index] : nullptr;
}

// What is no errno: -4096 and below.
int failure(int outcome) { return outcome < 0 ? outcome : -4096 - outcome; }

// openLock(path, mode, uid, gid, who) -> handle, -errno, -4099: not a lock file, -4100: on a network file system
Napi::Value open_lock(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  char path[4096];
  char who[LockFile::kWhoSize + 1];
  size_t length, who_length;
  if (napi_get_value_string_utf8(info.Env(), info[0], path, sizeof path, &length) != napi_ok ||
      napi_get_value_string_utf8(info.Env(), info[4], who, sizeof who, &who_length) != napi_ok ||
      strlen(path) != length || who_length == LockFile::kWhoSize) {
    return integer(info, -EINVAL);
  }
  if (length == sizeof path - 1) return integer(info, -ENAMETOOLONG);
  int index = 0;
  while (index < state->lock_count && state->locks[index]) index++;
  if (index == state->lock_count) {
    void* grown = realloc(state->locks, static_cast<size_t>(index + 1) * sizeof(LockFile*));
    if (!grown) return integer(info, -ENOMEM);
    state->locks = static_cast<LockFile**>(grown);
    state->locks[state->lock_count++] = nullptr;
  }
  LockFile* file = new LockFile();
  LockFile::Access access = {static_cast<mode_t>(int_at(info, 1)), static_cast<uid_t>(int_at(info, 2)),
                             static_cast<gid_t>(int_at(info, 3))};
  int outcome = file->open(path, access, who);
  if (outcome != 0) {
    delete file;
    return integer(info, failure(outcome));
  }
  state->locks[index] = file;
  return integer(info, index);
}

// tryLock(handle, shared) -> a LockFile::Outcome, or -errno
Napi::Value try_lock(const Napi::CallbackInfo& info) {
  LockFile* file = lock_at(info, 0);
  return integer(info, file ? file->try_hold(bool_at(info, 1)) : -EBADF);
}

// enqueueLock(handle, shared) -> 0, kStale, kSoon, or -errno
Napi::Value enqueue_lock(const Napi::CallbackInfo& info) {
  LockFile* file = lock_at(info, 0);
  return integer(info, file ? file->enqueue(bool_at(info, 1)) : -EBADF);
}

// waitLock(id, handle, timeoutMs) -> 0: the wait has begun, and its end says to ask again; kHeld: try; kSoon; or -errno
Napi::Value wait_lock(const Napi::CallbackInfo& info) {
  LockFile* file = lock_at(info, 1);
  if (!file) return integer(info, -EBADF);
  int fd;
  int outcome = file->next_wait(&fd);
  if (outcome != 0) return integer(info, outcome);
  Wait* wait = new Wait();
  wait->id = static_cast<uint32_t>(double_at(info, 0));
  wait->fd = fd;
  wait->reads = true;
  wait->length = 1;
  wait->deadline_ns = deadline_after_ms(double_at(info, 2));
  outcome = state_of(info)->start(info.Env(), wait);
  close(fd);
  return integer(info, outcome);
}

// leaveLock(handle): out of the line
Napi::Value leave_lock(const Napi::CallbackInfo& info) {
  LockFile* file = lock_at(info, 0);
  if (file) file->leave();
  return integer(info, 0);
}

// releaseLock(handle)
Napi::Value release_lock(const Napi::CallbackInfo& info) {
  LockFile* file = lock_at(info, 0);
  return integer(info, file ? file->release() : -EBADF);
}

// closeLock(handle): releases it, and removes the file where nobody needs it
Napi::Value close_lock(const Napi::CallbackInfo& info) {
  LockFile* file = lock_at(info, 0);
  if (!file) return integer(info, -EBADF);
  file->let_go();
  state_of(info)->locks[int_at(info, 0)] = nullptr;
  delete file;
  return integer(info, 0);
}

// lockPrevious(handle) -> the record of the holder that died, once, or an empty string
Napi::Value lock_previous(const Napi::CallbackInfo& info) {
  LockFile* file = lock_at(info, 0);
  char record[LockFile::kRecordSize + 1] = "";
  if (file) file->take_previous(record);
  return Napi::String::New(info.Env(), record);
}

// inheritLock(handle, into: Int32Array of 2): the descriptors that keep the lock in a child
Napi::Value inherit_lock(const Napi::CallbackInfo& info) {
  LockFile* file = lock_at(info, 0);
  if (!file) return integer(info, -EBADF);
  int fds[2];
  file->inherit(fds);
  Napi::Int32Array into = info[1].As<Napi::Int32Array>();
  into[0] = fds[0];
  into[1] = fds[1];
  return integer(info, 0);
}

}  // namespace

void add_locks(Napi::Env env, Napi::Object exports, State* state) {
  exports["lock"] = Napi::Function::New<lock>(env);
  exports["unlock"] = Napi::Function::New<unlock>(env);
  exports["isLocked"] = Napi::Function::New<is_locked>(env);
  exports["openLock"] = Napi::Function::New<open_lock>(env, "openLock", state);
  exports["tryLock"] = Napi::Function::New<try_lock>(env, "tryLock", state);
  exports["enqueueLock"] = Napi::Function::New<enqueue_lock>(env, "enqueueLock", state);
  exports["waitLock"] = Napi::Function::New<wait_lock>(env, "waitLock", state);
  exports["leaveLock"] = Napi::Function::New<leave_lock>(env, "leaveLock", state);
  exports["releaseLock"] = Napi::Function::New<release_lock>(env, "releaseLock", state);
  exports["closeLock"] = Napi::Function::New<close_lock>(env, "closeLock", state);
  exports["lockPrevious"] = Napi::Function::New<lock_previous>(env, "lockPrevious", state);
  exports["inheritLock"] = Napi::Function::New<inherit_lock>(env, "inheritLock", state);
}

}  // namespace jobslot
