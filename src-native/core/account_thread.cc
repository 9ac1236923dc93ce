#include "account_thread.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#endif

#include "clock.h"
#include "locked.h"
#include "thread.h"

namespace jobslot {

namespace {

constexpr int64_t kTick = 1000000;
constexpr int64_t kSample = 10000000;
// A client that does nothing but take and give back would stir JavaScript, and its plan, each millisecond. So each FIFO
// has a budget: one event in so long, and as many as that makes in a quarter of a second at once.
constexpr int64_t kPace = 8000000;
constexpr int64_t kBurst = 250000000;

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

// What its clients did since the last time.
void AccountThread::observe(Place* place, bool stirred) {
  int visible = Account::visible(place);
  bool moved = visible != place->known;
  if (!moved && !stirred) return;
  place->known = visible;
  place->stirs++;
  place->stirred = true;
  place->moved |= moved;
}

// At an event, or when it is due: tells of what was found out by then, on whatever occasion.
void AccountThread::look(Place* place, bool stirred) {
  observe(place, stirred);
  bool news = place->want == 2 ? place->moved : place->want == 1 && place->stirred && place->known == 0;
  place->stirred = place->moved = false;
  if (news) tell(place);
}

// What has been reported by now is clients' doing.
void AccountThread::before_own(const Place* place) {
  if (place->watch >= 0) read_events();
}

// And what this did has used the watch up.
void AccountThread::after_own(Place* place, int done) {
  if (done > 0 && place->watch >= 0) {
    arm(place);
    look(place, false);
  } else if (done > 0) {
    // Else a client's doing and the next of this account's could cancel each other out.
    observe(place, false);
  }
  // The thread may not have seen the events that were read on its behalf.
  nudge();
}

// For what comes from now on. Where no watch is to be had, a look every now and then.
void AccountThread::arm(Place* place) {
#ifdef __linux__
  disarm(place);
  if (inotify_ < 0 && (inotify_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) >= 0) changed_ = true;
  if (inotify_ >= 0) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", place->fd);
    place->watch = inotify_add_watch(inotify_, path, IN_ACCESS | IN_MODIFY | IN_ONESHOT);
    if (place->watch >= 0) {
      Place** bucket = &buckets_[place->watch % kBuckets];
      place->next_watched = *bucket;
      *bucket = place;
      return;
    }
  }
#endif
  set_due(place, now_ns(), kSample);
}

// After so long, or up to half of it sooner, where the thread is to be awake anyway.
void AccountThread::set_due(Place* place, int64_t now, int64_t after) {
  place->due_ns = tick_ns_ > now + after / 2 && tick_ns_ < now + after ? tick_ns_ : now + after;
  if (place->due_ns < tick_ns_) tick_ns_ = place->due_ns;
}

void AccountThread::disarm(Place* place) {
#ifdef __linux__
  if (place->watch < 0) return;
  inotify_rm_watch(inotify_, place->watch);
  Place** at = &buckets_[place->watch % kBuckets];
  while (*at != place) at = &(*at)->next_watched;
  *at = place->next_watched;
  place->watch = -1;
#else
  static_cast<void>(place);
#endif
}

// Its watch is over, by an event of its own or because the kernel ended it. An event that came too late finds nobody.
void AccountThread::disarmed(int watch, bool stirred) {
  for (Place** at = &buckets_[watch % kBuckets]; *at;) {
    Place* place = *at;
    if (place->watch != watch) {
      at = &place->next_watched;
      continue;
    }
    *at = place->next_watched;
    place->watch = -1;
    look(place, stirred);
    if (place->want == 0) continue;
    int64_t now = now_ns();
    place->spent_ns = (place->spent_ns > now ? place->spent_ns : now) + kPace;
    int64_t wait = place->spent_ns - now - kBurst;
    set_due(place, now, wait > kTick ? wait : kTick);
  }
}

void AccountThread::read_events() {
#ifdef __linux__
  alignas(inotify_event) char buffer[4096];
  ssize_t n;
  while ((n = ::read(inotify_, buffer, sizeof buffer)) > 0) {
    for (char* at = buffer; at < buffer + n;) {
      const inotify_event* event = reinterpret_cast<inotify_event*>(at);
      at += sizeof(inotify_event) + event->len;
      if (event->mask & IN_Q_OVERFLOW) look_at_all();
      if (event->wd >= 0) disarmed(event->wd, !(event->mask & IN_IGNORED));
    }
  }
#endif
}

void AccountThread::look_at_due() {
  int64_t now = now_ns();
  tick_ns_ = kNever;
  for (Account* account = accounts_; account; account = account->next) {
    for (int i = 0; i < account->places(); i++) {
      Place* place = account->at(i);
      if (place->due_ns > now) {
        if (place->due_ns < tick_ns_) tick_ns_ = place->due_ns;
        continue;
      }
      place->due_ns = kNever;
      if (place->want == 0) continue;
      arm(place);
      look(place, false);
    }
  }
}

// Events were lost: nobody knows whose.
void AccountThread::look_at_all() {
  for (Account* account = accounts_; account; account = account->next) {
    for (int i = 0; i < account->places(); i++) {
      Place* place = account->place(i);
      if (!place || place->want == 0) continue;
      arm(place);
      look(place, false);
    }
  }
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
