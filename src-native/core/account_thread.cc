#include "account_thread.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "locked.h"
#include "thread.h"

namespace jobslot {

namespace {

// To the nanosecond where the system can: a whole millisecond more would double the tick.
int poll_until_ns(pollfd* fds, nfds_t count, int64_t deadline_ns) {
#ifdef __linux__
  if (deadline_ns == kNever) return poll(fds, count, -1);
  int64_t left = deadline_ns - now_ns();
  if (left < 0) left = 0;
  timespec timeout = {static_cast<time_t>(left / 1000000000), static_cast<long>(left % 1000000000)};
  return ppoll(fds, count, &timeout, nullptr);
#else
  return poll(fds, count, poll_timeout_ms(deadline_ns));
#endif
}

}  // namespace

AccountThread::~AccountThread() {
  while (Account* account = accounts_) {
    accounts_ = account->next;
    delete account;
  }
  if (inotify_ >= 0) ::close(inotify_);
}

Account* AccountThread::find(int account) {
  Account* found = accounts_;
  while (found && found->id != account) found = found->next;
  return found;
}

Place* AccountThread::find(int account, int index) {
  Account* found = find(account);
  return found ? found->place(index) : nullptr;
}

int AccountThread::open(int ledger, int places) {
  Account* account = new Account();
  int failed = account->open(ledger, places);
  if (failed) {
    delete account;
    return failed;
  }
  Locked locked(&mutex_);
  account->id = ++last_id_;
  account->next = accounts_;
  accounts_ = account;
  return account->id;
}

int AccountThread::close(int account) {
  Locked locked(&mutex_);
  for (Account** at = &accounts_; *at; at = &(*at)->next) {
    if ((*at)->id != account) continue;
    Account* closed = *at;
    for (int i = 0; i < closed->places(); i++) disarm(closed->at(i));
    *at = closed->next;
    delete closed;
    changed_ = true;
    nudge();
    return 0;
  }
  return -EBADF;
}

int AccountThread::add(int account, int index, int fd) {
  Locked locked(&mutex_);
  Account* found = find(account);
  return found ? found->add(index, fd) : -EBADF;
}

int AccountThread::grant(int account, int index, int tokens) {
  Locked locked(&mutex_);
  Place* place = find(account, index);
  if (!place) return -EINVAL;
  before_own(place);
  int done = place->account->grant(place, tokens);
  after_own(place, done);
  return done;
}

int AccountThread::take(int account, int index, int tokens) {
  Locked locked(&mutex_);
  Place* place = find(account, index);
  if (!place) return -EINVAL;
  before_own(place);
  int done = place->account->take(place, tokens);
  after_own(place, done);
  return done;
}

int AccountThread::take_surplus(int account, int index) {
  Locked locked(&mutex_);
  Place* place = find(account, index);
  if (!place) return -EINVAL;
  before_own(place);
  int done = place->account->take_surplus(place);
  after_own(place, done);
  return done;
}

int AccountThread::owe(int account, int index, int tokens) {
  Locked locked(&mutex_);
  Place* place = find(account, index);
  if (!place || tokens < 0) return -EINVAL;
  bool owed = place->debt > 0;
  place->debt = tokens;
  before_own(place);
  int paid = place->account->collect(place);
  after_own(place, paid);
  if (paid > 0) tell(place);
  int failed = place->debt > 0 ? ensure_running() : 0;
  if (owed != (place->debt > 0)) changed_ = true;
  nudge();
  return -failed;
}

int AccountThread::watch(int account, int index, int want) {
  Locked locked(&mutex_);
  Place* place = find(account, index);
  if (!place || want < 0 || want > 2) return -EINVAL;
  if (place->want == 0) place->stirred = place->moved = false;
  place->want = want;
  // A watch that is set may stay: its event is the last.
  if (want == 0) return 0;
  int failed = ensure_running();
  if (failed) return -failed;
  // Where one is set its event is on the way, and where one is due so is the look: to look now would tell whoever asks
  // for each change again and again of a client that never rests.
  if (place->watch < 0 && place->due_ns == kNever) {
    arm(place);
    look(place, false);
  }
  nudge();
  return 0;
}

int AccountThread::read(int account, int index, Purse* into) {
  Locked locked(&mutex_);
  Place* place = find(account, index);
  if (!place) return -EINVAL;
  *into = purse(place->account, index);
  return 0;
}

int AccountThread::read_all(int account, bool changed, Purse* into, int room) {
  Locked locked(&mutex_);
  Account* found = find(account);
  if (!found) return -EBADF;
  int count = 0;
  for (int i = 0; i < found->places(); i++) {
    Place* place = found->place(i);
    if (!place || (changed && !place->changed)) continue;
    if (count < room) into[count] = purse(found, i);
    if (changed) place->stirred = place->moved = false;
    count++;
  }
  if (count <= room) found->told = false;
  return count;
}

int AccountThread::remove(int account, int index, int* drained, int* held) {
  Locked locked(&mutex_);
  Place* place = find(account, index);
  if (!place) return -EINVAL;
  if (place->debt > 0) changed_ = true;
  place->debt = place->want = 0;
  place->changed = false;
  disarm(place);
  int granted = place->account->granted(place);
  *drained = place->account->drain(place);
  *held = granted - *drained;
  return 0;
}

int AccountThread::forget(int account, int index) {
  Locked locked(&mutex_);
  Place* place = find(account, index);
  if (!place) return -EINVAL;
  disarm(place);
  place->account->forget(place);
  changed_ = true;
  nudge();
  return 0;
}

void AccountThread::delivered(int account) {
  Locked locked(&mutex_);
  if (Account* found = find(account)) found->told = false;
}

Purse AccountThread::purse(Account* account, int index) {
  Place* place = account->place(index);
  observe(place, false);
  place->changed = false;
  return {index, account->granted(place), place->known, place->debt, static_cast<int>(place->stirs & 0x7fffffff)};
}

// Whoever is told, when it is told, does not matter to the thread that sleeps: only what it waits for does.
void AccountThread::nudge() {
  if (asleep_until_ != INT64_MIN && (changed_ || tick_ns_ < asleep_until_)) wake_up();
}

void AccountThread::tell(Place* place) {
  place->changed = true;
  if (place->account->told) return;
  place->account->told = true;
  notify_(context_, place->account->id);
}

void AccountThread::loop() {
  // A make takes a token that it gave back again within microseconds.
  wake_at_once();
  pollfd* fds = nullptr;
  Place** debtors = nullptr;
  size_t room = 0;
  size_t count = 0;
  while (!stopping_) {
    if (changed_) {
      size_t wanted = 2;
      for (Account* account = accounts_; account; account = account->next) wanted += static_cast<size_t>(account->places());
      if (wanted > room) {
        free(fds);
        free(debtors);
        fds = static_cast<pollfd*>(malloc(wanted * sizeof(pollfd)));
        debtors = static_cast<Place**>(malloc(wanted * sizeof(Place*)));
        if (!fds || !debtors) abort();
        room = wanted;
      }
      fds[0] = {wake_[0], POLLIN, 0};
      fds[1] = {inotify_, POLLIN, 0};
      count = 2;
      for (Account* account = accounts_; account; account = account->next) {
        for (int i = 0; i < account->places(); i++) {
          Place* place = account->place(i);
          if (!place || place->debt == 0) continue;
          fds[count] = {place->fd, POLLIN, 0};
          debtors[count++] = place;
        }
      }
      changed_ = false;
    }
    asleep_until_ = tick_ns_;
    pthread_mutex_unlock(&mutex_);
    int ready = poll_until_ns(fds, static_cast<nfds_t>(count), asleep_until_);
    pthread_mutex_lock(&mutex_);
    asleep_until_ = INT64_MIN;
    slept(ready > 0 && fds[0].revents);
    // What was polled may be gone by now, or owe nothing: then the next round looks again.
    for (size_t i = 2; ready > 0 && !changed_ && i < count; i++) {
      if (fds[i].revents == 0) continue;
      Place* place = debtors[i];
      int paid = place->account->collect(place);
      after_own(place, paid);
      if (paid > 0) tell(place);
      if (place->debt == 0) changed_ = true;
    }
    if (ready > 0 && fds[1].revents) read_events();
    if (now_ns() >= tick_ns_) look_at_due();
  }
  free(fds);
  free(debtors);
}

}  // namespace jobslot
