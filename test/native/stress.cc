// Usage: stress [SEED]
//        stress --race
//
// The waiting thread's core under load, without Node: clients with a Waiter each, a competing thread and a competing
// process draw on one jobserver. Whatever the timing, every wait ends exactly once, and when all have stopped every
// token is back as the byte it was, no descriptor and no thread is left, and no flag of a shared description changed.
// Takes some ten seconds. Meant to be compiled with ThreadSanitizer; --race is a data race on purpose, which proves
// that it was.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memory>
#include <thread>
#include <vector>

#include "accounts.h"
#include "check.h"
#include "client.h"
#include "core/clock.h"
#include "jobserver.h"
#include "journals.h"
#include "leftovers.h"
#include "stream.h"
#include "workers.h"

using jobslot::Way;

constexpr Way kOwn = Way::kDirect;
constexpr Way kRecv = Way::kRecv;
constexpr Way kSplice = Way::kSplice;
constexpr Way kParked = Way::kParked;

struct Shared {
  Medium medium;
  int tokens;
  std::vector<Way> ways;  // of its clients
  Way competing;
  int jobservers = 1;  // the clients take turns; all compete for the first
};

static void share(const Shared& scenario, uint64_t seed);

struct Scenario {
  const char* name;
  void (*run)(uint64_t seed);
};

static const Scenario kScenarios[] = {
    {"own description, pipe", [](uint64_t seed) { share({Medium::kPipe, 5, {kOwn, kOwn, kOwn}, kOwn}, seed); }},
    {"own description, FIFO", [](uint64_t seed) { share({Medium::kFifo, 200, {kOwn, kOwn, kOwn}, kOwn}, seed); }},
    {"splice, pipe", [](uint64_t seed) { share({Medium::kPipe, 200, {kSplice, kSplice, kSplice}, kOwn}, seed); }},
    {"splice, FIFO", [](uint64_t seed) { share({Medium::kFifo, 5, {kSplice, kSplice, kSplice}, kSplice}, seed); }},
    {"splice, two pipes", [](uint64_t seed) { share({Medium::kPipe, 100, {kSplice, kSplice}, kSplice, 2}, seed); }},
    {"parked, pipe", [](uint64_t seed) { share({Medium::kPipe, 5, {kParked, kParked, kParked}, kOwn}, seed); }},
    {"parked, FIFO", [](uint64_t seed) { share({Medium::kFifo, 200, {kParked, kParked, kParked}, kSplice}, seed); }},
    {"parked, socket", [](uint64_t seed) { share({Medium::kSocket, 5, {kParked, kParked, kParked}, kRecv}, seed); }},
    {"parked, two FIFOs", [](uint64_t seed) { share({Medium::kFifo, 5, {kParked, kParked}, kOwn, 2}, seed); }},
    {"recv, socket", [](uint64_t seed) { share({Medium::kSocket, 5, {kRecv, kRecv, kRecv}, kRecv}, seed); }},
    {"all ways at once, pipe", [](uint64_t seed) { share({Medium::kPipe, 6, {kOwn, kSplice, kParked}, kOwn}, seed); }},
    {"all ways at once, FIFO", [](uint64_t seed) { share({Medium::kFifo, 200, {kOwn, kSplice, kParked}, kSplice}, seed); }},
    {"stream, own description", [](uint64_t seed) { read_stream(Medium::kPipe, kOwn, seed); }},
    {"stream, splice", [](uint64_t seed) { read_stream(Medium::kFifo, kSplice, seed); }},
    {"stream, recv", [](uint64_t seed) { read_stream(Medium::kSocket, kRecv, seed); }},
    {"stream, parked", [](uint64_t seed) { read_stream(Medium::kPipe, kParked, seed); }},
    {"silence, parked", [](uint64_t) { cancel_parked_on_silence(); }},
    {"workers, their output", drain_pipes},
    {"workers, their users", guard_users},
    {"workers, their log", bound_log},
    {"accounts", storm_accounts},
    {"accounts, debts", collect_debts},
    {"accounts, events", tell_empty},
    {"accounts, events without inotify", tell_empty_without_inotify},
    {"journals", storm_journals},
    {"journals, a failed sync", fail_sync},
};

