#pragma once

#include <stddef.h>
#include <stdint.h>

namespace jobslot {

// Lines of a store's journal: eight hexadecimal digits, the CRC-32 of what follows the blank behind them, and a line end.

constexpr size_t kFrame = 9;

uint32_t crc32(const uint8_t* bytes, size_t length);

// Puts the digits in front of each line, where kFrame bytes were left for them.
void stamp_lines(uint8_t* lines, size_t length);

// How many bytes of whole lines there are before the first that is not.
size_t whole_lines(const uint8_t* bytes, size_t length);

}  // namespace jobslot
