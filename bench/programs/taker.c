/*
 * taker fifo|flock PATH
 *
 * The least that waiting for a token, or for a lock, can cost: a read that blocks, or flock(2). For each line `take` of
 * standard input waits for it, for each line `give` gives it back, and prints when, in ns of the clock of all processes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static int is_fifo;
static int fd;

static int take(void) {
  char token;
  return is_fifo ? (read(fd, &token, 1) == 1 ? 0 : -1) : flock(fd, LOCK_EX);
}

static int give(void) { return is_fifo ? (write(fd, "+", 1) == 1 ? 0 : -1) : flock(fd, LOCK_UN); }

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv) {
  char line[16];
  if (argc != 3) {
    fputs("usage: taker fifo|flock PATH\n", stderr);
    return 64;
  }
  /* While it waits it does not see that its standard input has ended. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  is_fifo = strcmp(argv[1], "fifo") == 0;
  fd = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    fprintf(stderr, "taker: %s: %s\n", argv[2], strerror(errno));
    return 66;
  }
  while (fgets(line, sizeof line, stdin)) {
    int is_take = strcmp(line, "take\n") == 0;
    long long before = now_ns();
    if ((is_take ? take() : give()) < 0) {
      fprintf(stderr, "taker: %s: %s\n", argv[2], strerror(errno));
      return 74;
    }
    printf("%lld\n", is_take ? now_ns() : before);
    fflush(stdout);
  }
  return 0;
}
