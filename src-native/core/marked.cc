#include "marked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#endif

namespace jobslot {

#ifdef __linux__

namespace {

constexpr size_t kUsual = 64 * 1024;
// A process that is just becoming another program has no environment for some microseconds; on a machine with many more
// processes than CPUs for as long as it has to wait for its turn.
constexpr long kFirstNapNs = 20'000;
constexpr long kLongestNapNs = 1'000'000;
constexpr int64_t kPatienceNs = 200'000'000;
constexpr unsigned long kKernelThread = 0x00200000;  // PF_KTHREAD

struct Text {
  char* bytes = nullptr;
  size_t room = 0;
  size_t length = 0;

  ~Text() { free(bytes); }

  // The file's whole content, or false where it cannot be read.
  bool read_file(int folder, const char* path) {
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    length = 0;
    ssize_t n = -1;
    do {
      if (room - length < kUsual) {
        size_t wanted = room ? room * 2 : kUsual;
        void* grown = realloc(bytes, wanted + 1);
        if (!grown) break;
        bytes = static_cast<char*>(grown);
        room = wanted;
      }
      n = read(fd, bytes + length, room - length);
      if (n > 0) length += static_cast<size_t>(n);
      // What is in /proc ends where less comes than was asked for.
    } while ((n > 0 && length == room) || (n < 0 && errno == EINTR));
    close(fd);
    if (n < 0) return false;
    bytes[length] = 0;
    return true;
  }
};

// What /proc/PID/stat says.
struct Stat {
  bool lives = false;
  bool kernels = false;  // a thread of the kernel's own
  bool has_memory = false;  // one that is ending has none any more
  uint64_t start_time = 0;
  bool loaded = false;   // its code is known, which comes last
  uint64_t environment_start = 0;
  uint64_t environment_end = 0;
};

bool read_stat(int proc, int pid, Text* text, Stat* into) {
  char path[32];
  snprintf(path, sizeof path, "%d/stat", pid);
  if (!text->read_file(proc, path)) return false;
  // The name stands in brackets and may itself hold anything.
  const char* at = strrchr(text->bytes, ')');
  if (!at || at[1] != ' ') return false;
  at += 2;
  into->lives = *at != 'Z' && *at != 'X';
  // The fields from the third on, by their number in proc(5).
  for (int field = 3; at && field <= 51; field++, at = strchr(at, ' '), at = at ? at + 1 : nullptr) {
    if (field == 9) into->kernels = (strtoul(at, nullptr, 10) & kKernelThread) != 0;
    if (field == 22) into->start_time = strtoull(at, nullptr, 10);
    if (field == 23) into->has_memory = strtoull(at, nullptr, 10) != 0;
    if (field == 26) into->loaded = strtoull(at, nullptr, 10) != 0;
    if (field == 50) into->environment_start = strtoull(at, nullptr, 10);
    if (field == 51) into->environment_end = strtoull(at, nullptr, 10);
  }
  return true;
}

// The variable's value in an environment, up to its NUL, or null.
const char* value_of(const Text& environment, const char* variable, size_t length) {
  const char* end = environment.bytes + environment.length;
  for (const char* at = environment.bytes; at < end;) {
    size_t left = static_cast<size_t>(end - at);
    if (left > length && at[length] == '=' && memcmp(at, variable, length) == 0) return at + length + 1;
    at = static_cast<const char*>(memchr(at, 0, left));
    if (!at) return nullptr;
    at++;
  }
  return nullptr;
}

bool has_word(const char* list, const char* word, size_t length) {
  while (*list) {
    size_t n = strcspn(list, " ");
    if (n == length && memcmp(list, word, n) == 0) return true;
    list += n;
    list += strspn(list, " ");
  }
  return false;
}

// False where it has none, or may not be asked. An empty one is asked for again while its process takes on a program:
// what is seen then would be a survivor that is missed.
bool read_environment(int proc, int pid, Text* environment, Text* other, int64_t* until) {
  char path[32];
  snprintf(path, sizeof path, "%d/environ", pid);
  for (long nap = kFirstNapNs;; nap = nap < kLongestNapNs ? nap * 2 : nap) {
    if (!environment->read_file(proc, path)) return false;
    if (environment->length > 0) return true;
    Stat stat;
    if (!read_stat(proc, pid, other, &stat) || !stat.lives || stat.kernels || !stat.has_memory) return false;
    if (stat.loaded && stat.environment_end == stat.environment_start) return false;
    // All of them together are waited for no longer than this.
    if (*until == 0) *until = now_ns() + kPatienceNs;
    if (now_ns() > *until) return false;
    // The one that was opened was the earlier program's, and is gone.
    if (stat.loaded) continue;
    timespec pause = {0, nap};
    nanosleep(&pause, nullptr);
  }
}

}  // namespace

int find_marked(const char* variable, const char* mark, MarkedProcess* into, int room) {
  int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0) return errno == ENOENT ? -ENOSYS : -errno;
  DIR* dir = fdopendir(proc);
  if (!dir) {
    int error = errno;
    close(proc);
    return -error;
  }
  size_t variable_length = strlen(variable);
  size_t mark_length = strlen(mark);
  int64_t until = 0;
  int count = 0;
  Text environment;
  Text other;
  while (dirent* entry = readdir(dir)) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    int pid = static_cast<int>(strtol(entry->d_name, nullptr, 10));
    if (!read_environment(proc, pid, &environment, &other, &until)) continue;
    const char* value = value_of(environment, variable, variable_length);
    Stat stat;
    if (!value || !has_word(value, mark, mark_length) || !read_stat(proc, pid, &other, &stat) || !stat.lives) continue;
    if (count < room) into[count] = {pid, stat.start_time};
    count++;
  }
  closedir(dir);
  return count;
}

#else

int find_marked(const char*, const char*, MarkedProcess*, int) { return -ENOSYS; }

#endif

}  // namespace jobslot
