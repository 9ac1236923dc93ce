#include "leftovers.h"

#include <dirent.h>
#include <unistd.h>

#include "check.h"
#include "core/clock.h"

static int entries(const char* folder) {
  int count = 0;
  DIR* dir = opendir(folder);
  while (readdir(dir)) count++;
  closedir(dir);
  return count;
}

static int threads() { return entries("/proc/self/task"); }

static int threads_at_start = 0;

int open_descriptors() { return entries("/proc/self/fd"); }

void remember_threads() { threads_at_start = threads(); }

void wait_for_threads() {
  int64_t too_late = jobslot::deadline_after_ms(5000);
  while (threads() > threads_at_start && jobslot::now_ns() < too_late) usleep(1000);
  if (threads() > threads_at_start) fail("%d threads were left", threads() - threads_at_start);
}
