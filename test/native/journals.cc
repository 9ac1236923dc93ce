#include "journals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "core/byte_lock.h"
#include "core/clock.h"
#include "core/journal.h"
#include "core/lines.h"

using jobslot::Journal;
using jobslot::kFrame;

namespace {

constexpr int kWriters = 4;
constexpr uint64_t kSegment = uint64_t{1} << 32;

// A store's folder with an empty segment 1.
struct Folder {
  std::string path = "/tmp/jobslot-journal-XXXXXX";

  Folder() {
    if (!mkdtemp(&path[0])) fail("mkdtemp: %d", errno);
    for (const char* name : {"lock", "mark", "journal-1", "journal-2"}) {
      close(open(at(name).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
  }
  ~Folder() {
    for (const char* name : {"lock", "mark", "journal-1", "journal-2"}) unlink(at(name).c_str());
    rmdir(path.c_str());
  }
  std::string at(const char* name) const { return path + "/" + name; }
};

std::string contents(const std::string& path) {
  std::string all;
  char part[1 << 16];
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  for (ssize_t n; (n = read(fd, part, sizeof part)) > 0;) all.append(part, static_cast<size_t>(n));
  close(fd);
  return all;
}

size_t whole(const std::string& text) {
  return jobslot::whole_lines(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

std::string line_of(long number, int writer) {
  char text[64];
  snprintf(text, sizeof text, "{\"n\":%ld,\"writer\":%d}\n", number, writer);
  return std::string(kFrame, ' ') + text;
}

struct Counts {
  std::atomic<long> lines{0};
  std::atomic<long> conflicts{0};
  std::atomic<long> busy{0};
  std::atomic<long> cut{0};
  std::atomic<long> synced_now{0};
  std::atomic<long> synced{0};
};

Journal* open_journal(const Folder& folder) {
  Journal* journal = new Journal();
  int opened = journal->open(folder.path.c_str(), "this boot");
  if (opened != Journal::kDone) fail("open: %d", opened);
  int used = journal->use(folder.at("journal-1").c_str(), 1);
  if (used != Journal::kDone) fail("use: %d", used);
  return journal;
}

// As one process: it reads all there is before it appends.
class Writer {
 public:
  Writer(const Folder& folder, int number, uint64_t seed, Counts* counts)
      : path_(folder.at("journal-1")),
        lock_path_(folder.at("lock")),
        number_(number),
        random_(seed),
        counts_(counts),
        journal_(open_journal(folder)) {}
  ~Writer() {
    if (syncing_.joinable()) syncing_.join();
    journal_->release();
  }

  void step() {
    catch_up();
    uint32_t what = random_.below(100);
    if (what < 70) append();
    else if (what < 80) sync_now();
    else if (what < 97) sync();
    else tear();
    check_durable();
  }

 private:
  // Cuts off what another has left.
  void catch_up() {
    std::string text = contents(path_);
    size_t end = whole(text);
    for (size_t at = end_; at < end; at++) last_ += text[at] == '\n';
    end_ = end;
    if (end == text.size()) return;
    int outcome = journal_->cut(end);
    if (outcome == Journal::kDone) counts_->cut++;
    else if (outcome < 0) fail("cut: %d", outcome);
  }

  void append() {
    std::string lines;
    int count = 1 + static_cast<int>(random_.below(3));
    for (int i = 1; i <= count; i++) lines += line_of(last_ + i, number_);
    int outcome = journal_->append(reinterpret_cast<uint8_t*>(&lines[0]), lines.size(), end_);
    if (outcome == Journal::kDone) {
      counts_->lines += count;
      last_ += count;
      end_ += lines.size();
    } else if (outcome == Journal::kConflict) {
      counts_->conflicts++;
    } else if (outcome == Journal::kBusy) {
      counts_->busy++;
    } else {
      fail("append: %d", outcome);
    }
  }

  void sync_now() {
    int outcome = journal_->sync_now(kSegment + end_);
    if (outcome == Journal::kDone) {
      counts_->synced_now++;
      if (journal_->durable() < kSegment + end_) fail("synced at once, and not known to be");
    } else if (outcome != Journal::kBusy) {
      fail("sync_now: %d", outcome);
    }
  }

  // Beside what follows, as the addon does it; one at a time.
  void sync() {
    if (syncing_.joinable()) syncing_.join();
    uint64_t target = kSegment + end_;
    int fd = journal_->sync_descriptor(target);
    if (fd < 0) fail("no descriptor to sync: %d", fd);
    journal_->retain();
    syncing_ = std::thread([journal = journal_, counts = counts_, fd, target] {
      int outcome = journal->sync(fd, target);
      if (outcome != Journal::kDone) fail("sync: %d", outcome);
      if (journal->durable() < target) fail("synced, and not known to be");
      counts->synced++;
      journal->release();
    });
  }

  // What a process leaves that is killed in the midst of a write: its lock goes with it.
  void tear() {
    std::string line = line_of(last_ + 1, number_);
    int lock = open(lock_path_.c_str(), O_RDWR | O_CLOEXEC);
    if (jobslot::lock_bytes(lock, F_WRLCK, 0, 1) == 0 && static_cast<size_t>(journal_->size()) == end_) {
      int fd = open(path_.c_str(), O_WRONLY | O_CLOEXEC);
      if (pwrite(fd, line.data(), 1 + random_.below(20), static_cast<off_t>(end_)) < 0) fail("pwrite: %d", errno);
      close(fd);
    }
    close(lock);
  }

  void check_durable() {
    uint64_t durable = journal_->durable();
    if (durable < durable_) fail("less is on disk than was");
    durable_ = durable;
    if (durable > kSegment + static_cast<uint64_t>(journal_->size())) fail("more is on disk than there is");
  }

  std::string path_;
  std::string lock_path_;
  int number_;
  Random random_;
  Counts* counts_;
  Journal* journal_;
  std::thread syncing_;
  size_t end_ = 0;
  long last_ = 0;
  uint64_t durable_ = 0;
};

void check_lines(const std::string& text, long expected) {
  size_t end = whole(text);
  long last = 0;
  for (size_t at = 0; at < end;) {
    long number = 0;
    int writer = 0;
    if (sscanf(text.c_str() + at + kFrame, "{\"n\":%ld,\"writer\":%d}", &number, &writer) != 2) fail("line %ld", last);
    if (number != last + 1) fail("line %ld follows line %ld", number, last);
    last = number;
    at = text.find('\n', at) + 1;
  }
  if (last != expected) fail("%ld lines were appended, and %ld are there", expected, last);
}

}  // namespace

void storm_journals(uint64_t seed) {
  Folder folder;
  Counts counts;
  int64_t deadline_ns = jobslot::deadline_after_ms(1500);
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; i++) {
    writers.emplace_back([&, i] {
      Writer writer(folder, i, seed + static_cast<uint64_t>(i), &counts);
      while (jobslot::now_ns() < deadline_ns) writer.step();
    });
  }
  for (std::thread& writer : writers) writer.join();
  check_lines(contents(folder.at("journal-1")), counts.lines);
  if (counts.lines < 100 || !counts.conflicts || !counts.cut || !counts.synced) fail("it has tested too little");
  printf("  %ld lines, %ld conflicts, %ld busy, %ld cut, %ld synced, %ld at once\n", counts.lines.load(),
         counts.conflicts.load(), counts.busy.load(), counts.cut.load(), counts.synced.load(),
         counts.synced_now.load());
}

void fail_sync(uint64_t) {
  Folder folder;
  Journal* one = open_journal(folder);
  Journal* other = open_journal(folder);
  std::string line = line_of(1, 0);
  uint8_t* bytes = reinterpret_cast<uint8_t*>(&line[0]);
  if (one->append(bytes, line.size(), 0) != Journal::kDone) fail("it is not appended");
  uint64_t target = kSegment + line.size();
  // A descriptor that cannot be synced stands for a disk that fails.
  if (one->sync(-1, target) != -EBADF) fail("the failure is not told");
  if (other->sync(other->sync_descriptor(target), target) != -EIO) fail("another process trusts the kernel");
  if (one->sync_now(target) == Journal::kDone || one->durable() >= target) fail("it is believed to be on disk");
  // What is written anew in another segment is another matter.
  if (one->use(folder.at("journal-2").c_str(), 2) != Journal::kDone) fail("segment 2 cannot be used");
  if (one->append(bytes, line.size(), 0) != Journal::kDone) fail("it is not appended to segment 2");
  target = 2 * kSegment + line.size();
  if (other->sync_descriptor(target) != -EINVAL) fail("one that has another segment open may sync for this one");
  if (one->sync(one->sync_descriptor(target), target) != Journal::kDone || one->durable() != target) fail("segment 2 fails");
  if (other->sync_now(target) == Journal::kDone) fail("one that has another segment open has synced this one");
  one->release();
  other->release();
}
