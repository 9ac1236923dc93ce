#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "addon.h"
#include "core/command.h"

namespace jobslot {

namespace {

// The strings in a buffer in which each ends with a zero byte, as exec wants them; to be freed. Null: they are none.
char** strings_at(const Napi::CallbackInfo& info, size_t i) {
  void* data;
  size_t length;
  if (napi_get_buffer_info(info.Env(), info[i], &data, &length) != napi_ok) return nullptr;
  char* text = static_cast<char*>(data);
  if (length > 0 && text[length - 1] != '\0') return nullptr;
  size_t count = 0;
  for (size_t at = 0; at < length; at += strlen(text + at) + 1) count++;
  char** strings = static_cast<char**>(malloc((count + 1) * sizeof(char*)));
  if (!strings) return nullptr;
  size_t n = 0;
  for (size_t at = 0; at < length; at += strlen(text + at) + 1) strings[n++] = text + at;
  strings[n] = nullptr;
  return strings;
}

// startCommand(words: Buffer, environment: Buffer, fds: Int32Array, count) -> pid
Napi::Value start(const Napi::CallbackInfo& info) {
  int count = int_at(info, 3);
  if (count < 3) return integer(info, -EINVAL);
  int* fds = static_cast<int*>(elements_at(info, 2, static_cast<size_t>(count), napi_int32_array));
  char** words = strings_at(info, 0);
  char** environment = strings_at(info, 1);
  int result = -EINVAL;
  if (fds && environment && words && words[0]) result = start_command(words[0], words, environment, fds, count);
  free(words);
  free(environment);
  return integer(info, result);
}

// commandStatus(pid) -> status, or 256 + signal
Napi::Value status(const Napi::CallbackInfo& info) { return integer(info, command_status(int_at(info, 0))); }

}  // namespace

void add_commands(Napi::Env env, Napi::Object exports) {
  exports["startCommand"] = Napi::Function::New<start>(env, "startCommand");
  exports["commandStatus"] = Napi::Function::New<status>(env, "commandStatus");
}

}  // namespace jobslot
