#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

namespace jobslot {

// How to read from a descriptor whose description others share, without ever blocking in read(2) and without
// touching a flag of that description. The numbers are part of the face to TypeScript (src/native/binding.ts).
enum class Way : int {
  kDirect = 0,  // a non-blocking description of our own, or a regular file
  kRecv = 1,    // a socket: recv(2) can be told not to wait, call by call
  kSplice = 2,  // a pipe that cannot be opened again: splice(2) can be told so too (Linux)
  kParked = 3,  // anything else: a thread parks in a blocking read, see parked.h
};

// At most `length` bytes, at once. Returns their number, 0 at end of file, or -errno (-EAGAIN: nothing there now).
// Not for kParked.
ssize_t read_now(int fd, Way way, void* into, size_t length);

// Waits until the deadline for bytes, on the calling thread. -ETIMEDOUT when there were none. Not for kParked.
ssize_t read_until(int fd, Way way, void* into, size_t length, int64_t deadline_ns);

// Waits until the deadline for events. Returns them, 0 after the deadline, or -errno.
int poll_until(int fd, short events, int64_t deadline_ns);

// Writes at most `length` bytes, at once. `own` says that the description is our own and non-blocking. A blocking
// description that is shared is written only when poll(2) promises room. Returns the number written or -errno.
ssize_t write_now(int fd, bool own, const void* from, size_t length);

// Gives one token back. 0 or -errno.
int give_byte(int fd, bool own, uint8_t byte);

}  // namespace jobslot
