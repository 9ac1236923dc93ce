#include "text/text.h"

/* How many runs of equal bytes there are: what a run-length encoding would have to write. */
size_t text_runs(const unsigned char *bytes, size_t length) {
  size_t runs = length > 0;
  for (size_t i = 1; i < length; i++) runs += bytes[i] != bytes[i - 1];
  return runs;
}
