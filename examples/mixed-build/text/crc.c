#include "text/text.h"

/* CRC-32, as zip has it. */
unsigned text_crc(const unsigned char *bytes, size_t length) {
  unsigned crc = 0xffffffffu;
  for (size_t i = 0; i < length; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}
