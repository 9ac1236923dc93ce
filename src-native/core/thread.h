#pragma once

#include <pthread.h>
#include <stdint.h>

namespace jobslot {

// Starts a thread with every signal blocked, so that the program's signals go where they would go without it. Detached
// where `thread` is null. 0 or an errno value.
int start_thread(pthread_t* thread, void* (*run)(void*), void* argument);

// For the thread that calls it, and that runs for some microseconds each time it is woken: the scheduler lets it have the
// CPU of whoever runs at that moment, where it would wait for milliseconds on a busy machine. Linux 6.12; else nothing.
void wake_at_once();

// Keeps this library in memory to the process's end: for threads that nothing can wake, and so nobody joins.
void pin_library();

// A pipe of our own, close-on-exec and non-blocking, with which one thread wakes another out of poll(2).
bool make_wake_pipe(int ends[2]);
void wake(const int ends[2]);

}  // namespace jobslot
