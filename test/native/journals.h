#pragma once

#include <stdint.h>

// Writers append to one journal, sync it at once and by threads, and leave torn lines behind: each line that was
// appended is there, once and in order, and what was synced is covered.
void storm_journals(uint64_t seed);

// A sync that fails is told to all who sync that segment, whatever the kernel says to them.
void fail_sync(uint64_t seed);
