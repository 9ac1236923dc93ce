#include "loop.h"

#include <errno.h>
#include <unistd.h>

#include "locked.h"
#include "thread.h"

namespace jobslot {

Loop::~Loop() {
  pthread_mutex_destroy(&mutex_);
  if (wake_[0] >= 0) {
    close(wake_[0]);
    close(wake_[1]);
  }
}

int Loop::ensure_running() {
  if (stopping_) return ECANCELED;
  if (started_) return 0;
  if (wake_[0] < 0 && !make_wake_pipe(wake_)) return errno;
  int failed = start_thread(&thread_, run, this);
  started_ = failed == 0;
  return failed;
}

void Loop::wake_up() {
  if (started_) wake(wake_);
}

void Loop::slept(bool woken) {
  char drain[64];
  while (woken && read(wake_[0], drain, sizeof drain) > 0) {
  }
}

bool Loop::end() {
  {
    Locked locked(&mutex_);
    if (stopping_) return false;
    stopping_ = true;
    wake_up();
  }
  if (started_) pthread_join(thread_, nullptr);
  return true;
}

void* Loop::run(void* self) {
  Loop* loop = static_cast<Loop*>(self);
  Locked locked(&loop->mutex_);
  loop->loop();
  return nullptr;
}

}  // namespace jobslot