static bool is_set(void* flag) { return *static_cast<std::atomic<bool>*>(flag); }

static void share(const Shared& scenario, uint64_t seed) {
  Tally tally;
  std::vector<std::unique_ptr<Jobserver>> jobservers;
  for (int i = 0; i < scenario.jobservers; i++) {
    jobservers.push_back(std::make_unique<Jobserver>(scenario.medium, scenario.tokens, i));
  }
  const Jobserver& first = *jobservers[0];
  Competitor process(first, scenario.competing, seed + 1);
  std::atomic<bool> compete_on{true};
  std::thread competing([&] {
    int read_fd = first.open_read_end(scenario.competing);
    int write_fd = first.open_write_end(scenario.competing);
    compete(read_fd, write_fd, scenario.competing, seed + 2, is_set, &compete_on);
    close(read_fd);
    close(write_fd);
  });
  int64_t deadline_ns = jobslot::deadline_after_ms(600);
  std::atomic<size_t> running{scenario.ways.size()};
  std::vector<std::thread> clients;
  for (size_t i = 0; i < scenario.ways.size(); i++) {
    clients.emplace_back([&, i] {
      Client client(*jobservers[i % jobservers.size()], scenario.ways[i], seed + 3 + i, &tally);
      client.run(deadline_ns);
      running--;
    });
  }
  while (running > 0) {
    first.check_flags();
    usleep(500);
  }
  for (std::thread& client : clients) client.join();
  compete_on = false;
  competing.join();
  process.finish();
  wait_for_threads();
  for (const auto& jobserver : jobservers) {
    jobserver->check_flags();
    jobserver->check_tokens();
  }
  if (!tally.results || !tally.timeouts || !tally.cancelled || !tally.stopped) fail("it has tested too little");
  printf("  %ld waits: %ld results, %ld timeouts, %ld cancelled, %ld stopped\n", tally.started.load(),
         tally.results.load(), tally.timeouts.load(), tally.cancelled.load(), tally.stopped.load());
}

// What is made once for the life of the process is made before anything is counted.
static void warm_up() {
  Jobserver jobserver(Medium::kPipe, 1, 0);
  uint8_t byte;
  jobslot::read_now(jobserver.read_fd(), Way::kSplice, &byte, 1);
  std::thread([] {}).join();
  remember_threads();
}

static void hangs(int) {
  static const char text[] = "FAILED: it hangs\n";
  ssize_t ignored = write(2, text, sizeof text - 1);
  static_cast<void>(ignored);
  _exit(1);
}

static int race() {
  static int shared = 0;
  std::thread other([] { shared++; });
  shared++;
  other.join();
  return 0;
}

int main(int argc, char** argv) {
  if (Competitor::is_asked_for(argc, argv)) return Competitor::main(argv);
  if (argc == 2 && strcmp(argv[1], "--race") == 0) return race();
  uint64_t seed = argc > 1 ? strtoull(argv[1], nullptr, 10) : static_cast<uint64_t>(jobslot::now_ns());
  setvbuf(stdout, nullptr, _IOLBF, 0);
  printf("seed %llu\n", static_cast<unsigned long long>(seed));
  signal(SIGPIPE, SIG_IGN);
  signal(SIGALRM, hangs);
  alarm(90);
  warm_up();
  int passed = 0;
  int failed = 0;
  for (const Scenario& scenario : kScenarios) {
    name_scenario(scenario.name, seed);
    printf("%s\n", scenario.name);
    int failures_before = failure_count();
    int descriptors_before = open_descriptors();
    scenario.run(seed + 100 * static_cast<uint64_t>(passed + failed));
    wait_for_threads();
    int left = open_descriptors() - descriptors_before;
    if (left != 0) fail("%d descriptors were left", left);
    if (failure_count() == failures_before) {
      passed++;
    } else {
      failed++;
    }
  }
  printf("stress: %d passed, %d failed\n", passed, failed);
  return failed > 0;
}
