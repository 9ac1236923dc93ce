#pragma once

#include <sys/types.h>

#include <string>

#include "core/read.h"
#include "medium.h"

// What a recipe of make inherits: two descriptors whose descriptions are shared with other processes, blocking, with
// tokens that all differ, so that a token given back as another byte, twice or never is found out.
class Jobserver {
 public:
  // The tokens are unlike those of the jobserver with another `number`, 0 or 1.
  Jobserver(Medium medium, int tokens, int number);
  ~Jobserver();
  Jobserver(const Jobserver&) = delete;

  int read_fd() const { return ends_[0]; }
  int write_fd() const { return ends_[1]; }
  // A client's ends. For the direct way descriptions of its own, else duplicates.
  int open_read_end(jobslot::Way way) const;
  int open_write_end(jobslot::Way way) const;

  // Fails where a flag of a shared description is no longer what it was.
  void check_flags() const;
  // Takes out all that is there, and fails where it is not exactly what was put in.
  void check_tokens() const;

 private:
  int ends_[2];
  int flags_[2];
  std::string tokens_;
};

// A process of its own that takes tokens from the same jobserver and gives them back, until finish(). It is this same
// program, started anew, since ThreadSanitizer cannot follow a fork of a process with threads.
class Competitor {
 public:
  Competitor(const Jobserver& jobserver, jobslot::Way way, uint64_t seed);
  // Fails where the process did not end well.
  void finish();

  static bool is_asked_for(int argc, char** argv);
  static int main(char** argv);

 private:
  pid_t pid_;
  int control_;
};

// Takes and gives back until `goes_on` says no.
void compete(int read_fd, int write_fd, jobslot::Way way, uint64_t seed, bool (*goes_on)(void*), void* context);
