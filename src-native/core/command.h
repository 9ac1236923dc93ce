#pragma once

namespace jobslot {

// Starts `program`, looked for in PATH where it is no path, with all signals as they are by default. Descriptor i of it
// is fds[i] of this process, or closed where that is negative; the first three are given. The number of the process, or
// -errno: then nothing was started. Only where its end can be waited for (pidfd): -ENOSYS elsewhere.
int start_command(const char* program, char* const* words, char* const* environment, const int* fds, int count);

// How a child has ended: its status, or 256 + the number of the signal. -EAGAIN: it runs; -ECHILD: it is none.
int command_status(int pid);

}  // namespace jobslot
