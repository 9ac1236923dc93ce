#include "waiter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "locked.h"
#include "poll_list.h"

namespace jobslot {

Wait::~Wait() {
  if (fd >= 0) close(fd);
  if (give_fd >= 0) close(give_fd);
  free(data);
}

// Runs on the parked thread, which holds the registry's lock; a wait takes the registry's lock first, then its own.
bool offer_to_wait(ParkedWant* want, int byte) {
  Wait* wait = reinterpret_cast<Wait*>(want);
  Waiter* waiter = wait->waiter;
  Locked locked(&waiter->mutex_);
  if (wait->status != Wait::kWaiting) return false;
  if (byte >= 0) {
    wait->data[0] = static_cast<uint8_t>(byte);
    wait->got = 1;
    waiter->finish(wait, Wait::kReady);
  } else if (byte == kParkedEof) {
    waiter->finish(wait, Wait::kReady);
  } else {
    wait->error = kParkedError - byte;
    waiter->finish(wait, Wait::kFailed);
  }
  return true;
}

int Waiter::start(Wait* wait) {
  wait->waiter = this;
  if (wait->reads && !(wait->data = static_cast<uint8_t*>(malloc(wait->length ? wait->length : 1)))) {
    wait->fd = wait->give_fd = -1;  // the caller's still
    return ENOMEM;
  }
  int own = fcntl(wait->fd, F_DUPFD_CLOEXEC, 3);
  int own_give = -1;
  if (own < 0 || (wait->give_fd >= 0 && (own_give = fcntl(wait->give_fd, F_DUPFD_CLOEXEC, 3)) < 0)) {
    int error = errno;
    if (own >= 0) close(own);
    wait->fd = wait->give_fd = -1;
    return error;
  }
  wait->fd = own;
  wait->give_fd = own_give;
  bool parked = wait->reads && wait->way == Way::kParked;
  if (parked) wait->deadline_ns = parked_deadline(wait->fd, wait->deadline_ns);
  wait->untried = wait->reads && !parked;
  {
    Locked locked(&mutex_);
    int failed = ensure_running();
    if (failed) return failed;
    wait->next = waiting_;
    waiting_ = wait;
    changed_ = true;
    if (!(parked && wait->deadline_ns == kNever)) wake_up();
  }
  if (parked) {
    wait->parked.offer = offer_to_wait;
    int failed = parked_want(&wait->parked, wait->fd, wait->give_fd);
    if (failed) {
      Locked locked(&mutex_);
      wait->error = -failed;
      if (wait->status == Wait::kWaiting) finish(wait, Wait::kFailed);
    }
  }
  return 0;
}

bool Waiter::cancel(uint32_t id, bool* quiet) {
  Wait* found = nullptr;
  {
    Locked locked(&mutex_);
    for (Wait** at = &waiting_; *at; at = &(*at)->next) {
      if ((*at)->id == id) {
        found = *at;
        *at = found->next;
        found->status = Wait::kTimeout;  // from here on no offer is taken
        break;
      }
    }
    if (found) {
      changed_ = removed_ = true;
      wake_up();
    }
  }
  if (!found) return false;
  if (quiet) *quiet = found->quiet;
  parked_forget(&found->parked);
  delete found;
  return true;
}

Wait* Waiter::take_finished() {
  Wait* wait;
  {
    Locked locked(&mutex_);
    wait = finished_;
    if (!wait) return nullptr;
    finished_ = wait->next;
    if (!finished_) finished_end_ = &finished_;
    wait->next = nullptr;
  }
  parked_forget(&wait->parked);
  return wait;
}

void Waiter::stop() {
  if (!end()) return;
  for (;;) {
    Wait* wait;
    {
      Locked locked(&mutex_);
      wait = waiting_;
      if (!wait) break;
      waiting_ = wait->next;
      wait->status = Wait::kTimeout;
    }
    parked_forget(&wait->parked);
    delete wait;
  }
  while (Wait* wait = take_finished()) {
    if (wait->give_fd >= 0) {
      for (size_t i = 0; i < wait->got; i++) give_byte(wait->give_fd, wait->give_own, wait->data[i]);
    }
    delete wait;
  }
}

// With the lock held. Off the waiting list and behind the finished ones.
void Waiter::finish(Wait* wait, Wait::Status status) {
  for (Wait** at = &waiting_; *at; at = &(*at)->next) {
    if (*at == wait) {
      *at = wait->next;
      break;
    }
  }
  wait->status = status;
  wait->next = nullptr;
  bool first = !finished_;
  *finished_end_ = wait;
  finished_end_ = &wait->next;
  changed_ = removed_ = true;
  // Whoever is told takes all that lies ready.
  if (first) notify_(context_);
}

// With the lock held: what the events mean for a wait. The read happens here and at once; it never blocks.
void Waiter::check(Wait* wait, int revents) {
  if (!wait->reads) {
    wait->revents = revents;
    finish(wait, Wait::kReady);
    return;
  }
  if (revents & POLLNVAL) {
    wait->error = EBADF;
    finish(wait, Wait::kFailed);
    return;
  }
  ssize_t n = read_now(wait->fd, wait->way, wait->data, wait->length);
  if (n >= 0) {
    wait->got = static_cast<size_t>(n);
    finish(wait, Wait::kReady);
  } else if (n != -EAGAIN) {
    wait->error = static_cast<int>(-n);
    finish(wait, Wait::kFailed);
  }
}

void Waiter::loop() {
  PollList<Wait*> polled;
  size_t count = 0;
  bool untried = false;
  int64_t nearest_ns = kNever;
  while (!stopping_) {
    if (changed_) {
      size_t wanted = 1;
      for (Wait* wait = waiting_; wait; wait = wait->next) wanted++;
      polled.make_room(wanted);
      count = 1;
      nearest_ns = kNever;
      polled.fds[0] = {wake_[0], POLLIN, 0};
      for (Wait* wait = waiting_; wait && count < polled.room; wait = wait->next) {
        if (wait->deadline_ns < nearest_ns) nearest_ns = wait->deadline_ns;
        // A parked read has a thread that looks at the descriptor; here only its deadline counts.
        bool parked = wait->reads && wait->way == Way::kParked;
        polled.fds[count] = {parked ? -1 : wait->fd, wait->events, 0};
        polled.who[count++] = wait;
        untried |= wait->untried;
      }
      changed_ = removed_ = false;
    }
    pthread_mutex_unlock(&mutex_);
    int ready = poll(polled.fds, static_cast<nfds_t>(count), untried ? 0 : poll_timeout_ms(nearest_ns));
    pthread_mutex_lock(&mutex_);
    slept(ready > 0 && polled.fds[0].revents);
    if (stopping_) break;
    // What was polled may be deleted by now: then the events are of no use, and the next round looks again.
    if (removed_) continue;
    for (size_t i = count; (ready > 0 || untried) && i-- > 1;) {
      // The list is newest first, so that who has waited longest is served first.
      Wait* wait = polled.who[i];
      int revents = ready > 0 ? polled.fds[i].revents : 0;
      bool tries = wait->untried;
      wait->untried = false;
      if (revents || tries) check(wait, revents);
    }
    untried = false;
    if (nearest_ns != kNever && now_ns() >= nearest_ns) {
      int64_t now = now_ns();
      for (Wait* wait = waiting_; wait;) {
        Wait* next = wait->next;
        if (wait->deadline_ns <= now) finish(wait, Wait::kTimeout);
        wait = next;
      }
    }
  }
}

}  // namespace jobslot
