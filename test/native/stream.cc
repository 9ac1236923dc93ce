#include "stream.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <initializer_list>
#include <thread>

#include "check.h"
#include "core/clock.h"
#include "core/thread.h"
#include "core/waiter.h"
#include "leftovers.h"

using jobslot::now_ns;
using jobslot::Wait;
using jobslot::Waiter;
using jobslot::Way;

constexpr int kBytes = 1500;

static void notified(void* ends) { jobslot::wake(static_cast<int*>(ends)); }

static Wait* one_byte(uint32_t id, int fd, Way way, int64_t deadline_ns) {
  Wait* wait = new Wait();
  wait->id = id;
  wait->fd = fd;
  wait->reads = true;
  wait->way = way;
  wait->length = 1;
  wait->deadline_ns = deadline_ns;
  return wait;
}

// Where bytes lie ready no read times out: the writer never gets far ahead.
static void write_at_random(const int ends[2], uint64_t seed, const std::atomic<bool>* reader_is_there) {
  Random random(seed);
  for (int i = 0; i < kBytes && *reader_is_there; i++) {
    uint8_t byte = static_cast<uint8_t>(i);
    must(write(ends[1], &byte, 1) == 1, "write");
    if (random.percent(60)) usleep(random.percent(10) ? 2000 : random.below(300));
    int ahead = 0;
    while (ioctl(ends[0], FIONREAD, &ahead) == 0 && ahead > 2 && *reader_is_there) usleep(100);
  }
}

void read_stream(Medium medium, Way way, uint64_t seed) {
  Random random(seed);
  int ends[2];
  int notify[2];
  make_ends(medium, ends);
  if (way == Way::kDirect) fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_NONBLOCK);
  must(jobslot::make_wake_pipe(notify), "pipe");
  std::atomic<bool> reader_is_there{true};
  std::thread writer(write_at_random, ends, seed + 1, &reader_is_there);
  Waiter waiter(notified, notify);
  int cancelled = 0;
  int timeouts = 0;
  int next = 0;
  int64_t too_late = jobslot::deadline_after_ms(20000);
  for (uint32_t id = 1; next < kBytes && now_ns() < too_late; id++) {
    double timeout_ms = random.percent(20) ? 0 : random.below(600) / 1000.0;
    if (waiter.start(one_byte(id, ends[0], way, jobslot::deadline_after_ms(timeout_ms))) != 0) fail("no start");
    if (random.percent(50)) {
      if (random.percent(50)) usleep(random.below(150));
      if (waiter.cancel(id)) {
        cancelled++;
        continue;
      }
    }
    jobslot::poll_until(notify[0], POLLIN, too_late);
    char drain[16];
    while (read(notify[0], drain, sizeof drain) > 0) {
    }
    Wait* wait = waiter.take_finished();
    if (!wait || wait->id != id) fail("read %u did not end", id);
    if (wait && wait->status == Wait::kTimeout) timeouts++;
    if (wait && wait->status == Wait::kFailed) fail("a read failed: errno %d", wait->error);
    if (wait && wait->status == Wait::kReady) {
      if (wait->got != 1 || wait->data[0] != static_cast<uint8_t>(next)) fail("byte %d is not what was written", next);
      next++;
    }
    delete wait;
  }
  if (next < kBytes) fail("only %d of %d bytes came", next, kBytes);
  reader_is_there = false;
  writer.join();
  waiter.stop();
  for (int fd : {ends[0], ends[1], notify[0], notify[1]}) close(fd);
  if (cancelled == 0 || timeouts == 0) fail("it has tested too little");
}

void cancel_parked_on_silence() {
  int ends[2];
  int notify[2];
  make_ends(Medium::kPipe, ends);
  must(jobslot::make_wake_pipe(notify), "pipe");
  {
    Waiter waiter(notified, notify);
    for (uint32_t id = 1; id <= 3; id++) {
      if (waiter.start(one_byte(id, ends[0], Way::kParked, jobslot::kNever)) != 0) fail("no start");
      usleep(id * 2000);
      if (!waiter.cancel(id)) fail("wait %u cannot be cancelled", id);
    }
    waiter.stop();
  }
  // Before the end of file, which would end such a thread.
  wait_for_threads();
  for (int fd : {ends[0], ends[1], notify[0], notify[1]}) close(fd);
}
