#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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
#include "medium.h"

using jobslot::AccountThread;
using jobslot::kLedgerRecord;
using jobslot::Purse;

namespace {

constexpr int kPlaces = 8;

struct Counts {
  std::atomic<long> granted{0};
  std::atomic<long> withdrawn{0};
  std::atomic<long> drawn{0};
};

// What one environment does with its account of eight FIFOs, of which the first stay to the end.
class Owner {
 public:
  Owner(AccountThread* accounts, int ledger, uint64_t seed, Counts* counts)
      : accounts_(accounts), random_(seed), counts_(counts), account_(accounts->open(ledger, kPlaces)) {
    if (account_ < 0) fail("open: %d", account_);
    for (int i = 0; i < kPlaces; i++) add(i);
  }

  void step() {
    int index = static_cast<int>(random_.below(kPlaces));
    int tokens = 1 + static_cast<int>(random_.below(4));
    int done = 0;
    Purse purse;
    switch (random_.below(9)) {
      case 0:
      case 1:
        done = accounts_->grant(account_, index, tokens);
        if (done > 0) counts_->granted += done;
        break;
      case 2:
        done = accounts_->take(account_, index, tokens);
        if (done > 0) counts_->withdrawn += done;
        break;
      case 3:
        done = accounts_->owe(account_, index, random_.percent(70) ? tokens : 0);
        break;
      case 4:
        done = accounts_->watch(account_, index, static_cast<int>(random_.below(3)));
        break;
      case 5:
        done = accounts_->read(account_, index, &purse);
        if (done == 0) check(purse);
        break;
      case 6: {
        Purse all[kPlaces];
        done = accounts_->read_all(account_, random_.percent(50), all, kPlaces);
        for (int i = 0; i < done; i++) check(all[i]);
        break;
      }
      case 7:
        // Clients never return more than they took.
        done = accounts_->take_surplus(account_, index);
        if (done > 0) fail("%d tokens too many", done);
        break;
      default:
        if (index >= 2 && random_.percent(10)) replace(index);
    }
    if (done < 0) fail("it answered %d", done);
  }

  // After all clients have given back: what was granted is there.
  void check_all(int ledger) {
    for (int i = 0; i < kPlaces; i++) {
      accounts_->owe(account_, i, 0);
      Purse purse;
      if (accounts_->read(account_, i, &purse) != 0) return fail("read");
      if (purse.granted != purse.visible) fail("of %d granted tokens %d are there", purse.granted, purse.visible);
      if (purse.visible != fifos_[i]->visible()) fail("it says %d, and there are %d", purse.visible, fifos_[i]->visible());
      int32_t written = -1;
      if (ledger < 0) continue;
      if (pread(ledger, &written, sizeof written, (i + 1) * static_cast<off_t>(kLedgerRecord)) != sizeof written ||
          written != purse.granted) {
        fail("the ledger says %d, and %d were granted", written, purse.granted);
      }
    }
    if (accounts_->close(account_) != 0 || accounts_->grant(account_, 0, 1) >= 0) fail("it was not closed");
  }

  void end_clients() {
    for (int i = 0; i < kPlaces; i++) end_client(i);
  }

 private:
  void add(int index) {
    fifos_[index] = std::make_unique<Fifo>();
    goes_on_[index] = true;
    int added = fifos_[index]->add_to(accounts_, account_, index);
    if (added != 0) fail("add: %d", added);
    stirs_[index] = 0;
    clients_[index] = std::thread(
        [this, index, seed = random_.below(1000000)] { draw(*fifos_[index], seed, goes_on_[index], &counts_->drawn); });
  }

  void end_client(int index) {
    if (!clients_[index].joinable()) return;
    goes_on_[index] = false;
    clients_[index].join();
  }

  // Its member ends, and what survives it gives back later.
  void replace(int index) {
    int drained;
    int held;
    if (accounts_->remove(account_, index, &drained, &held) != 0 || held < 0) fail("%d are held", held);
    end_client(index);
    int back = fifos_[index]->visible();
    if (back != held) fail("%d were held, and %d came back", held, back);
    int still;
    if (accounts_->remove(account_, index, &drained, &still) != 0 || drained != held || still != 0) fail("still %d", still);
    if (accounts_->forget(account_, index) != 0) fail("forget");
    if (accounts_->grant(account_, index, 1) >= 0) fail("it was forgotten");
    add(index);
  }

  void check(const Purse& purse) {
    if (purse.granted < 0 || purse.visible > purse.granted) fail("%d of %d are there", purse.visible, purse.granted);
    if (purse.debt < 0) fail("it owes %d", purse.debt);
    if (purse.stirs < stirs_[purse.index]) fail("stirs went from %d to %d", stirs_[purse.index], purse.stirs);
    stirs_[purse.index] = purse.stirs;
  }

  AccountThread* accounts_;
  Random random_;
  Counts* counts_;
  int account_;
  std::unique_ptr<Fifo> fifos_[kPlaces];
  std::atomic<bool> goes_on_[kPlaces];
  std::thread clients_[kPlaces];
  int stirs_[kPlaces];
};

int make_ledger() {
  char path[] = "/tmp/jobslot-stress-ledger-XXXXXX";
  int fd = mkostemp(path, O_CLOEXEC);
  must(fd >= 0 && ftruncate(fd, (kPlaces + 1) * static_cast<off_t>(kLedgerRecord)) == 0, "ledger");
  unlink(path);
  return fd;
}

void must_be(int result, int expected, const char* what) {
  if (result != expected) fail("%s: %d, not %d", what, result, expected);
}

void refuse_what_is_wrong() {
  std::atomic<int> told{0};
  AccountThread accounts(count_event, &told);
  int ledger = make_ledger();
  must_be(accounts.open(ledger, kPlaces + 1), -EINVAL, "a ledger that is too short");
  close(ledger);
  int account = accounts.open(-1, 2);
  Fifo fifo;
  must_be(accounts.add(account, 2, fifo.ends[0]), -EINVAL, "no such place");
  must_be(accounts.add(account + 1, 0, fifo.ends[0]), -EBADF, "no such account");
  must_be(accounts.add(account, 0, fifo.ends[1]), -EINVAL, "a descriptor that blocks");
  must_be(accounts.owe(account, 0, 1), -EINVAL, "a free place");
  accounts.stop();
}

}  // namespace

void storm_accounts(uint64_t seed) {
  refuse_what_is_wrong();
  std::atomic<int> told{0};
  Counts counts;
  AccountThread accounts(count_event, &told);
  int ledger = make_ledger();
  std::vector<std::thread> environments;
  for (uint64_t i = 0; i < 2; i++) {
    environments.emplace_back([&, i] {
      Owner owner(&accounts, i == 0 ? ledger : -1, seed + i, &counts);
      int64_t until = jobslot::deadline_after_ms(1200);
      Random random(seed + 10 + i);
      while (jobslot::now_ns() < until) {
        owner.step();
        if (random.percent(10)) usleep(random.below(400));
      }
      owner.end_clients();
      owner.check_all(i == 0 ? ledger : -1);
    });
  }
  for (std::thread& environment : environments) environment.join();
  accounts.stop();
  close(ledger);
  if (!told || !counts.granted || !counts.withdrawn || !counts.drawn) fail("it has tested too little");
  printf("  %ld granted, %ld withdrawn, %ld drawn\n", counts.granted.load(), counts.withdrawn.load(), counts.drawn.load());
}
