#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "core/marked.h"
#include "state.h"

namespace jobslot {

namespace {

// A descriptor that becomes readable at the process's end, or -errno. glibc has had the function only since 2.36.
int open_process(int pid) {
#ifdef SYS_pidfd_open
  long fd = syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? -errno : static_cast<int>(fd);
#else
  static_cast<void>(pid);
  return -ENOSYS;
#endif
}

// waitProcess(id, pid, quiet): until its end. -ESRCH where there is none, -ENOSYS and others where that cannot be
// waited for here.
Napi::Value wait_process(const Napi::CallbackInfo& info) {
  int fd = open_process(int_at(info, 1));
  if (fd < 0) return integer(info, fd);
  Wait* wait = new Wait();
  wait->id = static_cast<uint32_t>(double_at(info, 0));
  wait->fd = fd;
  wait->quiet = bool_at(info, 2);
  wait->deadline_ns = INT64_MAX;
  int result = state_of(info)->start(info.Env(), wait);
  close(fd);
  return integer(info, result);
}

// findMarked(variable, mark, into: Float64Array(2 * room), room) -> how many there are; pid and start time of each
Napi::Value find_marked_processes(const Napi::CallbackInfo& info) {
  char variable[64];
  char mark[1024];
  size_t lengths[2];
  int room = int_at(info, 3);
  if (napi_get_value_string_utf8(info.Env(), info[0], variable, sizeof variable, &lengths[0]) != napi_ok ||
      napi_get_value_string_utf8(info.Env(), info[1], mark, sizeof mark, &lengths[1]) != napi_ok || room < 1 ||
      lengths[0] + 1 >= sizeof variable || lengths[1] + 1 >= sizeof mark || strlen(mark) != lengths[1]) {
    return integer(info, -EINVAL);
  }
  double* into = static_cast<double*>(elements_at(info, 2, static_cast<size_t>(room) * 2, napi_float64_array));
  MarkedProcess* found = static_cast<MarkedProcess*>(malloc(static_cast<size_t>(room) * sizeof(MarkedProcess)));
  if (!into || !found) {
    free(found);
    return integer(info, into ? -ENOMEM : -EINVAL);
  }
  int count = find_marked(variable, mark, found, room);
  for (int i = 0; i < count && i < room; i++) {
    into[2 * i] = found[i].pid;
    into[2 * i + 1] = static_cast<double>(found[i].start_time);
  }
  free(found);
  return integer(info, count);
}

}  // namespace

void add_processes(Napi::Env env, Napi::Object exports, State* state) {
  exports["waitProcess"] = Napi::Function::New<wait_process>(env, "waitProcess", state);
  exports["findMarked"] = Napi::Function::New<find_marked_processes>(env, "findMarked");
}

}  // namespace jobslot
