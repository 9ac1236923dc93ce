#pragma once

#include <stdint.h>

#include "core/read.h"
#include "medium.h"

// A stream that is no jobserver: what is read and not wanted can not be given back. Bytes come at random while a
// client starts, cancels and times out reads of one byte, one at a time. Fails where a byte is lost or out of order.
void read_stream(Medium medium, jobslot::Way way, uint64_t seed);

// A wait that is cancelled leaves no thread and no descriptor, though no byte ever comes.
void cancel_parked_on_silence();
