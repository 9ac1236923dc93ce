#include "workers.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "core/clock.h"
#include "core/drain.h"
#include "core/guard.h"

using jobslot::DropCount;
using jobslot::Drainer;
using jobslot::Guard;

namespace {

void count(void* counter) { (*static_cast<std::atomic<int>*>(counter))++; }

// Lines that each say which they are, so that one that is cut or out of order shows.
void write_lines(int fd, int lines) {
  std::string text;
  for (int i = 0; i < lines; i++) {
    char line[32];
    snprintf(line, sizeof line, "line %09d\n", i);
    text += line;
    if (text.size() < 30000 && i + 1 < lines) continue;
    for (size_t at = 0; at < text.size();) {
      ssize_t n = write(fd, text.data() + at, text.size() - at);
      if (n < 0) return;
      at += static_cast<size_t>(n);
    }
    text.clear();
  }
}

constexpr size_t kLine = 15;

struct Reader {
  Drainer* drainer = nullptr;
  int id = -1;
  int next = 0;
  uint64_t lines = 0;
  uint64_t dropped_lines = 0;
  uint64_t dropped_bytes = 0;
  std::string partial;

  // False at the end.
  bool take(Random& random) {
    uint8_t bytes[20000];
    DropCount dropped;
    bool ended;
    if (random.percent(5)) drainer->pump(id);
    ssize_t n = drainer->take(id, bytes, 1 + random.below(sizeof bytes), &dropped, &ended);
    if (n < 0) {
      fail("take: %zd", n);
      return false;
    }
    if (dropped.bytes > 0) {
      // What was taken of a line whose rest was dropped.
      if (!partial.empty()) dropped_bytes += partial.size();
      partial.clear();
    }
    dropped_lines += dropped.lines;
    dropped_bytes += dropped.bytes;
    partial.append(reinterpret_cast<char*>(bytes), static_cast<size_t>(n));
    size_t at = 0;
    for (size_t end; (end = partial.find('\n', at)) != std::string::npos; at = end + 1, lines++) {
      int number = atoi(partial.c_str() + at + 5);
      if (end - at + 1 != kLine || number < next) fail("a line is cut or out of order: %.20s", partial.c_str() + at);
      next = number + 1;
    }
    partial.erase(0, at);
    return !ended;
  }
};

}  // namespace

void drain_pipes(uint64_t seed) {
  Random random(seed);
  uint64_t dropped = 0;
  uint64_t taken = 0;
  for (int round = 0; round < 12; round++) {
    std::atomic<int> told{0};
    Drainer drainer(count, &told);
    std::vector<std::thread> writers;
    std::vector<Reader> readers;
    int lines = 20000 + static_cast<int>(random.below(60000));
    for (int i = 0; i < 3; i++) {
      int write_end = -1;
      size_t capacity = i == 0 ? 300 : 1000 << random.below(9);
      Reader reader;
      reader.drainer = &drainer;
      reader.id = drainer.open(capacity, &write_end);
      if (reader.id < 0) return fail("open: %d", reader.id);
      readers.push_back(reader);
      writers.emplace_back([write_end, lines] {
        write_lines(write_end, lines);
        close(write_end);
      });
    }
    // Some are not read to their end.
    bool stops_early = round % 4 == 3;
    int64_t until = jobslot::now_ns() + 10000000;
    std::vector<bool> goes_on(readers.size(), true);
    for (size_t left = readers.size(); left > 0 && !(stops_early && jobslot::now_ns() > until);) {
      for (size_t i = 0; i < readers.size(); i++) {
        if (!goes_on[i] || random.percent(20)) continue;
        goes_on[i] = readers[i].take(random);
        if (!goes_on[i]) left--;
      }
      if (random.percent(10)) usleep(200);
    }
    if (stops_early) {
      if (random.percent(50)) drainer.close(readers[0].id);
      drainer.stop();
    }
    for (std::thread& writer : writers) writer.join();
    drainer.stop();
    if (!told) fail("nobody was told");
    for (const Reader& reader : readers) {
      dropped += reader.dropped_lines;
      taken += reader.lines;
      uint64_t bytes = reader.lines * kLine + reader.dropped_bytes;
      if (!stops_early && bytes != static_cast<uint64_t>(lines) * kLine) {
        fail("of %d bytes %llu are accounted for", lines * static_cast<int>(kLine), static_cast<unsigned long long>(bytes));
      }
    }
  }
  if (!dropped || !taken) fail("it has tested too little");
  printf("  %llu lines taken, %llu dropped\n", static_cast<unsigned long long>(taken),
         static_cast<unsigned long long>(dropped));
}

void guard_users(uint64_t seed) {
  for (int round = 0; round < 8; round++) {
    std::atomic<int> ended{0};
    Guard guard(count, &ended);
    if (guard.start(10000) != 0) return fail("start");
    std::vector<std::thread> users;
    int first[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, first) != 0) return fail("socketpair");
    guard.watch(first[1]);
    close(first[1]);
    guard.set_grace(20);
    for (uint64_t i = 0; i < 3; i++) {
      users.emplace_back([&, i] {
        Random random(seed + 10 * static_cast<uint64_t>(round) + i);
        for (int turn = 0; turn < 50; turn++) {
          int pair[2];
          if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return fail("socketpair");
          int id = guard.watch(pair[1]);
          if (random.percent(30)) usleep(random.below(500));
          bool hangs_up = random.percent(50);
          if (hangs_up) close(pair[0]);
          if (!hangs_up || random.percent(50)) guard.unwatch(id);
          if (!hangs_up) close(pair[0]);
          close(pair[1]);
        }
      });
    }
    for (std::thread& user : users) user.join();
    usleep(40000);
    if (ended != 0) fail("it ended while there was a user");
    if (guard.unwatch(12345) == 0) fail("there was no such user");
    int64_t from = jobslot::now_ns();
    close(first[0]);
    while (ended == 0 && jobslot::now_ns() - from < 5000000000) usleep(500);
    if (jobslot::now_ns() - from < 19000000) fail("it ended before its grace was over");
    usleep(50000);
    if (ended != 1) fail("it ended %d times", ended.load());
    guard.stop();
  }
}

void bound_log(uint64_t) {
  char path[] = "/tmp/jobslot-stress-log-XXXXXX";
  int fd = mkostemp(path, O_APPEND | O_CLOEXEC);
  if (fd < 0) return fail("mkostemp");
  std::atomic<int> ended{0};
  Guard guard(count, &ended);
  guard.start(60000);
  if (guard.bound_log(fd, 100000) != 0) fail("bound_log");
  off_t largest = 0;
  for (int i = 0; i < 200; i++) {
    write_lines(fd, 500);
    struct stat st;
    if (fstat(fd, &st) == 0 && st.st_size > largest) largest = st.st_size;
    usleep(500);
  }
  usleep(100000);
  struct stat st;
  fstat(fd, &st);
  if (st.st_size > 110000 || largest > 1500000) {
    fail("the log has %lld bytes, and had %lld", static_cast<long long>(st.st_size), static_cast<long long>(largest));
  }
  guard.stop();
  if (ended != 0) fail("it ended before its grace was over");
  close(fd);
  unlink(path);
}
