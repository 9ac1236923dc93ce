#pragma once

#include <pthread.h>

namespace jobslot {

// A thread of the addon's that sleeps in poll(2): how it starts, how it is woken and how it ends.
class Loop {
 public:
  Loop(const Loop&) = delete;

 protected:
  Loop() { pthread_mutex_init(&mutex_, nullptr); }
  // end() comes first.
  virtual ~Loop();

  // With the lock held. The thread runs from now on, if it did not before. 0 or an errno value: ECANCELED after end().
  int ensure_running();
  // Out of poll(2), where one of wake_[0] is the first that it polls.
  void wake_up();
  // On the thread, after poll(2).
  void slept(bool woken);
  // Waits for the thread's end, without the lock. Nothing starts it again. False where that was done before.
  bool end();

  // The thread. Is called, and returns, with the lock held, and returns soon after stopping_ was set.
  virtual void loop() = 0;

  pthread_mutex_t mutex_;
  bool stopping_ = false;
  int wake_[2] = {-1, -1};

 private:
  static void* run(void* self);

  pthread_t thread_;
  bool started_ = false;
};

}  // namespace jobslot
