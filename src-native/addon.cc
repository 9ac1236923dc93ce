#include "addon.h"

#include <stdlib.h>
#include <unistd.h>

#include "state.h"

namespace jobslot {

// The end of a worker thread, or a natural end of the process: the thread is joined before the addon can be unloaded.
static void clean_up(void* data) {
  State* state = static_cast<State*>(data);
  state->stop();
  delete state->waiter;
  delete state->drainer;
  delete state->accounts;
  if (state->callback) napi_delete_reference(state->env, state->callback);
  for (int i = 0; i < state->channel_count; i++) {
    Channel* channel = &state->channels[i];
    if (!channel->open) continue;
    close(channel->read_fd);
    if (channel->write_fd != channel->read_fd) close(channel->write_fd);
  }
  free(state->channels);
  for (int i = 0; i < state->lock_count; i++) delete state->locks[i];
  free(state->locks);
  close_journals(state);
  delete state;
}

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  State* state = new State();
  state->env = env;
  napi_add_env_cleanup_hook(env, clean_up, state);
  add_descriptors(env, exports);
  add_commands(env, exports);
  add_channels(env, exports, state);
  add_waits(env, exports, state);
  add_locks(env, exports, state);
  add_journals(env, exports, state);
  add_workers(env, exports, state);
  add_accounts(env, exports, state);
  add_processes(env, exports, state);
  return exports;
}

}  // namespace jobslot

static Napi::Object init_jobslot(Napi::Env env, Napi::Object exports) { return jobslot::init(env, exports); }
NODE_API_MODULE(jobslot, init_jobslot)
