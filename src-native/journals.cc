#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/journal.h"
#include "core/lines.h"
#include "state.h"

namespace jobslot {

namespace {

Journal* journal_at(const Napi::CallbackInfo& info, size_t i) {
  State* state = state_of(info);
  int index = int_at(info, i);
  return index >= 0 && index < state->journal_count ? state->journals[index] : nullptr;
}

bool text_at(const Napi::CallbackInfo& info, size_t i, char* into, size_t size) {
  size_t length;
  return napi_get_value_string_utf8(info.Env(), info[i], into, size, &length) == napi_ok && length < size - 1 &&
         strlen(into) == length;
}

// A position, or a number of bytes.
uint64_t whole_at(const Napi::CallbackInfo& info, size_t i) {
  double value = double_at(info, i);
  return value >= 0 && value < 9007199254740992.0 ? static_cast<uint64_t>(value) : 0;
}

// openJournal(folder, boot) -> handle; -4096 - kBusy, -4096 - kRemote; -errno
Napi::Value open_journal(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  char folder[4096];
  char boot[64];
  if (!text_at(info, 0, folder, sizeof folder) || !text_at(info, 1, boot, sizeof boot)) return integer(info, -EINVAL);
  int index = 0;
  while (index < state->journal_count && state->journals[index]) index++;
  if (index == state->journal_count) {
    void* grown = realloc(state->journals, static_cast<size_t>(index + 1) * sizeof(Journal*));
    if (!grown) return integer(info, -ENOMEM);
    state->journals = static_cast<Journal**>(grown);
    state->journals[state->journal_count++] = nullptr;
  }
  Journal* journal = new Journal();
  int outcome = journal->open(folder, boot);
  if (outcome != Journal::kDone) {
    journal->release();
    return integer(info, outcome < 0 ? outcome : -4096 - outcome);
  }
  state->journals[index] = journal;
  return integer(info, index);
}

Napi::Value close_journal(const Napi::CallbackInfo& info) {
  Journal* journal = journal_at(info, 0);
  if (!journal) return integer(info, -EBADF);
  state_of(info)->journals[int_at(info, 0)] = nullptr;
  journal->release();
  return integer(info, 0);
}

// useSegment(handle, path, number)
Napi::Value use_segment(const Napi::CallbackInfo& info) {
  Journal* journal = journal_at(info, 0);
  char path[4096];
  if (!journal) return integer(info, -EBADF);
  if (!text_at(info, 1, path, sizeof path)) return integer(info, -EINVAL);
  return integer(info, journal->use(path, static_cast<uint32_t>(whole_at(info, 2))));
}

// appendJournal(handle, lines: Buffer, length, expected) -> a Journal::Outcome
Napi::Value append_journal(const Napi::CallbackInfo& info) {
  Journal* journal = journal_at(info, 0);
  void* lines;
  size_t room;
  size_t length = whole_at(info, 2);
  if (!journal) return integer(info, -EBADF);
  if (napi_get_buffer_info(info.Env(), info[1], &lines, &room) != napi_ok || length > room) return integer(info, -EINVAL);
  return integer(info, journal->append(static_cast<uint8_t*>(lines), length, whole_at(info, 3)));
}

// cutJournal(handle, at)
Napi::Value cut_journal(const Napi::CallbackInfo& info) {
  Journal* journal = journal_at(info, 0);
  return integer(info, journal ? journal->cut(whole_at(info, 1)) : -EBADF);
}

// journalSize(handle) -> bytes of the segment
Napi::Value journal_size(const Napi::CallbackInfo& info) {
  Journal* journal = journal_at(info, 0);
  return number(info, journal ? static_cast<double>(journal->size()) : -EBADF);
}

// journalDurable(handle) -> a position
Napi::Value journal_durable(const Napi::CallbackInfo& info) {
  Journal* journal = journal_at(info, 0);
  return number(info, journal ? static_cast<double>(journal->durable()) : -EBADF);
}

// vouchJournal(handle, position)
Napi::Value vouch_journal(const Napi::CallbackInfo& info) {
  Journal* journal = journal_at(info, 0);
  if (!journal) return integer(info, -EBADF);
  journal->vouch(whole_at(info, 1));
  return integer(info, 0);
}

Napi::Value journal_holder(const Napi::CallbackInfo& info) {
  Journal* journal = journal_at(info, 0);
  return integer(info, journal ? journal->holder() : -EBADF);
}

// watchJournal(handle, folder) -> an inotify descriptor, the handle's
Napi::Value watch_journal(const Napi::CallbackInfo& info) {
  Journal* journal = journal_at(info, 0);
  char folder[4096];
  if (!journal) return integer(info, -EBADF);
  if (!text_at(info, 1, folder, sizeof folder)) return integer(info, -EINVAL);
  return integer(info, journal->watch(folder));
}

// A sync is no wait for an event but work of the disk's, as fs.fdatasync is: one at a time for each store, on libuv's
// threads.
struct Sync {
  Journal* journal;
  int fd;
  uint64_t target;
  int outcome;
  napi_async_work work;
  napi_ref callback;
};

void run_sync(napi_env, void* data) {
  Sync* sync = static_cast<Sync*>(data);
  sync->outcome = sync->journal->sync(sync->fd, sync->target);
  sync->fd = -1;
}

void end_sync(napi_env env, napi_status status, void* data) {
  Sync* sync = static_cast<Sync*>(data);
  if (sync->fd >= 0) close(sync->fd);
  napi_value callback, receiver, outcome, ignored;
  if (status == napi_ok && napi_get_reference_value(env, sync->callback, &callback) == napi_ok) {
    napi_get_undefined(env, &receiver);
    napi_create_int32(env, sync->outcome, &outcome);
    napi_call_function(env, receiver, callback, 1, &outcome, &ignored);
  }
  napi_delete_reference(env, sync->callback);
  napi_delete_async_work(env, sync->work);
  sync->journal->release();
  delete sync;
}

// syncJournal(handle, target, callback(outcome))
Napi::Value sync_journal(const Napi::CallbackInfo& info) {
  Journal* journal = journal_at(info, 0);
  if (!journal) return integer(info, -EBADF);
  int fd = journal->sync_descriptor(whole_at(info, 1));
  if (fd < 0) return integer(info, fd);
  napi_value name;
  napi_create_string_utf8(info.Env(), "jobslot", NAPI_AUTO_LENGTH, &name);
  Sync* sync = new Sync{journal, fd, whole_at(info, 1), 0, nullptr, nullptr};
  journal->retain();
  if (napi_create_reference(info.Env(), info[2], 1, &sync->callback) != napi_ok ||
      napi_create_async_work(info.Env(), nullptr, name, run_sync, end_sync, sync, &sync->work) != napi_ok ||
      napi_queue_async_work(info.Env(), sync->work) != napi_ok) {
    if (sync->work) napi_delete_async_work(info.Env(), sync->work);
    if (sync->callback) napi_delete_reference(info.Env(), sync->callback);
    close(fd);
    journal->release();
    delete sync;
    return integer(info, -ENOMEM);
  }
  return integer(info, 0);
}

// syncJournalNow(handle, target) -> a Journal::Outcome
Napi::Value sync_journal_now(const Napi::CallbackInfo& info) {
  Journal* journal = journal_at(info, 0);
  return integer(info, journal ? journal->sync_now(whole_at(info, 1)) : -EBADF);
}

// wholeLines(bytes: Buffer, from, to) -> where the first line begins that is not whole
Napi::Value whole_lines_in(const Napi::CallbackInfo& info) {
  void* bytes;
  size_t room;
  size_t from = whole_at(info, 1);
  size_t to = whole_at(info, 2);
  if (napi_get_buffer_info(info.Env(), info[0], &bytes, &room) != napi_ok || to > room || from > to) {
    return integer(info, -EINVAL);
  }
  return number(info, static_cast<double>(from + whole_lines(static_cast<uint8_t*>(bytes) + from, to - from)));
}

// stampLines(bytes: Buffer, length)
Napi::Value stamp_lines_in(const Napi::CallbackInfo& info) {
  void* bytes;
  size_t room;
  size_t length = whole_at(info, 1);
  if (napi_get_buffer_info(info.Env(), info[0], &bytes, &room) != napi_ok || length > room) return integer(info, -EINVAL);
  stamp_lines(static_cast<uint8_t*>(bytes), length);
  return integer(info, 0);
}

}  // namespace

void close_journals(State* state) {
  for (int i = 0; i < state->journal_count; i++) {
    if (state->journals[i]) state->journals[i]->release();
  }
  free(state->journals);
}

void add_journals(Napi::Env env, Napi::Object exports, State* state) {
  exports["openJournal"] = Napi::Function::New<open_journal>(env, "openJournal", state);
  exports["closeJournal"] = Napi::Function::New<close_journal>(env, "closeJournal", state);
  exports["useSegment"] = Napi::Function::New<use_segment>(env, "useSegment", state);
  exports["appendJournal"] = Napi::Function::New<append_journal>(env, "appendJournal", state);
  exports["cutJournal"] = Napi::Function::New<cut_journal>(env, "cutJournal", state);
  exports["journalSize"] = Napi::Function::New<journal_size>(env, "journalSize", state);
  exports["journalDurable"] = Napi::Function::New<journal_durable>(env, "journalDurable", state);
  exports["vouchJournal"] = Napi::Function::New<vouch_journal>(env, "vouchJournal", state);
  exports["journalHolder"] = Napi::Function::New<journal_holder>(env, "journalHolder", state);
  exports["watchJournal"] = Napi::Function::New<watch_journal>(env, "watchJournal", state);
  exports["syncJournal"] = Napi::Function::New<sync_journal>(env, "syncJournal", state);
  exports["syncJournalNow"] = Napi::Function::New<sync_journal_now>(env, "syncJournalNow", state);
  exports["wholeLines"] = Napi::Function::New<whole_lines_in>(env);
  exports["stampLines"] = Napi::Function::New<stamp_lines_in>(env);
}

}  // namespace jobslot
