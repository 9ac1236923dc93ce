#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

#include "addon.h"
#include "core/clock.h"
#include "core/status.h"

namespace jobslot {

namespace {

double result_of(int result) { return result < 0 ? -errno : result; }

// dup(fd) -> a new number for the same description, close-on-exec
Napi::Value dup_fd(const Napi::CallbackInfo& info) {
  return number(info, result_of(fcntl(int_at(info, 0), F_DUPFD_CLOEXEC, 3)));
}

// reopen(fd, access, nonblocking) -> a description of our own on the same file (Linux). access: 0 read, 1 write, 2 both.
// -ENXIO for what has no second one: a socket, and the master of a pseudo terminal, of which open would make a new pair.
Napi::Value reopen(const Napi::CallbackInfo& info) {
#ifdef __linux__
  static const int kAccess[] = {O_RDONLY, O_WRONLY, O_RDWR};
  int fd = int_at(info, 0);
  int access = int_at(info, 1);
  if (fd < 0) return number(info, -EBADF);
  if (access < 0 || access > 2) return number(info, -EINVAL);
  unsigned int terminal;
  if (ioctl(fd, TIOCGPTN, &terminal) == 0) return number(info, -ENXIO);
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  // Without O_NONBLOCK the open of a FIFO would wait for its other end.
  int opened = open(path, kAccess[access] | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (opened < 0 && errno == ENOENT && fcntl(fd, F_GETFD) < 0) return number(info, -EBADF);
  if (opened >= 0 && !bool_at(info, 2)) fcntl(opened, F_SETFL, fcntl(opened, F_GETFL) & ~O_NONBLOCK);
  return number(info, result_of(opened));
#else
  // Elsewhere /dev/fd is another name for dup.
  return number(info, -ENOSYS);
#endif
}

Napi::Value close_fd(const Napi::CallbackInfo& info) {
  int result = close(int_at(info, 0));
  // Linux has closed it even when a signal came in between.
  return number(info, result < 0 && errno != EINTR ? -errno : 0);
}

// info(fd, into: Float64Array(6)): mode, dev, ino, status flags, descriptor flags, is an anonymous pipe
Napi::Value descriptor_info(const Napi::CallbackInfo& info) {
  int fd = int_at(info, 0);
  struct stat st;
  if (file_status(fd, &st) != 0) return number(info, -errno);
  int status = fcntl(fd, F_GETFL);
  int descriptor = fcntl(fd, F_GETFD);
  if (status < 0 || descriptor < 0) return number(info, -errno);
  bool anonymous = false;
#ifdef __linux__
  struct statfs fs;
  anonymous = S_ISFIFO(st.st_mode) && fstatfs(fd, &fs) == 0 && fs.f_type == 0x50495045;  // PIPEFS_MAGIC
#endif
  void* data;
  size_t length;
  if (napi_get_typedarray_info(info.Env(), info[1], nullptr, &length, &data, nullptr, nullptr) != napi_ok || length < 6) {
    return number(info, -EINVAL);
  }
  double* out = static_cast<double*>(data);
  out[0] = st.st_mode;
  out[1] = static_cast<double>(st.st_dev);
  out[2] = static_cast<double>(st.st_ino);
  out[3] = status;
  out[4] = descriptor;
  out[5] = anonymous;
  return number(info, 0);
}

// available(fd) -> bytes that can be read now
Napi::Value available(const Napi::CallbackInfo& info) {
  int bytes = 0;
  return number(info, ioctl(int_at(info, 0), FIONREAD, &bytes) < 0 ? -errno : bytes);
}

Napi::Value is_terminal(const Napi::CallbackInfo& info) { return number(info, isatty(int_at(info, 0))); }

// mkfifo(path, mode)
Napi::Value make_fifo(const Napi::CallbackInfo& info) {
  char path[4097];
  size_t length = 0;
  if (napi_get_value_string_utf8(info.Env(), info[0], path, sizeof path, &length) != napi_ok) {
    return number(info, -EINVAL);
  }
  if (length >= sizeof path - 1) return number(info, -ENAMETOOLONG);
  if (strlen(path) != length) return number(info, -EINVAL);
  int mode = int_at(info, 1);
  if (mode < 0 || mode > 07777) return number(info, -EINVAL);
  return number(info, result_of(mkfifo(path, static_cast<mode_t>(mode))));
}

// poll(fd, events, timeoutMs) -> events, 0 after the timeout; on the calling thread
Napi::Value poll_fd(const Napi::CallbackInfo& info) {
  return number(info, poll_until(int_at(info, 0), static_cast<short>(int_at(info, 1)),
                                 deadline_after_ms(double_at(info, 2))));
}

bool bytes_at(const Napi::CallbackInfo& info, size_t i, void** data, size_t* length) {
  return napi_get_buffer_info(info.Env(), info[i], data, length) == napi_ok;
}

// readWithin(fd, way, into, timeoutMs) -> bytes read, 0 at end of file, -ETIMEDOUT; on the calling thread
Napi::Value read_within(const Napi::CallbackInfo& info) {
  void* into;
  size_t length;
  if (!bytes_at(info, 2, &into, &length)) return number(info, -EINVAL);
  int fd = int_at(info, 0);
  Way way = way_at(info, 1);
  int64_t deadline = deadline_after_ms(double_at(info, 3));
  ssize_t n = way == Way::kParked ? (length ? parked_read_until(fd, -1, into, deadline) : 0)
                                  : read_until(fd, way, into, length, deadline);
  return number(info, static_cast<double>(n));
}

// write(fd, own, from) -> bytes written, -EAGAIN when there is no room now
Napi::Value write_fd(const Napi::CallbackInfo& info) {
  void* from;
  size_t length;
  if (!bytes_at(info, 2, &from, &length)) return number(info, -EINVAL);
  return number(info, static_cast<double>(write_now(int_at(info, 0), bool_at(info, 1), from, length)));
}

}  // namespace

void add_descriptors(Napi::Env env, Napi::Object exports) {
  exports["dup"] = Napi::Function::New<dup_fd>(env);
  exports["reopen"] = Napi::Function::New<reopen>(env);
  exports["close"] = Napi::Function::New<close_fd>(env);
  exports["info"] = Napi::Function::New<descriptor_info>(env);
  exports["available"] = Napi::Function::New<available>(env);
  exports["isTerminal"] = Napi::Function::New<is_terminal>(env);
  exports["mkfifo"] = Napi::Function::New<make_fifo>(env);
  exports["poll"] = Napi::Function::New<poll_fd>(env);
  exports["readWithin"] = Napi::Function::New<read_within>(env);
  exports["write"] = Napi::Function::New<write_fd>(env);
}

}  // namespace jobslot
