// lock_storm FOLDER LOG SECONDS SEED
//
// Twelve processes that take and hold locks by the core of the addon alone, one of which is killed every few
// milliseconds: Node takes too long to start for that. Each writes down what it wants, has and gives back, in the lines
// that test/lock/storm-check.ts reads. A wait here ends by its FIFO only, never by a second look.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/lock_file.h"

using jobslot::LockFile;

namespace {

constexpr int kMembers = 12;
constexpr int kTickMs = 20;
const char* const kNames[] = {"a", "d", "b", "c"};

const char* folder;
int log_fd;
uint32_t state;

// From 0, below `count`.
int below(int count) {
  state = state * 1664525 + 1013904223;
  return static_cast<int>((static_cast<uint64_t>(state >> 8) * static_cast<uint64_t>(count)) >> 24);
}
bool chance(int percent) { return below(100) < percent; }

double now_ms() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

void sleep_us(int us) {
  timespec t = {us / 1000000, us % 1000000 * 1000L};
  nanosleep(&t, nullptr);
}

void say(const char* event, int pid, const char* more = "") {
  char line[512];
  int length = snprintf(line, sizeof line, "{\"t\":%.3f,\"e\":\"%s\",\"pid\":%d%s}\n", now_ms(), event, pid, more);
  if (write(log_fd, line, static_cast<size_t>(length)) != length) _exit(9);
}

[[noreturn]] void fail(const char* call, int result) {
  fprintf(stderr, "%s: %d\n", call, result);
  _exit(8);
}

struct Member {
  LockFile* files[4] = {};  // kept open between uses, or not

  LockFile* open(int name) {
    if (files[name]) return files[name];
    char path[4096], who[64];
    snprintf(path, sizeof path, "%s/%s", folder, kNames[name]);
    snprintf(who, sizeof who, "\"pid\":%d", getpid());
    LockFile* file = new LockFile();
    int result = file->open(path, {0600, static_cast<uid_t>(-1), static_cast<gid_t>(-1)}, who);
    if (result != 0) fail("open", result);
    return files[name] = file;
  }

  void close(int name) {
    if (!files[name]) return;
    files[name]->let_go();
    delete files[name];
    files[name] = nullptr;
  }

  // kHeld, kAbandoned or kBusy. The line of wait.ts.
  int attempt(int name, bool shared) {
    for (;;) {
      int result = open(name)->try_hold(shared);
      if (result < 0) fail("try_hold", result);
      if (result == LockFile::kStale) close(name);
      else if (result != LockFile::kSoon) return result;
    }
  }

  int hold(int name, bool shared, double deadline) {
    int result = attempt(name, shared);
    bool queued = false;
    while (result == LockFile::kBusy && now_ms() < deadline) {
      LockFile* file = open(name);
      if (!queued) {
        int outcome = file->enqueue(shared);
        if (outcome < 0) fail("enqueue", outcome);
        queued = outcome == 0;
        if (!queued) close(name);
        if (outcome == LockFile::kSoon) sleep_us(1000);
        continue;
      }
      int fd;
      int outcome = file->next_wait(&fd);
      if (outcome < 0) fail("next_wait", outcome);
      if (outcome == 0) {
        pollfd poll_fd = {fd, POLLIN, 0};
        double left = deadline - now_ms();
        poll(&poll_fd, 1, left > 1e9 ? -1 : left > 0 ? static_cast<int>(left) + 1 : 0);
        ::close(fd);
      } else if (outcome == LockFile::kSoon) {
        sleep_us(1000);
      } else {
        result = file->try_hold(shared);
        if (result < 0) fail("try_hold", result);
        if (result == LockFile::kStale) {
          close(name);
          queued = false;
          result = LockFile::kBusy;
        }
      }
    }
    if (queued && result == LockFile::kBusy) open(name)->leave();
    return result;
  }

  void act() {
    int first = below(4);
    int second = first == 2 && chance(50) ? 3 : -1;
    bool shared = chance(40);
    bool waits = chance(80);
    double deadline = chance(30) ? now_ms() + below(10) : 1e18;
    char more[400];
    char* end = more + sizeof more;
    char* at = more + snprintf(more, sizeof more, ",\"names\":[\"%s\"", kNames[first]);
    if (second >= 0) at += snprintf(at, static_cast<size_t>(end - at), ",\"%s\"", kNames[second]);
    at += snprintf(at, static_cast<size_t>(end - at), "]");
    say("want", getpid(), more);
    at += snprintf(at, static_cast<size_t>(end - at), ",\"shared\":%s,\"told\":[", shared ? "true" : "false");
    const int wanted[] = {first, second};
    int have = 0;
    bool told = false;
    char previous[2][LockFile::kRecordSize + 1] = {};
    for (; have < 2 && wanted[have] >= 0; have++) {
      int result = waits ? hold(wanted[have], shared, deadline) : attempt(wanted[have], shared);
      if (result == LockFile::kBusy) break;
    }
    bool all = have == (second >= 0 ? 2 : 1);
    for (int i = 0; all && i < have; i++) {
      open(wanted[i])->take_previous(previous[i]);
      const char* pid = strstr(previous[i], "\"pid\":");
      if (!pid) continue;
      at += snprintf(at, static_cast<size_t>(end - at), "%s{\"name\":\"%s\",\"pid\":%d}", told ? "," : "",
                     kNames[wanted[i]], atoi(pid + 6));
      told = true;
    }
    if (all) {
      snprintf(at, static_cast<size_t>(end - at), "]");
      say("begin", getpid(), more);
      if (chance(50)) sleep_us(below(3000));
      say("end", getpid());
    } else {
      say("quit", getpid());
    }
    while (have > 0) {
      int name = wanted[--have];
      // What was not told has to be let go of.
      if (!all || chance(20)) close(name);
      else open(name)->release();
    }
    if (chance(30)) close(below(4));
    if (chance(50)) sleep_us(below(4000));
  }
};

pid_t start() {
  uint32_t seed = static_cast<uint32_t>(below(1 << 24));
  pid_t pid = fork();
  if (pid != 0) return pid;
  state = seed * 2654435761u;
  Member member;
  for (;;) member.act();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 64;
  folder = argv[1];
  log_fd = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  double until = now_ms() + atof(argv[3]) * 1000;
  state = static_cast<uint32_t>(strtoul(argv[4], nullptr, 10));
  pid_t members[kMembers];
  for (pid_t& member : members) member = start();
  double tick = now_ms();
  int status = 0;
  bool failed = false;
  while (now_ms() < until && !failed) {
    sleep_us(1000 + below(6000));
    pid_t& member = members[below(kMembers)];
    say("kill", member);
    kill(member, SIGKILL);
    waitpid(member, &status, 0);
    failed = !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
    member = start();
    if (now_ms() < tick) continue;
    say("tick", 0);
    tick = now_ms() + kTickMs;
  }
  for (pid_t member : members) {
    say("kill", member);
    kill(member, SIGKILL);
    waitpid(member, &status, 0);
    failed = failed || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
  }
  if (failed) fprintf(stderr, "a member ended by itself: %d\n", status);
  return failed ? 1 : 0;
}
