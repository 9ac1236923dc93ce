#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

namespace jobslot {

struct Mark;

// The writing end of a store's journal, shared with other processes: docs/store-format.md. A position is
// segment * 2^32 + byte. What a lock guards is done in one call: a process that is stopped between two would stop all.
//
// Every function answers with an Outcome, or -errno.
class Journal {
 public:
  enum Outcome {
    kConflict = 0,  // the segment is not as the caller believes: read on and decide again
    kDone = 1,
    kBusy = 2,      // another process has had the lock for long: see holder()
    kRemote = 3,    // on a network file system
  };

  Journal() = default;
  Journal(const Journal&) = delete;
  ~Journal();

  // Opens `lock` and `mark`, which exist, of a store's folder. `boot` tells this run of the machine from others.
  int open(const char* folder, const char* boot);
  // Where appends go from now on.
  int use(const char* path, uint32_t segment);

  // Stamps the lines and appends them, if the segment is `expected` bytes long.
  int append(uint8_t* lines, size_t length, uint64_t expected);
  // Cuts off what begins there, if no whole line does, and if it was not known to be on disk.
  int cut(uint64_t at);
  int64_t size() const;

  // Up to where all is known to be on disk, in this run of the machine.
  uint64_t durable() const;
  // Another way to know it: what a new segment was made of.
  void vouch(uint64_t position);

  // A descriptor for sync(), which closes it. It shares the description: an error of an earlier sync is told to it too.
  int sync_descriptor(uint64_t target) const;
  // Brings all of a segment to disk that `target` covers, or waits for another process that does. Of any thread.
  int sync(int fd, uint64_t target);
  // The same without another thread, for who has to wait for it anyway: kBusy where it may take longer than to hand it
  // to one, as syncs did lately, or where another process syncs. Where it fails, so will sync().
  int sync_now(uint64_t target);

  // The process that has the lock for appends; 0 where none is known.
  int holder() const;
  // An inotify descriptor that tells of appends and of files that are closed. It is the journal's.
  int watch(const char* folder);

  void retain() { __atomic_add_fetch(&users_, 1, __ATOMIC_RELAXED); }
  void release() {
    if (__atomic_sub_fetch(&users_, 1, __ATOMIC_ACQ_REL) == 0) delete this;
  }

 private:
  int lock();
  void unlock();
  bool line_begins(uint64_t at, uint64_t end) const;
  int sync_locked(int fd, uint64_t target);

  int lock_ = -1;
  int sync_lock_ = -1;  // a description of its own: a thread's lock must not be the same as that of append()
  int file_ = -1;
  int watch_ = -1;
  Mark* mark_ = nullptr;
  uint64_t segment_ = 0;
  int64_t sync_ns_ = 0;  // how long a sync takes, the last ones above all; of any thread
  int users_ = 1;
};

}  // namespace jobslot
