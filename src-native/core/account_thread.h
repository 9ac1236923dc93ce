#pragma once

#include <stdint.h>

#include "account.h"
#include "loop.h"

namespace jobslot {

// What is told of a place.
struct Purse {
  int index;
  int granted;
  int visible;
  int debt;
  int stirs;
};

// The accounts of one environment, and the thread that collects their debts: a busy make takes back a token that it
// returned within microseconds, and whoever hears of it first and reads then finds nothing. The thread also looks who
// stirs, by inotify: a watch for one event, set again a millisecond after it came, since an event for each read of a
// busy client costs a third of a core; eight milliseconds for a client that takes and gives back without end, of
// which JavaScript would hear a thousand times a second. Where there is no inotify it looks each 10 ms. While nothing is owed and
// nobody stirs it sleeps. Free of Node-API, so that it can be tested alone.
class AccountThread : Loop {
 public:
  // `notify` runs on the thread, or within a call, when an account has something new to tell; not again before
  // delivered() or changed().
  AccountThread(void (*notify)(void* context, int account), void* context) : notify_(notify), context_(context) {}
  // stop() comes first.
  ~AccountThread() override;

  // All answer -errno where they fail; -EBADF for an account, -EINVAL for a place that is not there.
  int open(int ledger, int places);
  int close(int account);
  int add(int account, int index, int fd);
  int grant(int account, int index, int tokens);
  int take(int account, int index, int tokens);
  int take_surplus(int account, int index);
  int owe(int account, int index, int tokens);
  int watch(int account, int index, int want);
  int read(int account, int index, Purse* into);
  // At most `room` of them, and how many there were: all, or those with something new, which is then told.
  int read_all(int account, bool changed, Purse* into, int room);
  // May be called again, as survivors give back.
  int remove(int account, int index, int* drained, int* held);
  int forget(int account, int index);
  // The next event is to be told again.
  void delivered(int account);

  // Ends the thread. What is asked for on the spot still works.
  void stop() { end(); }

 private:
  static constexpr int kBuckets = 256;

  void loop() override;
  Account* find(int account);
  Place* find(int account, int index);
  Purse purse(Account* account, int index);
  // All with the lock held.
  void arm(Place* place);
  void disarm(Place* place);
  void disarmed(int watch, bool stirred);
  void observe(Place* place, bool stirred);
  void before_own(const Place* place);
  void after_own(Place* place, int done);
  void look(Place* place, bool stirred);
  void tell(Place* place);
  void read_events();
  void look_at_due();
  void look_at_all();
  void set_due(Place* place, int64_t now, int64_t after);
  void nudge();

  void (*notify_)(void*, int);
  void* context_;
  Account* accounts_ = nullptr;
  int last_id_ = 0;
  int inotify_ = -1;
  bool changed_ = true;  // what the thread polls differs from what it should
  int64_t tick_ns_ = INT64_MAX;  // when the first is due
  int64_t asleep_until_ = INT64_MIN;  // the thread; INT64_MIN: it is awake
  Place* buckets_[kBuckets] = {};
};

}  // namespace jobslot
