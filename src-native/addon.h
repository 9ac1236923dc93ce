#pragma once

#include <napi.h>

#include "core/waiter.h"

namespace jobslot {

// Every function answers with a number: a result, or -errno. TypeScript makes the errors (src/native/).
inline Napi::Value number(const Napi::CallbackInfo& info, double value) { return Napi::Number::New(info.Env(), value); }

inline int int_at(const Napi::CallbackInfo& info, size_t i) {
  int32_t value = -1;
  if (napi_get_value_int32(info.Env(), info[i], &value) != napi_ok) return -1;
  return value;
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

// What one environment (the main thread, or a worker thread) has open through this addon.
struct State;
State* state_of(const Napi::CallbackInfo& info);

void add_descriptors(Napi::Env env, Napi::Object exports);
void add_channels(Napi::Env env, Napi::Object exports);
void add_waits(Napi::Env env, Napi::Object exports);
void add_locks(Napi::Env env, Napi::Object exports);

// End of file, where 0 is a byte's value.
constexpr int kEndOfFile = -4096;

}  // namespace jobslot
