#include "targets.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/drain.h"
#include "core/lines.h"
#include "core/lock_file.h"

namespace {

void must(bool holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "FAILED: %s\n", what);
  abort();
}

// Of exactly this size: the sanitizer sees each byte read behind it.
struct Copy {
  uint8_t* bytes;
  Copy(const uint8_t* data, size_t size) : bytes(static_cast<uint8_t*>(malloc(size ? size : 1))) {
    if (size) memcpy(bytes, data, size);
  }
  ~Copy() { free(bytes); }
};

// Where the input's locks lie. One for all inputs of the process, which may be killed: it is the system's to clean up.
const char* lock_folder() {
  static char path[] = "/tmp/jobslot-fuzz-XXXXXX";
  static const char* made = mkdtemp(path);
  static const int registered = atexit([] {
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", path);
    int ignored = system(command);
    static_cast<void>(ignored);
  });
  static_cast<void>(registered);
  return made;
}

}  // namespace

void fuzz_lines(const uint8_t* data, size_t size) {
  Copy copy(data, size);
  size_t whole = jobslot::whole_lines(copy.bytes, size);
  must(whole <= size && (whole == 0 || data[whole - 1] == '\n'), "whole lines end with a line");
  must(jobslot::whole_lines(copy.bytes, whole) == whole, "whole lines are whole");
  // One byte that is another: no line is whole with it.
  if (whole > 0) {
    size_t at = data[0] * whole / 256;
    copy.bytes[at] ^= 1;
    must(jobslot::whole_lines(copy.bytes, whole) <= at, "a damaged line is none");
    copy.bytes[at] ^= 1;
  }
  jobslot::stamp_lines(copy.bytes, size);
  // What was a line with room for its digits has them now.
  const void* end = size > jobslot::kFrame + 2 ? memchr(copy.bytes + jobslot::kFrame, '\n', size - jobslot::kFrame) : nullptr;
  size_t length = end ? static_cast<size_t>(static_cast<const uint8_t*>(end) - copy.bytes) + 1 : 0;
  if (length >= jobslot::kFrame + 3) must(jobslot::whole_lines(copy.bytes, length) == length, "a stamped line is whole");
}

// The first bytes say how much room there is, and in what pieces the rest comes and goes.
void fuzz_output(const uint8_t* data, size_t size) {
  if (size < 3) return;
  jobslot::Drained drained;
  drained.capacity = 1 + data[0];
  Copy room(data, 0);
  free(room.bytes);
  room.bytes = static_cast<uint8_t*>(malloc(drained.capacity));
  drained.bytes = room.bytes;
  size_t step = 1 + data[1] * 4, taking = data[2];
  uint64_t put = 0, taken = 0;
  uint8_t into[256];
  for (size_t at = 3; at < size; at += step) {
    size_t count = size - at < step ? size - at : step;
    Copy piece(data + at, count);
    drained.put(piece.bytes, count);
    put += count;
    must(drained.length <= drained.capacity && drained.start < drained.capacity, "it keeps what there is room for");
    must(put == taken + drained.length + drained.dropped_bytes, "each byte was taken, is there, or was dropped");
    taken += drained.take(into, taking);
  }
}

// The file's content, for one who takes the lock, shares it, and finds what others left.
void fuzz_lock(const uint8_t* data, size_t size) {
  char path[96];
  snprintf(path, sizeof path, "%s/lock", lock_folder());
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  must(fd >= 0 && write(fd, data, size) == static_cast<ssize_t>(size), "a file for the input");
  close(fd);
  bool shared = size > 0 && data[size - 1] & 1;
  jobslot::LockFile first, second;
  if (first.open(path, {0600, static_cast<uid_t>(-1), static_cast<gid_t>(-1)}, "\"pid\":1") != 0) return;
  int held = first.try_hold(shared);
  must(held == jobslot::LockFile::kHeld || held == jobslot::LockFile::kAbandoned || held < 0, "nobody else has it");
  char previous[jobslot::LockFile::kRecordSize + 1];
  if (held == jobslot::LockFile::kAbandoned) {
    first.take_previous(previous);
    must(previous[0] == '{' && strlen(previous) <= jobslot::LockFile::kRecordSize, "a record, with its end");
  }
  if (held >= 0 && second.open(path, {0600, static_cast<uid_t>(-1), static_cast<gid_t>(-1)}, "\"pid\":2") == 0) {
    int again = second.try_hold(shared);
    must(shared || again == jobslot::LockFile::kBusy, "one at a time");
    second.let_go();
  }
  first.let_go();
}
