#include "jobserver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "check.h"
#include "core/clock.h"

using jobslot::Way;

Jobserver::Jobserver(Medium medium, int tokens, int number) {
  make_ends(medium, ends_);
  // 37 and 256 have no common divisor, so no byte comes twice.
  for (int i = 0; i < tokens; i++) tokens_ += static_cast<char>((i + number * 128) * 37 % 256);
  must(write(ends_[1], tokens_.data(), tokens_.size()) == tokens, "write");
  for (int i = 0; i < 2; i++) flags_[i] = fcntl(ends_[i], F_GETFL);
}

Jobserver::~Jobserver() {
  close(ends_[0]);
  close(ends_[1]);
}

static int open_end(int fd, bool own, int access) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int end = own ? open(path, access | O_NONBLOCK | O_CLOEXEC) : fcntl(fd, F_DUPFD_CLOEXEC, 3);
  must(end >= 0, "a client's end");
  return end;
}

int Jobserver::open_read_end(Way way) const { return open_end(ends_[0], way == Way::kDirect, O_RDONLY); }
int Jobserver::open_write_end(Way way) const { return open_end(ends_[1], way == Way::kDirect, O_WRONLY); }

void Jobserver::check_flags() const {
  for (int i = 0; i < 2; i++) {
    int now = fcntl(ends_[i], F_GETFL);
    if (now != flags_[i]) fail("the flags of end %d were %#o and are %#o", i, flags_[i], now);
  }
}

void Jobserver::check_tokens() const {
  std::string found;
  int there = 0;
  while (ioctl(ends_[0], FIONREAD, &there) == 0 && there > 0) {
    char bytes[512];
    ssize_t n = read(ends_[0], bytes, sizeof bytes);
    if (n <= 0) break;
    found.append(bytes, static_cast<size_t>(n));
  }
  std::string wanted = tokens_;
  std::sort(found.begin(), found.end());
  std::sort(wanted.begin(), wanted.end());
  if (found == wanted) return;
  std::string missing, extra;
  std::set_difference(wanted.begin(), wanted.end(), found.begin(), found.end(), std::back_inserter(missing));
  std::set_difference(found.begin(), found.end(), wanted.begin(), wanted.end(), std::back_inserter(extra));
  fail("of %zu tokens %zu are missing, and %zu too many", wanted.size(), missing.size(), extra.size());
}

void compete(int read_fd, int write_fd, Way way, uint64_t seed, bool (*goes_on)(void*), void* context) {
  Random random(seed);
  while (goes_on(context)) {
    int64_t moment = jobslot::deadline_after_ms(1);
    uint8_t byte;
    ssize_t n = jobslot::read_until(read_fd, way, &byte, 1, moment);
    if (n == -ETIMEDOUT) continue;
    if (n != 1) fail("a competitor's read answered %zd", n);
    if (random.percent(30)) usleep(random.below(400));
    if (jobslot::give_byte(write_fd, way == Way::kDirect, byte) != 0) fail("a competitor could not give back");
  }
}

Competitor::Competitor(const Jobserver& jobserver, Way way, uint64_t seed) {
  int control[2];
  must(pipe2(control, O_CLOEXEC) == 0, "pipe2");
  control_ = control[1];
  pid_ = fork();
  must(pid_ >= 0, "fork");
  if (pid_ == 0) {
    // Above all that is open here, and open in the child.
    int passed[] = {jobserver.read_fd(), jobserver.write_fd(), control[0]};
    for (int fd : passed) fcntl(fd, F_SETFD, 0);
    char numbers[5][24];
    for (int i = 0; i < 3; i++) snprintf(numbers[i], sizeof numbers[i], "%d", passed[i]);
    snprintf(numbers[3], sizeof numbers[3], "%d", static_cast<int>(way));
    snprintf(numbers[4], sizeof numbers[4], "%llu", static_cast<unsigned long long>(seed));
    execl("/proc/self/exe", "stress", "--compete", numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], nullptr);
    _exit(127);
  }
  close(control[0]);
}

void Competitor::finish() {
  close(control_);
  int status = -1;
  if (waitpid(pid_, &status, 0) != pid_ || status != 0) fail("a competing process ended with status %d", status);
}

bool Competitor::is_asked_for(int argc, char** argv) { return argc == 7 && strcmp(argv[1], "--compete") == 0; }

static bool is_not_hung_up(void* control) {
  pollfd p = {*static_cast<int*>(control), 0, 0};
  return poll(&p, 1, 0) == 0;
}

int Competitor::main(char** argv) {
  int control = atoi(argv[4]);
  Way way = static_cast<Way>(atoi(argv[5]));
  int read_fd = open_end(atoi(argv[2]), way == Way::kDirect, O_RDONLY);
  int write_fd = open_end(atoi(argv[3]), way == Way::kDirect, O_WRONLY);
  compete(read_fd, write_fd, way, strtoull(argv[6], nullptr, 10), is_not_hung_up, &control);
  return failure_count() > 0;
}
