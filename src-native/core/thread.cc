#include "thread.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#include <unistd.h>

namespace jobslot {

int start_thread(pthread_t* thread, void* (*run)(void*), void* argument) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  // Its stack holds a poll loop and no more.
  pthread_attr_setstacksize(&attributes, 128 * 1024);
  if (!thread) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t unused;
  int failed = pthread_create(thread ? thread : &unused, &attributes, run, argument);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return failed;
}

void wake_at_once() {
#if defined(__linux__) && defined(SYS_sched_setattr)
  // As the kernel has it; not every libc does.
  struct {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime;
    uint64_t deadline;
    uint64_t period;
  } attributes = {};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  // A slice in ns, the shortest that it takes. Who asks for a shorter one than the running thread's comes first.
  attributes.runtime = 100000;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
#endif
}

void pin_library() {
  static bool pinned = false;
  if (__atomic_exchange_n(&pinned, true, __ATOMIC_RELAXED)) return;
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&pin_library), &info) && info.dli_fname) {
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NODELETE);
  }
}

bool make_wake_pipe(int ends[2]) {
#ifdef __linux__
  return pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0;
#else
  if (pipe(ends) != 0) return false;
  for (int i = 0; i < 2; i++) {
    fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    fcntl(ends[i], F_SETFL, O_NONBLOCK);
  }
  return true;
#endif
}

void wake(const int ends[2]) {
  // A full pipe wakes just as well.
  ssize_t ignored = write(ends[1], "", 1);
  static_cast<void>(ignored);
}

}  // namespace jobslot
