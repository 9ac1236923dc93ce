#pragma once

#include <stdint.h>

// Clients draw on the FIFOs of two accounts while tokens are granted, taken and owed, FIFOs come and go, and accounts
// are read: never lies more in a FIFO than was granted to it, and at the end what was granted is there, in the ledger's
// file too.
void storm_accounts(uint64_t seed);

// A client that takes back what it returns as fast as it can pays its debts all the same.
void collect_debts(uint64_t seed);

// Each time a client takes the last token, it is told; so where there is no inotify.
void tell_empty(uint64_t seed);
void tell_empty_without_inotify(uint64_t seed);
