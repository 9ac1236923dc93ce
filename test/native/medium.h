#pragma once

enum class Medium { kPipe, kFifo, kSocket };

// Two blocking ends: what is written to the second can be read from the first. A FIFO's name is gone by then.
void make_ends(Medium medium, int ends[2]);

// Ends the program where the test itself cannot go on.
void must(bool holds, const char* what);
