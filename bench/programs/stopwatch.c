/*
 * stopwatch JOBSERVER CMD [ARGS...]
 *
 * Runs CMD once for each line that is read from standard input, and prints for each: wall-clock time in ns, processor
 * time of CMD and of those it waited for in ns. JOBSERVER is what CMD runs under: none, pipe, or fifo:PATH, where PATH
 * is a FIFO; the two latter have three tokens, all of which must be there again after each run.
 *
 * In C, because a Node would add the cost of its own spawn to what is measured.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TOKENS = 3, READ = 3, WRITE = 4 };

extern char **environ;

static void die(const char *what) {
  fprintf(stderr, "stopwatch: %s: %s\n", what, strerror(errno));
  exit(70);
}

/* The descriptor in which the tokens lie, or -1. */
static int serve(const char *jobserver) {
  char flags[4096];
  int own;
  if (strcmp(jobserver, "none") == 0) return -1;
  if (strcmp(jobserver, "pipe") == 0) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) die("pipe2");
    /* By way of high numbers, so that neither end is put where the other one still is. */
    int reader = fcntl(ends[0], F_DUPFD_CLOEXEC, 100);
    int writer = fcntl(ends[1], F_DUPFD_CLOEXEC, 100);
    if (dup2(reader, READ) < 0 || dup2(writer, WRITE) < 0) die("dup2");
    own = writer;
    snprintf(flags, sizeof flags, " -j%d --jobserver-auth=%d,%d", TOKENS + 1, READ, WRITE);
  } else if (strncmp(jobserver, "fifo:", 5) == 0) {
    own = open(jobserver + 5, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (own < 0) die(jobserver);
    snprintf(flags, sizeof flags, " -j%d --jobserver-auth=%s", TOKENS + 1, jobserver);
  } else {
    fputs("usage: stopwatch none|pipe|fifo:PATH CMD [ARGS...]\n", stderr);
    exit(64);
  }
  if (write(own, "+++", TOKENS) != TOKENS) die("write");
  setenv("MAKEFLAGS", flags, 1);
  return own;
}

static long long ns(struct timespec time) { return time.tv_sec * 1000000000LL + time.tv_nsec; }

static long long processor_ns(const struct rusage *usage) {
  return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000000LL +
         (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000LL;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fputs("usage: stopwatch none|pipe|fifo:PATH CMD [ARGS...]\n", stderr);
    return 64;
  }
  int tokens = serve(argv[1]);
  char **command = argv + 2;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);

  while (getchar() != EOF) {
    struct timespec begin, end;
    struct rusage usage;
    pid_t pid;
    int status, left;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    errno = posix_spawnp(&pid, command[0], &files, NULL, command, environ);
    if (errno != 0) die(command[0]);
    if (wait4(pid, &status, 0, &usage) < 0) die("wait4");
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (status != 0) {
      fprintf(stderr, "stopwatch: %s failed with wait status %#x: run it by hand to see why\n", command[0], status);
      return 70;
    }
    if (tokens >= 0 && (ioctl(tokens, FIONREAD, &left) < 0 || left != TOKENS)) {
      fprintf(stderr, "stopwatch: %s gave back %d of %d tokens\n", command[0], left, TOKENS);
      return 70;
    }
    printf("%lld %lld\n", ns(end) - ns(begin), processor_ns(&usage));
    fflush(stdout);
  }
  return 0;
}
