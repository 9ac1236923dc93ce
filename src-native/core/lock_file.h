#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

namespace jobslot {

struct ByteLock;

// A lock that the kernel decides and a file explains. One object is one handle: it holds the lock, waits for it, or
// keeps the file open for the next time. Two handles exclude each other, in one process as in two.
//
// The file is `path`. Its bytes are locked by open file description (OFD), its content is a record for each party, for
// people and for whoever comes after a crash. Beside it lies `path`.queue, a folder of FIFOs. A party keeps one open
// for writing while it holds or waits; whoever waits for the party polls that FIFO, and the kernel reports the
// hang-up when the party closes it or dies. docs/locks.md has the whole of it.
//
// Every function answers with an Outcome, or -errno.
class LockFile {
 public:
  static constexpr size_t kRecordSize = 256;
  static constexpr size_t kWhoSize = 184;

  enum Outcome {
    kBusy = 0,     // others hold it, or wait for it
    kHeld = 1,     // this handle holds it
    kStale = 2,    // the file is no longer the one of that name: open it anew
    kForeign = 3,  // the file holds something that is no record of a lock
    kRemote = 4,   // on a network file system, where neither locks nor FIFOs reach every host
    kSoon = 5,     // someone is in the middle of something: ask again in a millisecond
    kAbandoned = 6,  // this handle holds it, and take_previous() tells of one who died holding it
  };

  // Whom files are made for: an owner or group other than this process's where not -1.
  struct Access {
    mode_t mode;
    uid_t uid;
    gid_t gid;
  };

  LockFile() = default;
  LockFile(const LockFile&) = delete;
  ~LockFile();

  // 0, kForeign, kRemote. `who` goes into this party's record: the inside of a JSON object.
  int open(const char* path, const Access& access, const char* who);

  // Takes the lock if it is free, and, unless this handle is the head of the queue, if nobody waits.
  int try_hold(bool shared);

  // Stands in line behind all that wait now. 0, kStale or kSoon.
  int enqueue(bool shared);
  // The next thing to wait for. 0: `fd` becomes readable, or is hung up, when to ask again (the caller closes it);
  // kHeld: nothing is in the way, try; kSoon.
  int next_wait(int* fd);
  // Steps out of the line.
  void leave();

  // Gives the lock back, with what take_previous() was not asked for: a holder that shares it has to let go then. 0.
  int release();
  // The same, and out of the line, for good: nothing but the end is left to this handle. Removes the file if nobody holds
  // the lock, waits for it or was left in it unreported.
  void let_go();

  // From here on the descriptors may be shared with a child: its copy keeps the lock when this process dies.
  void inherit(int fds[2]);

  // After kAbandoned, once: the record of the dead holder. An empty string where there is none.
  void take_previous(char (&record)[kRecordSize + 1]);

 private:
  bool is_current(off_t* size = nullptr);
  void remove_if_free();
  bool has_name();
  bool folder_name(char (&name)[4096]);
  int open_folder();
  bool remove_folder();
  int make_fifo(const char* name, int* fd);
  int join();
  int write_record();
  bool has_record(int slot);
  bool has_hole();
  bool read_at(int slot, char (&record)[kRecordSize + 1]);
  bool read_record(int slot, char (&record)[kRecordSize + 1]);
  bool is_record(int slot, const char (&record)[kRecordSize + 1]);
  void blank(int slot);
  int write_at(int slot, const char* record);
  bool claim_record(int slot);
  int take_over(off_t size);
  void cut(int used);
  void settle(bool written);
  bool others_wait(ByteLock* found);
  void drop_lock();
  int wait_for_party(off_t byte, const char* fifo, int* fd);

  char* path_ = nullptr;
  Access access_ = {};
  char who_[kWhoSize + 1] = "";
  char previous_[kRecordSize + 1] = "";
  int file_ = -1;
  int folder_ = -1;
  int life_ = -1;     // the FIFO that tells those who wait for this handle of its end, or of a release
  int waiting_ = -1;  // the same for its place in the line
  int slot_ = 0;      // its number, from 1 on, and that of its record; the exclusive holder's record is the first
  int64_t ticket_ = -1;
  int claimed_ = -1;  // where the record of a dead holder lies that this handle is about to report
  bool held_ = false;
  bool shared_ = false;
  bool inherited_ = false;
  bool checked_ = false;  // the file was the one of that name while we had a lock on it
};

}  // namespace jobslot
