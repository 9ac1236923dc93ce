// One target for libFuzzer: JOBSLOT_FUZZ_TARGET says which.
#include "targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  JOBSLOT_FUZZ_TARGET(data, size);
  return 0;
}
