#pragma once

#include <stddef.h>
#include <stdint.h>

// Gives the core's readers of others' bytes one input, and ends the program where what must hold does not.
void fuzz_lines(const uint8_t* data, size_t size);
void fuzz_output(const uint8_t* data, size_t size);
void fuzz_lock(const uint8_t* data, size_t size);
