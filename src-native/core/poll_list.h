#pragma once

#include <poll.h>
#include <stddef.h>
#include <stdlib.h>

namespace jobslot {

// What poll(2) is given, and whom each entry stands for. Its memory grows and is kept.
template <typename Who>
struct PollList {
  pollfd* fds = nullptr;
  Who* who = nullptr;
  size_t room = 0;

  PollList() = default;
  PollList(const PollList&) = delete;
  ~PollList() {
    free(fds);
    free(who);
  }

  // Room for so many. Without memory for more there is less: the newest are looked at when others have ended.
  void make_room(size_t wanted) {
    if (wanted <= room) return;
    void* more_fds = realloc(fds, wanted * 2 * sizeof(pollfd));
    if (more_fds) fds = static_cast<pollfd*>(more_fds);
    void* more_who = more_fds ? realloc(who, wanted * 2 * sizeof(Who)) : nullptr;
    if (more_who) {
      who = static_cast<Who*>(more_who);
      room = wanted * 2;
    }
    if (room == 0) abort();
  }
};

}  // namespace jobslot
