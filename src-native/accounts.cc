#include <errno.h>

#include "core/account_thread.h"
#include "state.h"

namespace jobslot {

namespace {

constexpr int kFields = sizeof(Purse) / sizeof(int);

void notify(void* context, int account) {
  napi_call_threadsafe_function(static_cast<State*>(context)->stirred, reinterpret_cast<void*>(static_cast<intptr_t>(account)),
                                napi_tsfn_nonblocking);
}

void call_listener(napi_env env, napi_value callback, void* context, void* data) {
  State* state = static_cast<State*>(context);
  if (!env || state->stopped) return;
  int account = static_cast<int>(reinterpret_cast<intptr_t>(data));
  state->accounts->delivered(account);
  napi_value receiver, id, ignored;
  napi_get_undefined(env, &receiver);
  napi_create_int32(env, account, &id);
  napi_call_function(env, receiver, callback, 1, &id, &ignored);
}

// listenAccounts(callback): once, before the first account. callback(account) when it has something new to tell.
Napi::Value listen_accounts(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  if (state->accounts || state->stopped) return integer(info, -EALREADY);
  napi_value name;
  napi_create_string_utf8(info.Env(), "jobslot", NAPI_AUTO_LENGTH, &name);
  if (napi_create_threadsafe_function(info.Env(), info[0], nullptr, name, 0, 1, nullptr, nullptr, state, call_listener,
                                      &state->stirred) != napi_ok) {
    return integer(info, -ENOMEM);
  }
  // What happens in a pool is no reason to live on.
  napi_unref_threadsafe_function(info.Env(), state->stirred);
  state->accounts = new AccountThread(notify, state);
  return integer(info, 0);
}

// openAccount(ledgerFd, places) -> its number
Napi::Value open_account(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  int places = int_at(info, 1);
  if (!state->accounts || places < 1 || places > 1000000) return integer(info, -EINVAL);
  return integer(info, state->accounts->open(int_at(info, 0), places));
}

Napi::Value close_account(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  return integer(info, state->accounts ? state->accounts->close(int_at(info, 0)) : -EBADF);
}

// …(account, index, number)
template <int (AccountThread::*call)(int, int, int)>
Napi::Value with_number(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  int value = int_at(info, 2);
  if (!state->accounts || value < 0) return integer(info, -EINVAL);
  return integer(info, (state->accounts->*call)(int_at(info, 0), int_at(info, 1), value));
}

// …(account, index)
template <int (AccountThread::*call)(int, int)>
Napi::Value without_number(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  return integer(info, state->accounts ? (state->accounts->*call)(int_at(info, 0), int_at(info, 1)) : -EINVAL);
}

// readPurse(account, index, into: Int32Array): index, granted, visible, debt, stirs
Napi::Value read_purse(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  void* into = elements_at(info, 2, kFields, napi_int32_array);
  if (!state->accounts || !into) return integer(info, -EINVAL);
  return integer(info, state->accounts->read(int_at(info, 0), int_at(info, 1), static_cast<Purse*>(into)));
}

// readPurses(account, changed, into: Int32Array, places) -> how many; the same for each place, or each that has
// something new
Napi::Value read_purses(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  int places = int_at(info, 3);
  if (!state->accounts || places < 0) return integer(info, -EINVAL);
  void* into = elements_at(info, 2, static_cast<size_t>(places) * kFields, napi_int32_array);
  if (!into) return integer(info, -EINVAL);
  return integer(info, state->accounts->read_all(int_at(info, 0), bool_at(info, 1), static_cast<Purse*>(into), places));
}

// removePurse(account, index, into: Int32Array(2)): drained, held
Napi::Value remove_purse(const Napi::CallbackInfo& info) {
  State* state = state_of(info);
  int* into = static_cast<int*>(elements_at(info, 2, 2, napi_int32_array));
  if (!state->accounts || !into) return integer(info, -EINVAL);
  return integer(info, state->accounts->remove(int_at(info, 0), int_at(info, 1), &into[0], &into[1]));
}

}  // namespace

void add_accounts(Napi::Env env, Napi::Object exports, State* state) {
  // node-addon-api makes a std::string of each name, which from 16 characters on needs a function of the C++ library.
  exports["listenAccounts"] = Napi::Function::New<listen_accounts>(env, "listenAccounts", state);
  exports["openAccount"] = Napi::Function::New<open_account>(env, "openAccount", state);
  exports["closeAccount"] = Napi::Function::New<close_account>(env, "closeAccount", state);
  exports["addPurse"] = Napi::Function::New<with_number<&AccountThread::add>>(env, "addPurse", state);
  exports["grantTokens"] = Napi::Function::New<with_number<&AccountThread::grant>>(env, "grantTokens", state);
  exports["takeTokens"] = Napi::Function::New<with_number<&AccountThread::take>>(env, "takeTokens", state);
  exports["takeSurplus"] = Napi::Function::New<without_number<&AccountThread::take_surplus>>(env, "takeSurplus", state);
  exports["oweTokens"] = Napi::Function::New<with_number<&AccountThread::owe>>(env, "oweTokens", state);
  exports["watchPurse"] = Napi::Function::New<with_number<&AccountThread::watch>>(env, "watchPurse", state);
  exports["readPurse"] = Napi::Function::New<read_purse>(env, "readPurse", state);
  exports["readPurses"] = Napi::Function::New<read_purses>(env, "readPurses", state);
  exports["removePurse"] = Napi::Function::New<remove_purse>(env, "removePurse", state);
  exports["forgetPurse"] = Napi::Function::New<without_number<&AccountThread::forget>>(env, "forgetPurse", state);
}

}  // namespace jobslot
