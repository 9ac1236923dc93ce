// An addon that does what must not be done. scripts/sanitize.sh loads it to prove that a sanitizer that is preloaded
// into Node finds faults in an addon, and ends the process with them.
#include <node_api.h>
#include <stdlib.h>

static int number_of(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  int value = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_int32(env, argument, &value);
  return value;
}

// readPast(n): one byte behind n bytes of the heap.
static napi_value read_past(napi_env env, napi_callback_info info) {
  int size = number_of(env, info);
  volatile char* bytes = static_cast<char*>(calloc(static_cast<size_t>(size), 1));
  napi_value result;
  napi_create_int32(env, bytes[size], &result);
  return result;
}

// increment(n): a signed number, beyond its range where n is the greatest.
static napi_value increment(napi_env env, napi_callback_info info) {
  napi_value result;
  napi_create_int32(env, number_of(env, info) + 1, &result);
  return result;
}

// leak(n): n bytes that nobody can free.
static napi_value leak(napi_env env, napi_callback_info info) {
  int size = number_of(env, info);
  volatile char* bytes = static_cast<char*>(malloc(static_cast<size_t>(size)));
  bytes[0] = 1;
  napi_value result;
  napi_create_int32(env, bytes[0], &result);
  bytes = nullptr;
  return result;
}

static napi_value init(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      {"readPast", nullptr, read_past, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"increment", nullptr, increment, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"leak", nullptr, leak, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions);
  return exports;
}

NAPI_MODULE(canary, init)
