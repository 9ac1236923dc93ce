/*
 * pair FIFO
 *
 * The least that taking a token and giving it back can cost: one read and one write on a non-blocking FIFO that holds
 * a token. For each number N that is read from standard input, does N pairs and prints their time in ns.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e9 + now.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fputs("usage: pair FIFO\n", stderr);
    return 64;
  }
  int fifo = open(argv[1], O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fifo < 0) {
    fprintf(stderr, "pair: %s: %s\n", argv[1], strerror(errno));
    return 66;
  }
  unsigned char token;
  long pairs;
  while (scanf("%ld", &pairs) == 1) {
    double begin = now_ns();
    for (long i = 0; i < pairs; i++) {
      if (read(fifo, &token, 1) != 1 || write(fifo, &token, 1) != 1) {
        fprintf(stderr, "pair: %s\n", strerror(errno));
        return 74;
      }
    }
    printf("%.0f\n", now_ns() - begin);
    fflush(stdout);
  }
  return 0;
}
