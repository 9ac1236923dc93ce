#include "account.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "read.h"
#include "status.h"

namespace jobslot {

namespace {

constexpr uint8_t kToken = '+';
// No FIFO holds more.
constexpr int kMostGranted = 65536;

// One byte, or -errno: -EAGAIN where there is none.
int read_token(int fd) {
  uint8_t byte;
  ssize_t n = read_now(fd, Way::kDirect, &byte, 1);
  return n == 0 ? -EAGAIN : static_cast<int>(n);
}

int result_of(int done, int error) { return done > 0 || error == -EAGAIN ? done : error; }

}  // namespace

Account::~Account() {
  for (int i = 0; i < count_; i++) {
    if (places_[i].fd >= 0) close(places_[i].fd);
  }
  delete[] places_;
  if (ledger_) munmap(ledger_, length_);
}

int Account::open(int ledger, int places) {
  length_ = static_cast<size_t>(places + 1) * kLedgerRecord;
  if (ledger >= 0) {
    struct stat st;
    if (file_status(ledger, &st) != 0) return -errno;
    // What lies behind a file's end is no memory: to touch it would end the process.
    if (!S_ISREG(st.st_mode) || static_cast<size_t>(st.st_size) < length_) return -EINVAL;
  }
  int flags = ledger >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  void* mapped = mmap(nullptr, length_, PROT_READ | PROT_WRITE, flags, ledger, 0);
  if (mapped == MAP_FAILED) return -errno;
  ledger_ = static_cast<uint8_t*>(mapped);
  places_ = new Place[static_cast<size_t>(places)];
  count_ = places;
  return 0;
}

int32_t* Account::word(const Place* place) const {
  size_t index = static_cast<size_t>(place - places_);
  return reinterpret_cast<int32_t*>(ledger_ + (index + 1) * kLedgerRecord);
}

Place* Account::place(int index) {
  return index >= 0 && index < count_ && places_[index].fd >= 0 ? &places_[index] : nullptr;
}

int Account::visible(const Place* place) {
  int bytes = 0;
  return ioctl(place->fd, FIONREAD, &bytes) < 0 ? 0 : bytes;
}

int Account::add(int index, int fd) {
  if (index < 0 || index >= count_ || places_[index].fd >= 0) return -EINVAL;
  int flags = fcntl(fd, F_GETFL);
  int bytes;
  if (flags < 0) return -errno;
  // A read or write that blocks would stop the thread and JavaScript for good.
  if ((flags & O_ACCMODE) != O_RDWR || !(flags & O_NONBLOCK)) return -EINVAL;
  if (ioctl(fd, FIONREAD, &bytes) < 0) return -errno;
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (own < 0) return -errno;
  Place* place = &places_[index];
  *place = Place();
  place->fd = own;
  place->known = bytes;
  place->account = this;
  // Of a damaged ledger.
  if (granted(place) < 0 || granted(place) > kMostGranted) __atomic_store_n(word(place), 0, __ATOMIC_RELAXED);
  return 0;
}

int Account::grant(Place* place, int tokens) {
  int done = 0;
  int error = 0;
  for (; done < tokens; done++) {
    change(place, 1);
    int failed = give_byte(place->fd, true, kToken);
    if (failed == 0) continue;
    change(place, -1);
    error = failed;
    break;
  }
  place->known += done;
  return result_of(done, error);
}

int Account::take(Place* place, int tokens) {
  int done = 0;
  int error = 0;
  while (done < tokens && granted(place) > 0) {
    error = read_token(place->fd);
    if (error < 0) break;
    change(place, -1);
    done++;
  }
  // What lay there unknown was put there by a client: that it stirred, the next look tells.
  place->known -= done;
  return result_of(done, error);
}

int Account::take_surplus(Place* place) {
  int surplus = visible(place) - granted(place);
  int done = 0;
  int error = 0;
  for (; done < surplus; done++) {
    error = read_token(place->fd);
    if (error < 0) break;
  }
  place->known -= done;
  return result_of(done, error);
}

int Account::collect(Place* place) {
  int paid = take(place, place->debt);
  if (paid > 0) place->debt -= paid;
  // Who was granted nothing more owes nothing; a FIFO that cannot be read pays nothing.
  if (paid < 0 || granted(place) <= 0) place->debt = 0;
  return paid < 0 ? 0 : paid;
}

int Account::drain(Place* place) {
  int done = 0;
  while (read_token(place->fd) == 1) {
    if (granted(place) > 0) change(place, -1);
    done++;
  }
  place->known = 0;
  return done;
}

void Account::forget(Place* place) {
  __atomic_store_n(word(place), 0, __ATOMIC_RELAXED);
  close(place->fd);
  *place = Place();
}

}  // namespace jobslot
