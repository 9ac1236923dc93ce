#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "state.h"

namespace jobslot {

void State::give_back_all(Channel* channel) {
  for (int byte = 0; byte < 256; byte++) {
    for (; channel->held[byte] > 0; channel->held[byte]--) {
      give_byte(channel->write_fd, channel->own, static_cast<uint8_t>(byte));
    }
  }
}

namespace {

// openChannel(readFd, writeFd, way, own) -> index. Takes both descriptors over.
Napi::Value open_channel(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  if (state->stopped) return integer(info, -ECANCELED);
  int index = 0;
  while (index < state->channel_count && state->channels[index].open) index++;
  if (index == state->channel_count) {
    void* grown = realloc(state->channels, (index + 1) * sizeof(Channel));
    if (!grown) return integer(info, -ENOMEM);
    state->channels = static_cast<Channel*>(grown);
    state->channels[index] = Channel();
    state->channel_count++;
  }
  Channel channel;
  channel.read_fd = int_at(info, 0);
  channel.write_fd = int_at(info, 1);
  channel.way = way_at(info, 2);
  channel.own = bool_at(info, 3);
  channel.open = true;
  channel.generation = state->channels[index].generation + 1;
  state->channels[index] = channel;
  return integer(info, index);
}

// closeChannel(index). Gives back what is out.
Napi::Value close_channel(const Napi::CallbackInfo& info) {
  Channel* channel = state_of(info)->channel(int_at(info, 0));
  if (!channel) return integer(info, -EBADF);
  State::give_back_all(channel);
  channel->open = false;
  close(channel->read_fd);
  if (channel->write_fd != channel->read_fd) close(channel->write_fd);
  return integer(info, 0);
}

Napi::Value took(const Napi::CallbackInfo& info, Channel* channel, ssize_t n, uint8_t byte) {
  if (n == 1) {
    channel->held[byte]++;
    return integer(info, byte);
  }
  return integer(info, n == 0 ? kEndOfFile : static_cast<int>(n));
}

// Only the parked thread may read, and where there is nothing to read it need not start.
ssize_t take_parked(Channel* channel, uint8_t* byte) {
  int64_t now = now_ns();
  if (poll_until(channel->read_fd, POLLIN, now) <= 0) return -EAGAIN;
  ssize_t n = parked_read_until(channel->read_fd, channel->write_fd, byte, now);
  return n == -ETIMEDOUT ? -EAGAIN : n;
}

// take(index) -> the token's byte, -EAGAIN when none is there, kEndOfFile.
Napi::Value take(const Napi::CallbackInfo& info) {
  Channel* channel = state_of(info)->channel(int_at(info, 0));
  if (!channel) return integer(info, -EBADF);
  // Nobody would give back what an `exit` listener that runs after stop() takes.
  if (state_of(info)->stopped) return integer(info, -ECANCELED);
  uint8_t byte = 0;
  ssize_t n = channel->way == Way::kParked ? take_parked(channel, &byte)
                                           : read_now(channel->read_fd, channel->way, &byte, 1);
  return took(info, channel, n, byte);
}

// takeWithin(index, timeoutMs) -> as take, on the calling thread; -ETIMEDOUT after the timeout.
Napi::Value take_within(const Napi::CallbackInfo& info) {
  Channel* channel = state_of(info)->channel(int_at(info, 0));
  if (!channel) return integer(info, -EBADF);
  // Nobody would give back what an `exit` listener that runs after stop() takes.
  if (state_of(info)->stopped) return integer(info, -ECANCELED);
  uint8_t byte = 0;
  int64_t deadline = deadline_after_ms(double_at(info, 1));
  ssize_t n = channel->way == Way::kParked
                  ? parked_read_until(channel->read_fd, channel->write_fd, &byte, deadline)
                  : read_until(channel->read_fd, channel->way, &byte, 1, deadline);
  return took(info, channel, n, byte);
}

// give(index, byte)
Napi::Value give(const Napi::CallbackInfo& info) {
  Channel* channel = state_of(info)->channel(int_at(info, 0));
  int byte = int_at(info, 1);
  if (!channel) return integer(info, -EBADF);
  if (byte < 0 || byte > 255 || channel->held[byte] == 0) return integer(info, -EINVAL);
  int result = give_byte(channel->write_fd, channel->own, static_cast<uint8_t>(byte));
  // Whatever the answer, there is no second try: a server that is gone wants no token back.
  channel->held[byte]--;
  return integer(info, result);
}

}  // namespace

void add_channels(Napi::Env env, Napi::Object exports, State* state) {
  exports["openChannel"] = Napi::Function::New<open_channel>(env, "openChannel", state);
  exports["closeChannel"] = Napi::Function::New<close_channel>(env, "closeChannel", state);
  exports["take"] = Napi::Function::New<take>(env, "take", state);
  exports["takeWithin"] = Napi::Function::New<take_within>(env, "takeWithin", state);
  exports["give"] = Napi::Function::New<give>(env, "give", state);
}

}  // namespace jobslot
