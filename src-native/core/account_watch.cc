// Who stirs: see account_thread.h.
#include <stdio.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#endif

#include "account_thread.h"
#include "clock.h"

namespace jobslot {

namespace {

constexpr int64_t kTick = 1000000;
constexpr int64_t kSample = 10000000;
// A client that does nothing but take and give back would stir JavaScript, and its plan, each millisecond. So each FIFO
// has a budget: one event in so long, and as many as that makes in a quarter of a second at once.
constexpr int64_t kPace = 8000000;
constexpr int64_t kBurst = 250000000;

}  // namespace

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

}  // namespace jobslot
