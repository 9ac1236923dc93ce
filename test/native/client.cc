#include "client.h"

#include <errno.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/thread.h"

using jobslot::deadline_after_ms;
using jobslot::kNever;
using jobslot::now_ns;
using jobslot::Wait;
using jobslot::Way;

constexpr int64_t kSecond = 1000000000;
// Far beyond what a busy machine takes; only a wait that was forgotten comes later.
constexpr int64_t kTooLate = 5 * kSecond;

Client::Client(const Jobserver& jobserver, Way way, uint64_t seed, Tally* tally)
    : way_(way),
      read_fd_(jobserver.open_read_end(way)),
      write_fd_(jobserver.open_write_end(way)),
      random_(seed),
      tally_(tally),
      waiter_(new jobslot::Waiter(notified, this)) {
  if (!jobslot::make_wake_pipe(notify_) || !jobslot::make_wake_pipe(silent_)) fail("no pipe: errno %d", errno);
}

Client::~Client() {
  for (int fd : {read_fd_, write_fd_, notify_[0], notify_[1], silent_[0], silent_[1]}) close(fd);
}

void Client::run(int64_t deadline_ns) {
  int failures_before = failure_count();
  while (now_ns() < deadline_ns && failure_count() == failures_before) step();
  check_that_a_wait_gets_a_token();
  // The last thing that happens to this jobserver is a stop in the middle of reads.
  for (int i = 0; i < 4; i++) start(true, kNever);
  stop();
  while (!held_.empty()) give_some();
}

void Client::step() {
  uint32_t dice = random_.below(100);
  if (dice < 45) {
    start_some();
  } else if (dice < 65) {
    cancel_some();
  } else if (dice < 70) {
    take_on_this_thread();
  } else if (dice < 85) {
    give_some();
  } else if (dice < 87) {
    start_afresh();
  } else {
    sleep_until_notified(deadline_after_ms(1));
  }
  collect();
  // Whoever keeps all tokens leaves nobody anything to wait for.
  while (held_.size() > 2) give_some();
}

uint32_t Client::start(bool reads, int64_t deadline_ns) {
  Wait* wait = new Wait();
  wait->id = ++last_id_;
  wait->fd = reads || random_.percent(50) ? read_fd_ : silent_[0];
  wait->reads = reads;
  wait->way = way_;
  wait->length = 1;
  wait->deadline_ns = deadline_ns;
  if (reads) {
    wait->give_fd = write_fd_;
    wait->give_own = way_ == Way::kDirect;
  }
  int failed = waiter_->start(wait);
  if (failed) {
    fail("a wait did not start: errno %d", failed);
    delete wait;
    return 0;
  }
  tally_->started++;
  open_[last_id_] = {deadline_ns, reads};
  return last_id_;
}

void Client::start_some() {
  if (open_.size() >= 16) return;
  double timeouts_ms[] = {0, random_.below(3000) / 1000.0, random_.below(20000) / 1000.0, -1};
  start(random_.percent(85), deadline_after_ms(timeouts_ms[random_.below(4)]));
}

void Client::cancel_some() {
  // Any id: of a wait that waits, one that has its result, or one that ended long ago.
  uint32_t id = last_id_ - random_.below(20);
  bool known = open_.count(id) > 0;
  if (waiter_->cancel(id)) {
    if (!known) fail("wait %u was cancelled after its end", id);
    open_.erase(id);
    tally_->cancelled++;
  } else if (known) {
    collect();
    if (open_.count(id)) fail("wait %u can neither be cancelled nor has it a result", id);
  }
}

void Client::take_on_this_thread() {
  int64_t deadline_ns = deadline_after_ms(random_.below(1000) / 1000.0);
  uint8_t byte;
  // A reader of a mere stream can be the first on what others then read as a jobserver.
  int give_fd = random_.percent(50) ? write_fd_ : -1;
  ssize_t n = way_ == Way::kParked ? jobslot::parked_read_until(read_fd_, give_fd, &byte, deadline_ns)
                                   : jobslot::read_until(read_fd_, way_, &byte, 1, deadline_ns);
  if (n == 1) {
    held_.push_back(byte);
  } else if (n != -ETIMEDOUT) {
    fail("a read on the calling thread answered %zd", n);
  }
}

void Client::give_some() {
  if (held_.empty()) return;
  uint32_t chosen = random_.below(static_cast<uint32_t>(held_.size()));
  uint8_t byte = held_[chosen];
  held_.erase(held_.begin() + chosen);
  give(byte);
}

void Client::give(uint8_t byte) {
  int result = jobslot::give_byte(write_fd_, way_ == Way::kDirect, byte);
  if (result != 0) fail("a token could not be given back: errno %d", -result);
}

void Client::start_afresh() {
  stop();
  stopped_ = false;
  waiter_ = new jobslot::Waiter(notified, this);
}

void Client::stop() {
  for (const auto& [id, record] : open_) {
    if (record.deadline_ns != kNever && now_ns() > record.deadline_ns + kTooLate) fail("wait %u missed its deadline", id);
  }
  waiter_->stop();
  stopped_ = true;
  if (waiter_->take_finished()) fail("a wait has ended after stop()");
  Wait* late = new Wait();
  late->id = ++last_id_;
  late->fd = read_fd_;
  if (waiter_->start(late) != ECANCELED) fail("a wait started after stop()");
  delete late;
  tally_->stopped += static_cast<long>(open_.size());
  open_.clear();
  delete waiter_;
  waiter_ = nullptr;
}

void Client::collect() {
  while (Wait* wait = waiter_->take_finished()) {
    record(*wait);
    delete wait;
  }
}

void Client::record(const Wait& wait) {
  auto found = open_.find(wait.id);
  if (found == open_.end()) {
    fail("wait %u has ended twice", wait.id);
    return;
  }
  Record record = found->second;
  open_.erase(found);
  if (wait.status == Wait::kTimeout) {
    tally_->timeouts++;
    if (wait.got != 0) fail("wait %u timed out and has a byte", wait.id);
    if (record.deadline_ns == kNever || now_ns() < record.deadline_ns) fail("wait %u timed out too early", wait.id);
  } else if (wait.status != Wait::kReady) {
    fail("wait %u has status %d: errno %d", wait.id, wait.status, wait.error);
  } else if (record.reads) {
    tally_->results++;
    if (wait.got == 1) {
      held_.push_back(wait.data[0]);
    } else {
      fail("wait %u has read %zu bytes", wait.id, wait.got);
    }
  } else if (!(wait.revents & POLLIN)) {
    fail("wait %u for events has %#x", wait.id, static_cast<unsigned>(wait.revents));
  }
}

void Client::notified(void* self) {
  Client* client = static_cast<Client*>(self);
  if (client->stopped_) fail("a notification has come after stop()");
  jobslot::wake(client->notify_);
}

bool Client::sleep_until_notified(int64_t deadline_ns) {
  if (jobslot::poll_until(notify_[0], POLLIN, deadline_ns) <= 0) return false;
  char drain[64];
  while (read(notify_[0], drain, sizeof drain) > 0) {
  }
  return true;
}

// No token is out for long, so a wait without a deadline gets one, and a notification of it: else a wake-up was lost.
void Client::check_that_a_wait_gets_a_token() {
  while (!held_.empty()) give_some();
  uint32_t id = start(true, kNever);
  int64_t too_late = now_ns() + kTooLate;
  while (open_.count(id) && sleep_until_notified(too_late)) {
    collect();
    while (!held_.empty()) give_some();
  }
  if (open_.count(id)) fail("wait %u got no token in %lld s", id, static_cast<long long>(kTooLate / kSecond));
}
