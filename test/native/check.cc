#include "check.h"

#include <stdarg.h>
#include <stdio.h>

#include <atomic>

static std::atomic<int> failures{0};
static char scenario[64] = "start";
static uint64_t scenario_seed = 0;

void name_scenario(const char* name, uint64_t seed) {
  snprintf(scenario, sizeof scenario, "%s", name);
  scenario_seed = seed;
}

void fail(const char* format, ...) {
  failures++;
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  fprintf(stderr, "FAILED: %s: %s (seed %llu)\n", scenario, text, static_cast<unsigned long long>(scenario_seed));
}

int failure_count() { return failures; }
