#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "account_fifo.h"
#include "accounts.h"
#include "check.h"
#include "core/account_thread.h"
#include "core/clock.h"

using jobslot::AccountThread;
using jobslot::Purse;

namespace {

// As where a user has used up all that he may have.
struct Hog {
  rlimit before;
  std::vector<int> all;

  Hog() {
    getrlimit(RLIMIT_NOFILE, &before);
    rlimit low = {256, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
    for (int fd; (fd = inotify_init1(IN_CLOEXEC)) >= 0;) all.push_back(fd);
  }
  ~Hog() {
    for (int fd : all) close(fd);
    setrlimit(RLIMIT_NOFILE, &before);
  }
};

void tell(uint64_t seed, bool inotify, bool alone) {
  Random random(seed);
  std::atomic<int> told{0};
  AccountThread thread(count_event, &told);
  AccountThread* accounts = &thread;
  int account = accounts->open(-1, 2);
  Fifo fifo;
  Fifo other;
  fifo.add_to(accounts, account, 0);
  other.add_to(accounts, account, 1);
  // So that the thread has its descriptors.
  accounts->grant(account, 1, 1);
  other.take();
  accounts->owe(account, 1, 1);
  accounts->owe(account, 1, 0);
  other.give();
  accounts->grant(account, 1, 99);
  std::unique_ptr<Hog> hog = inotify ? nullptr : std::make_unique<Hog>();
  if (accounts->watch(account, 1, 1) != 0) fail("watch");
  std::atomic<bool> goes_on{true};
  std::atomic<long> taken{0};
  // One that stirs all the time and is never empty: it hides that the thread was not woken for another.
  std::thread busy([&] {
    if (!alone) draw(other, seed, goes_on, &taken);
  });
  for (int i = 0; i < 150; i++) {
    int tokens = 1 + static_cast<int>(random.below(3));
    accounts->grant(account, 0, tokens);
    accounts->watch(account, 0, 1);
    if (random.percent(50)) usleep(random.below(2500));
    std::thread client([&, pace = Random(random.below(1000000))]() mutable {
      for (int done = 0; done < tokens; done++) {
        if (pace.percent(30)) usleep(pace.below(1500));
        if (!fifo.take()) fail("there is no token");
      }
    });
    Purse purse[2];
    bool races = random.percent(30);
    int64_t too_late = jobslot::now_ns() + 3000000000;
    for (bool empty = false; !empty;) {
      if (jobslot::now_ns() > too_late) {
        fail("nobody was told");
        i = 1000;
        break;
      }
      if (told == 0) {
        // Which reads everybody's events, before the thread comes to it.
        if (races) accounts->take_surplus(account, static_cast<int>(random.below(2)));
        if (!races) usleep(50);
        continue;
      }
      told = 0;
      accounts->delivered(account);
      int changed = accounts->read_all(account, true, purse, 2);
      for (int j = 0; j < changed; j++) {
        if (purse[j].index == 1) fail("the other has %d", purse[j].visible);
        if (purse[j].index == 0) empty = purse[j].visible == 0;
      }
    }
    client.join();
    for (int j = 0; j < tokens; j++) fifo.give();
    if (accounts->take(account, 0, 10) != tokens) fail("they are not back");
  }
  goes_on = false;
  busy.join();
  if (!alone && taken == 0) fail("it has tested too little");
  accounts->stop();
}

}  // namespace

void collect_debts(uint64_t) {
  std::atomic<int> told{0};
  AccountThread accounts(count_event, &told);
  int account = accounts.open(-1, 1);
  Fifo fifo;
  fifo.add_to(&accounts, account, 0);
  accounts.grant(account, 0, 4);
  std::atomic<bool> goes_on{true};
  // It gives back and takes in one breath, as a make does at the end of a job.
  std::thread client([&] {
    int held = 0;
    while (goes_on) {
      while (fifo.take()) held++;
      usleep(200);
      if (held == 0) continue;
      fifo.give();
      if (!fifo.take()) held--;
    }
    while (held-- > 0) fifo.give();
  });
  usleep(5000);
  accounts.owe(account, 0, 3);
  Purse purse{};
  int64_t too_late = jobslot::now_ns() + 10000000000;
  do {
    usleep(500);
    accounts.read(account, 0, &purse);
  } while (purse.debt > 0 && jobslot::now_ns() < too_late);
  if (purse.debt != 0 || purse.granted != 1) fail("%d are owed, %d granted", purse.debt, purse.granted);
  if (!told) fail("nobody was told");
  goes_on = false;
  client.join();
  accounts.read(account, 0, &purse);
  if (purse.visible != 1) fail("%d came back", purse.visible);
  accounts.stop();
}

void tell_empty(uint64_t seed) {
  tell(seed, true, false);
  tell(seed + 1, true, true);
}

void tell_empty_without_inotify(uint64_t seed) { tell(seed, false, false); }
