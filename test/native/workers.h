#pragma once

#include <stdint.h>

// Writers that flood pipes, one who takes now and then: each byte is taken or counted, whole lines and in order.
void drain_pipes(uint64_t seed);

// Users of a guard come and go, by leaving and by hanging up: it ends once, and not before the last has gone.
void guard_users(uint64_t seed);

// A log that is written to without end stays short, and what is there is whole lines.
void bound_log(uint64_t seed);
