#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/drain.h"
#include "core/guard.h"
#include "core/thread.h"
#include "state.h"

namespace jobslot {

namespace {

void notify(void* context) {
  napi_call_threadsafe_function(static_cast<State*>(context)->drained, nullptr, napi_tsfn_nonblocking);
}

void call_listener(napi_env env, napi_value callback, void* context, void*) {
  if (!env || static_cast<State*>(context)->stopped) return;
  napi_value receiver, ignored;
  napi_get_undefined(env, &receiver);
  napi_call_function(env, receiver, callback, 0, nullptr, &ignored);
}

// listenDrains(callback): once, before the first pipe. Called when there is something to take.
Napi::Value listen_drains(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  if (state->drainer || state->stopped) return integer(info, -EALREADY);
  napi_value name;
  napi_create_string_utf8(info.Env(), "jobslot", NAPI_AUTO_LENGTH, &name);
  if (napi_create_threadsafe_function(info.Env(), info[0], nullptr, name, 0, 1, nullptr, nullptr, state, call_listener,
                                      &state->drained) != napi_ok) {
    return integer(info, -ENOMEM);
  }
  // What a worker prints is no reason to live on.
  napi_unref_threadsafe_function(info.Env(), state->drained);
  state->drainer = new Drainer(notify, state);
  return integer(info, 0);
}

// openDrain(capacity, writeEnd: Int32Array(1)) -> its number
Napi::Value open_drain(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  int* write_end = static_cast<int*>(elements_at(info, 1, 1, napi_int32_array));
  int capacity = int_at(info, 0);
  if (!state->drainer || !write_end || capacity < 1) return integer(info, -EINVAL);
  return integer(info, state->drainer->open(static_cast<size_t>(capacity), write_end));
}

// takeDrained(drain, into: Buffer, counts: Float64Array(3)) -> bytes. Counts: lines and bytes that were dropped before
// these, and whether nothing will come any more.
Napi::Value take_drained(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  double* counts = static_cast<double*>(elements_at(info, 2, 3, napi_float64_array));
  void* into;
  size_t length;
  if (!state->drainer || !counts || napi_get_buffer_info(info.Env(), info[1], &into, &length) != napi_ok) {
    return integer(info, -EINVAL);
  }
  DropCount dropped;
  bool ended;
  ssize_t n = state->drainer->take(int_at(info, 0), static_cast<uint8_t*>(into), length, &dropped, &ended);
  if (n < 0) return integer(info, static_cast<int>(n));
  counts[0] = static_cast<double>(dropped.lines);
  counts[1] = static_cast<double>(dropped.bytes);
  counts[2] = ended;
  return integer(info, static_cast<int>(n));
}

// pumpDrain(drain): reads what is in the pipe now
Napi::Value pump_drain(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  return integer(info, state->drainer ? state->drainer->pump(int_at(info, 0)) : -EINVAL);
}

Napi::Value close_drain(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  return integer(info, state->drainer ? state->drainer->close(int_at(info, 0)) : -EINVAL);
}

// A process has one guard, which ends with it. Only a worker's main thread asks for it.
Guard& guard() {
  static Guard* made = nullptr;
  if (!made) made = new Guard(end_own_group, nullptr);
  return *made;
}

// startGuard(graceMs): from now on this process ends when it has had no user for so long
Napi::Value start_guard(const Napi::CallbackInfo& info) {
  pin_library();
  return integer(info, guard().start(double_at(info, 0)));
}

Napi::Value set_guard_grace(const Napi::CallbackInfo& info) {
  return integer(info, guard().set_grace(double_at(info, 0)));
}

// guardUser(fd) -> its number
Napi::Value guard_user(const Napi::CallbackInfo& info) { return integer(info, guard().watch(int_at(info, 0))); }

Napi::Value unguard_user(const Napi::CallbackInfo& info) { return integer(info, guard().unwatch(int_at(info, 0))); }

// boundLog(fd, limit)
Napi::Value bound_log(const Napi::CallbackInfo& info) {
  int limit = int_at(info, 1);
  return integer(info, limit < 1 ? -EINVAL : guard().bound_log(int_at(info, 0), static_cast<size_t>(limit)));
}

// peer(fd, into: Float64Array(2)): pid and uid of who made or listens at the other end of a Unix socket. A pid of 0 says
// that it cannot be told.
Napi::Value peer(const Napi::CallbackInfo& info) {
  double* into = static_cast<double*>(elements_at(info, 1, 2, napi_float64_array));
  if (!into) return integer(info, -EINVAL);
#ifdef __linux__
  ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(int_at(info, 0), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return integer(info, -errno);
  into[0] = credentials.pid;
  into[1] = credentials.uid;
#else
  uid_t uid;
  gid_t gid;
  if (getpeereid(int_at(info, 0), &uid, &gid) != 0) return integer(info, -errno);
  into[0] = 0;
  into[1] = uid;
#endif
  return integer(info, 0);
}

}  // namespace

void add_workers(Napi::Env env, Napi::Object exports, State* state) {
  exports["listenDrains"] = Napi::Function::New<listen_drains>(env, "listenDrains", state);
  exports["openDrain"] = Napi::Function::New<open_drain>(env, "openDrain", state);
  exports["takeDrained"] = Napi::Function::New<take_drained>(env, "takeDrained", state);
  exports["pumpDrain"] = Napi::Function::New<pump_drain>(env, "pumpDrain", state);
  exports["closeDrain"] = Napi::Function::New<close_drain>(env, "closeDrain", state);
  exports["startGuard"] = Napi::Function::New<start_guard>(env);
  exports["setGuardGrace"] = Napi::Function::New<set_guard_grace>(env);
  exports["guardUser"] = Napi::Function::New<guard_user>(env);
  exports["unguardUser"] = Napi::Function::New<unguard_user>(env);
  exports["boundLog"] = Napi::Function::New<bound_log>(env);
  exports["peer"] = Napi::Function::New<peer>(env);
}

}  // namespace jobslot
