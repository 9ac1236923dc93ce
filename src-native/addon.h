#pragma once

#include <napi.h>
#include <stdint.h>

#include "core/waiter.h"

namespace jobslot {

// Every function answers with a number: a result, or -errno. TypeScript makes the errors (src/native/).
inline Napi::Value number(const Napi::CallbackInfo& info, double value) { return Napi::Number::New(info.Env(), value); }

// The same for what fits: V8 makes a small integer without allocating.
inline Napi::Value integer(const Napi::CallbackInfo& info, int value) {
  napi_value result;
  napi_create_int32(info.Env(), value, &result);
  return Napi::Value(info.Env(), result);
}

// -1, which is no descriptor and no index, for all that is not a whole number of 32 bits. Node-API's own conversion would
// make 0 of NaN and of 2 ** 32, and the call would go to standard input.
inline int int_at(const Napi::CallbackInfo& info, size_t i) {
  double value = -1;
  if (napi_get_value_double(info.Env(), info[i], &value) != napi_ok) return -1;
  if (!(value >= INT32_MIN && value <= INT32_MAX) || value != static_cast<int>(value)) return -1;
  return static_cast<int>(value);
}

inline double double_at(const Napi::CallbackInfo& info, size_t i) {
  double value = -1;
  napi_get_value_double(info.Env(), info[i], &value);
  return value;
}

inline bool bool_at(const Napi::CallbackInfo& info, size_t i) {
  bool value = false;
  napi_get_value_bool(info.Env(), info[i], &value);
  return value;
}

inline Way way_at(const Napi::CallbackInfo& info, size_t i) {
  int way = int_at(info, i);
  return way >= 0 && way <= 3 ? static_cast<Way>(way) : Way::kParked;
}

// `into`, a typed array at argument `i`, if it has room for so many elements.
inline void* elements_at(const Napi::CallbackInfo& info, size_t i, size_t wanted, napi_typedarray_type type) {
  void* data;
  size_t length;
  napi_typedarray_type found;
  if (napi_get_typedarray_info(info.Env(), info[i], &found, &length, &data, nullptr, nullptr) != napi_ok) return nullptr;
  return found == type && length >= wanted ? data : nullptr;
}

// What one environment (the main thread, or a worker thread) has open through this addon.
struct State;
inline State* state_of(const Napi::CallbackInfo& info) { return static_cast<State*>(info.Data()); }

void add_descriptors(Napi::Env env, Napi::Object exports);
void add_commands(Napi::Env env, Napi::Object exports);
void add_channels(Napi::Env env, Napi::Object exports, State* state);
void add_waits(Napi::Env env, Napi::Object exports, State* state);
void add_locks(Napi::Env env, Napi::Object exports, State* state);
void add_journals(Napi::Env env, Napi::Object exports, State* state);
void close_journals(State* state);
void add_workers(Napi::Env env, Napi::Object exports, State* state);
void add_accounts(Napi::Env env, Napi::Object exports, State* state);
void add_processes(Napi::Env env, Napi::Object exports, State* state);

// End of file, where 0 is a byte's value.
constexpr int kEndOfFile = -4096;

}  // namespace jobslot
