#pragma once

#include "addon.h"
#include "core/account_thread.h"
#include "core/drain.h"
#include "core/journal.h"
#include "core/lock_file.h"

namespace jobslot {

// A jobserver's two ends, and how many tokens of each value were taken from it and are still out. The account lives
// here, not in JavaScript, because the end of a worker thread runs no JavaScript.
struct Channel {
  int read_fd = -1;
  int write_fd = -1;
  bool own = false;  // both are descriptions of our own and non-blocking
  Way way = Way::kDirect;
  uint32_t held[256] = {};
  bool open = false;
  uint32_t generation = 0;  // tells the channel from the one that had its place before
};

struct State {
  napi_env env = nullptr;
  Waiter* waiter = nullptr;
  napi_threadsafe_function deliver = nullptr;
  napi_ref callback = nullptr;  // what `deliver` calls
  int outstanding = 0;  // waits started and not yet delivered or cancelled: they keep the process alive
  Drainer* drainer = nullptr;
  napi_threadsafe_function drained = nullptr;
  AccountThread* accounts = nullptr;
  napi_threadsafe_function stirred = nullptr;
  Channel* channels = nullptr;
  int channel_count = 0;
  LockFile** locks = nullptr;  // what JavaScript opened in a thread that is ended, nobody would close
  int lock_count = 0;
  Journal** journals = nullptr;
  int journal_count = 0;
  bool stopped = false;

  Channel* channel(int index) {
    return index >= 0 && index < channel_count && channels[index].open ? &channels[index] : nullptr;
  }
  // The same for a wait, which may outlive its channel.
  int64_t tag(int index) { return (static_cast<int64_t>(channels[index].generation) << 32) | index; }
  Channel* tagged(int64_t tag) {
    Channel* found = channel(static_cast<int>(tag & 0x7fffffff));
    return found && found->generation == static_cast<uint32_t>(tag >> 32) ? found : nullptr;
  }
  // Takes the wait over. 0 or -errno.
  int start(napi_env env, Wait* wait);
  // Gives back every token that is out on the channel.
  static void give_back_all(Channel* channel);
  // Ends the threads and gives back every token of every channel. Nothing works after it.
  void stop();
};

}  // namespace jobslot
