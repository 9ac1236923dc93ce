#include "account_fifo.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"
#include "medium.h"

void count_event(void* counter, int) { (*static_cast<std::atomic<int>*>(counter))++; }

Fifo::Fifo() {
  make_ends(Medium::kFifo, ends);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

Fifo::~Fifo() {
  close(ends[0]);
  close(ends[1]);
}

int Fifo::add_to(jobslot::AccountThread* accounts, int account, int index) const {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
  int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  must(fd >= 0, "open");
  int result = accounts->add(account, index, fd);
  close(fd);
  return result;
}

bool Fifo::take() const {
  char byte;
  return read(ends[0], &byte, 1) == 1;
}

void Fifo::give() const { must(write(ends[1], "+", 1) == 1, "write"); }

int Fifo::visible() const {
  int bytes = -1;
  ioctl(ends[0], FIONREAD, &bytes);
  return bytes;
}

void draw(const Fifo& fifo, uint64_t seed, const std::atomic<bool>& goes_on, std::atomic<long>* taken) {
  Random random(seed);
  int held = 0;
  while (goes_on) {
    if (held < 6 && random.percent(55) && fifo.take()) {
      held++;
      (*taken)++;
    } else if (held > 0 && random.percent(60)) {
      fifo.give();
      held--;
    }
    if (random.percent(5)) usleep(random.below(300));
  }
  while (held-- > 0) fifo.give();
}
