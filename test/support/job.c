/*
 * job FILE MS [LABEL [CMD ARGS...]]
 *
 * A job that leaves proof of when it ran: appends "B NS PID LABEL" to FILE, sleeps MS milliseconds, runs CMD where one
 * is given, appends "E NS PID LABEL". NS is CLOCK_MONOTONIC, which all processes of a machine share. Each line is one
 * write on O_APPEND, so lines of many jobs never mix. A job that is killed leaves a B without an E.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int record(int file, char what, const char *label) {
  char line[512];
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int length = snprintf(line, sizeof line, "%c %lld%09ld %d %s\n", what, (long long)now.tv_sec, now.tv_nsec,
                        (int)getpid(), label);
  if (length >= (int)sizeof line || write(file, line, (size_t)length) != length) {
    fprintf(stderr, "job: cannot record: %s\n", strerror(errno));
    return 0;
  }
  return 1;
}

static int run(char **command) {
  pid_t child = fork();
  if (child == 0) {
    execvp(command[0], command);
    fprintf(stderr, "job: cannot run %s: %s\n", command[0], strerror(errno));
    _exit(127);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) < 0) return 126;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fputs("usage: job FILE MS [LABEL [CMD ARGS...]]\n", stderr);
    return 64;
  }
  const char *label = argc > 3 ? argv[3] : "job";
  long milliseconds = atol(argv[2]);
  int file = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) {
    fprintf(stderr, "job: cannot open %s: %s\n", argv[1], strerror(errno));
    return 66;
  }
  if (!record(file, 'B', label)) return 74;
  struct timespec rest = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&rest, &rest) < 0 && errno == EINTR) continue;
  int status = argc > 4 ? run(argv + 4) : 0;
  if (!record(file, 'E', label)) return 74;
  return status;
}
