#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "state.h"

namespace jobslot {

void State::stop() {
  if (stopped) return;
  stopped = true;
  if (waiter) waiter->stop();
  if (drainer) drainer->stop();
  if (accounts) accounts->stop();
  for (int i = 0; i < channel_count; i++) {
    if (channels[i].open) give_back_all(&channels[i]);
  }
}

namespace {

void keep_alive(napi_env env, State* state, int change) {
  int before = state->outstanding;
  state->outstanding += change;
  if (before == 0 && state->outstanding > 0) napi_ref_threadsafe_function(env, state->deliver);
  if (before > 0 && state->outstanding == 0) napi_unref_threadsafe_function(env, state->deliver);
}

}  // namespace

int State::start(napi_env env, Wait* wait) {
  int failed = !waiter ? EINVAL : waiter->start(wait);
  if (failed) {
    if (!waiter) wait->fd = wait->give_fd = -1;
    delete wait;
    return -failed;
  }
  if (!wait->quiet) keep_alive(env, this, 1);
  return 0;
}

namespace {

void notify(void* context) {
  napi_call_threadsafe_function(static_cast<State*>(context)->deliver, nullptr, napi_tsfn_nonblocking);
}

// On the JavaScript thread: callback(id, status, value, data) for each finished wait.
//   status 0 ready: value = events of a poll; bytes read (data holds them); the token's byte
//   status 1 timeout    status 2 failed: value = errno
void deliver_finished(napi_env env, napi_value callback, void* context, void*) {
  State* state = static_cast<State*>(context);
  if (!env || state->stopped) return;
  while (Wait* wait = state->waiter->take_finished()) {
    if (!wait->quiet) keep_alive(env, state, -1);
    int status = 0;
    double value = 0;
    napi_value data;
    napi_get_undefined(env, &data);
    Channel* channel = wait->reads && wait->give_fd >= 0 ? state->tagged(wait->tag) : nullptr;
    if (wait->status == Wait::kTimeout) {
      status = 1;
    } else if (wait->status == Wait::kFailed) {
      status = 2;
      value = wait->error;
    } else if (!wait->reads) {
      value = wait->revents;
    } else if (wait->give_fd >= 0) {
      value = wait->got ? wait->data[0] : kEndOfFile;
      if (wait->got && channel) {
        channel->held[wait->data[0]]++;
      } else if (wait->got) {
        // The channel was closed in the meantime.
        give_byte(wait->give_fd, wait->give_own, wait->data[0]);
        status = 2;
        value = ECANCELED;
      }
    } else {
      value = static_cast<double>(wait->got);
      void* copy;
      if (napi_create_buffer_copy(env, wait->got, wait->data, &copy, &data) != napi_ok) {
        status = 2;
        value = ENOMEM;
      }
    }
    napi_value arguments[4];
    napi_create_uint32(env, wait->id, &arguments[0]);
    napi_create_int32(env, status, &arguments[1]);
    napi_create_double(env, value, &arguments[2]);
    arguments[3] = data;
    delete wait;
    napi_value receiver, ignored;
    napi_get_undefined(env, &receiver);
    if (napi_call_function(env, receiver, callback, 4, arguments, &ignored) != napi_ok) {
      // The callback does not throw; the end of a worker thread may cut it off. The rest is given back by stop().
      return;
    }
  }
}

// listen(callback): once, before the first wait.
Napi::Value listen(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  if (state->waiter || state->stopped) return number(info, -EALREADY);
  napi_value name;
  napi_create_string_utf8(info.Env(), "jobslot", NAPI_AUTO_LENGTH, &name);
  if (napi_create_threadsafe_function(info.Env(), info[0], nullptr, name, 0, 1, nullptr, nullptr, state,
                                      deliver_finished, &state->deliver) != napi_ok) {
    return number(info, -ENOMEM);
  }
  napi_unref_threadsafe_function(info.Env(), state->deliver);
  napi_create_reference(info.Env(), info[0], 1, &state->callback);
  state->waiter = new Waiter(notify, state);
  return number(info, 0);
}

Napi::Value start(const Napi::CallbackInfo& info, Wait* wait) {
  return number(info, state_of(info)->start(info.Env(), wait));
}

// waitEvents(id, fd, events, timeoutMs)
Napi::Value wait_events(const Napi::CallbackInfo& info) {
  Wait* wait = new Wait();
  wait->id = static_cast<uint32_t>(double_at(info, 0));
  wait->fd = int_at(info, 1);
  wait->events = static_cast<short>(int_at(info, 2));
  wait->deadline_ns = deadline_after_ms(double_at(info, 3));
  return start(info, wait);
}

// waitBytes(id, fd, way, length, timeoutMs). Takes the descriptor over: a worker thread that ends runs no JavaScript to
// close it.
Napi::Value wait_bytes(const Napi::CallbackInfo& info) {
  int fd = int_at(info, 1);
  int length = int_at(info, 3);
  if (length < 0) {
    close(fd);
    return number(info, -EINVAL);
  }
  Wait* wait = new Wait();
  wait->id = static_cast<uint32_t>(double_at(info, 0));
  wait->fd = fd;
  wait->reads = true;
  wait->way = way_at(info, 2);
  wait->length = static_cast<size_t>(length);
  wait->deadline_ns = deadline_after_ms(double_at(info, 4));
  Napi::Value result = start(info, wait);
  close(fd);
  return result;
}

// waitToken(id, channel, timeoutMs)
Napi::Value wait_token(const Napi::CallbackInfo& info) {
  int index = int_at(info, 1);
  Channel* channel = state_of(info)->channel(index);
  if (!channel) return number(info, -EBADF);
  Wait* wait = new Wait();
  wait->id = static_cast<uint32_t>(double_at(info, 0));
  wait->fd = channel->read_fd;
  wait->reads = true;
  wait->way = channel->way;
  wait->length = 1;
  wait->tag = state_of(info)->tag(index);
  wait->give_fd = channel->write_fd;
  wait->give_own = channel->own;
  wait->deadline_ns = deadline_after_ms(double_at(info, 2));
  return start(info, wait);
}

// cancel(id) -> true: it was waiting and ended without a result. false: its result is on its way.
Napi::Value cancel(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  bool quiet = false;
  bool cancelled =
      state->waiter && !state->stopped && state->waiter->cancel(static_cast<uint32_t>(double_at(info, 0)), &quiet);
  if (cancelled && !quiet) keep_alive(info.Env(), state, -1);
  return Napi::Boolean::New(info.Env(), cancelled);
}

// deliver(): what would be delivered by the event loop, now.
Napi::Value deliver(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  if (state->callback) {
    napi_value callback;
    napi_get_reference_value(info.Env(), state->callback, &callback);
    if (state->waiter) deliver_finished(info.Env(), callback, state, nullptr);
  }
  return info.Env().Undefined();
}

// stop(): for the `exit` event, where no cleanup hook runs.
Napi::Value stop(const Napi::CallbackInfo& info) {
  state_of(info)->stop();
  return info.Env().Undefined();
}

}  // namespace

void add_waits(Napi::Env env, Napi::Object exports, State* state) {
  exports["listen"] = Napi::Function::New<listen>(env, "listen", state);
  exports["waitEvents"] = Napi::Function::New<wait_events>(env, "waitEvents", state);
  exports["waitBytes"] = Napi::Function::New<wait_bytes>(env, "waitBytes", state);
  exports["waitToken"] = Napi::Function::New<wait_token>(env, "waitToken", state);
  exports["cancel"] = Napi::Function::New<cancel>(env, "cancel", state);
  exports["deliver"] = Napi::Function::New<deliver>(env, "deliver", state);
  exports["stop"] = Napi::Function::New<stop>(env, "stop", state);
}

}  // namespace jobslot
