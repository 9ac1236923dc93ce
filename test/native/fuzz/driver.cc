// driver RUNS SEED: changes valid inputs at random, where there is no clang for libFuzzer.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "core/lines.h"
#include "targets.h"

namespace {

constexpr size_t kRoom = 4096;

size_t sample(Random& random, uint8_t* into) {
  const char* lines[] = {"000000000{\"n\":1,\"t\":2}\n", "000000000{}\n", "000000000{\"op\":\"create\",\"request\":\"x\"}\n"};
  size_t size = 0;
  if (random.percent(50)) {
    for (uint32_t left = random.below(6); left > 0; left--) {
      const char* line = lines[random.below(3)];
      memcpy(into + size, line, strlen(line));
      size += strlen(line);
    }
    jobslot::stamp_lines(into, size);
    return size;
  }
  for (uint32_t slot = 1 + random.below(4), left = 1 + random.below(5); left > 0; left--, slot++) {
    char* record = reinterpret_cast<char*>(into + size);
    memset(record, ' ', 256);
    int length = snprintf(record, 256, "{\"slot\":%u,\"pid\":9,\"shared\":%s,\"since\":1%s}", slot,
                          random.percent(50) ? "true" : "false", random.percent(30) ? ",\"waiting\":true" : "");
    record[length] = ' ';
    record[255] = '\n';
    size += 256;
  }
  return size;
}

size_t changed(Random& random, uint8_t* bytes, size_t size) {
  for (uint32_t left = random.below(5); left > 0 && size > 0; left--) {
    size_t at = random.below(static_cast<uint32_t>(size));
    switch (random.below(4)) {
      case 0:
        bytes[at] ^= static_cast<uint8_t>(1 + random.below(255));
        break;
      case 1:
        size = at;
        break;
      case 2:
        memmove(bytes + at, bytes + at + 1, size - at - 1);
        size--;
        break;
      default:
        if (size == kRoom) break;
        memmove(bytes + at + 1, bytes + at, size - at);
        bytes[at] = "\n\0{}\"9 "[random.below(7)];
        size++;
    }
  }
  return size;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  long runs = strtol(argv[1], nullptr, 10);
  // A failure ends the program: this is the seed that repeats it.
  fprintf(stderr, "fuzz: %ld inputs, seed %s\n", runs, argv[2]);
  Random random(strtoull(argv[2], nullptr, 10));
  uint8_t bytes[kRoom];
  for (long run = 0; run < runs; run++) {
    size_t size = changed(random, bytes, sample(random, bytes));
    fuzz_lines(bytes, size);
    fuzz_output(bytes, size);
    // It makes files, which takes longer.
    if (run % 20 == 0) fuzz_lock(bytes, size);
  }
  return 0;
}
