#include "lines.h"

#include <string.h>

namespace jobslot {

namespace {

struct Tables {
  uint32_t of[8][256];
};

// Eight bytes at a time: a million lines are checked when a store is opened.
constexpr Tables make_tables() {
  Tables tables = {};
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
    tables.of[0][i] = crc;
  }
  for (int t = 1; t < 8; t++) {
    for (uint32_t i = 0; i < 256; i++) {
      tables.of[t][i] = (tables.of[t - 1][i] >> 8) ^ tables.of[0][tables.of[t - 1][i] & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();
constexpr char kDigits[] = "0123456789abcdef";

}  // namespace

uint32_t crc32(const uint8_t* bytes, size_t length) {
  const auto& t = kTables.of;
  uint32_t crc = ~0u;
  for (; length >= 8; bytes += 8, length -= 8) {
    crc ^= static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8 |
           static_cast<uint32_t>(bytes[2]) << 16 | static_cast<uint32_t>(bytes[3]) << 24;
    crc = t[7][crc & 0xff] ^ t[6][(crc >> 8) & 0xff] ^ t[5][(crc >> 16) & 0xff] ^ t[4][crc >> 24] ^ t[3][bytes[4]] ^
          t[2][bytes[5]] ^ t[1][bytes[6]] ^ t[0][bytes[7]];
  }
  for (; length; bytes++, length--) crc = (crc >> 8) ^ t[0][(crc ^ *bytes) & 0xff];
  return ~crc;
}

static void write_digits(uint8_t* into, uint32_t crc) {
  for (int i = 7; i >= 0; i--, crc >>= 4) into[i] = static_cast<uint8_t>(kDigits[crc & 15]);
}

void stamp_lines(uint8_t* lines, size_t length) {
  const uint8_t* end = lines + length;
  for (uint8_t* line = lines; line + kFrame < end;) {
    const void* found = memchr(line + kFrame, '\n', static_cast<size_t>(end - line) - kFrame);
    if (!found) return;
    const uint8_t* line_end = static_cast<const uint8_t*>(found);
    write_digits(line, crc32(line + kFrame, static_cast<size_t>(line_end - line) - kFrame));
    line[8] = ' ';
    line += line_end - line + 1;
  }
}

size_t whole_lines(const uint8_t* bytes, size_t length) {
  const uint8_t* end = bytes + length;
  const uint8_t* line = bytes;
  while (line < end) {
    const void* found = memchr(line, '\n', static_cast<size_t>(end - line));
    if (!found) break;
    const uint8_t* line_end = static_cast<const uint8_t*>(found);
    size_t size = static_cast<size_t>(line_end - line);
    // An object has two bytes at least.
    if (size < kFrame + 2 || line[8] != ' ') break;
    uint8_t digits[8];
    write_digits(digits, crc32(line + kFrame, size - kFrame));
    if (memcmp(digits, line, sizeof digits) != 0) break;
    line = line_end + 1;
  }
  return static_cast<size_t>(line - bytes);
}

}  // namespace jobslot
