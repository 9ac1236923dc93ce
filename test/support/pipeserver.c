/*
 * pipeserver pipe R W TOKENS CMD ARGS...
 * pipeserver fifo PATH TOKENS CMD ARGS...
 *
 * A jobserver that changes nothing and hides nothing, to judge CMD as its client. TOKENS are bytes in hex, one token
 * each; let them differ, and a client that gives back another byte than it took is found out. The pipe is at the
 * descriptors R and W, blocking, inherited by CMD; the FIFO is made at PATH and removed at the end. When CMD has ended,
 * one line of JSON goes to the file named by PIPESERVER_REPORT, or else to stderr:
 *
 *   {"tokens":"2b41","status":0,"signal":0,"flags_before":[0,1],"flags_after":[0,1]}
 *
 * tokens: what is in the pipe, sorted, in hex. flags: F_GETFL of the read end and of the write end (of a FIFO's one
 * description, twice), as this process sees them. Exits as CMD did, with 128 + signal where a signal ended it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 4096 };

static void fail(const char *what) {
  fprintf(stderr, "pipeserver: %s: %s\n", what, strerror(errno));
  exit(70);
}

static void usage(void) {
  fputs("usage: pipeserver pipe R W TOKENS CMD ARGS...\n       pipeserver fifo PATH TOKENS CMD ARGS...\n", stderr);
  exit(64);
}

static int from_hex(const char *hex, unsigned char *bytes) {
  int count = 0;
  for (unsigned byte; *hex != '\0'; hex += 2) {
    if (count == MOST || strlen(hex) < 2 || sscanf(hex, "%2x", &byte) != 1) usage();
    bytes[count++] = (unsigned char)byte;
  }
  return count;
}

/* Both ends are moved out of the way first: R may be the number that pipe() chose for the write end. */
static void pipe_at(int read_fd, int write_fd) {
  int ends[2];
  int above = (read_fd > write_fd ? read_fd : write_fd) + 1;
  if (pipe(ends) < 0) fail("cannot make a pipe");
  int high_read = fcntl(ends[0], F_DUPFD, above), high_write = fcntl(ends[1], F_DUPFD, above);
  if (high_read < 0 || high_write < 0) fail("cannot move the pipe");
  close(ends[0]);
  close(ends[1]);
  if (dup2(high_read, read_fd) < 0 || dup2(high_write, write_fd) < 0) fail("cannot put the pipe in its place");
  close(high_read);
  close(high_write);
}

static int fifo_at(const char *path) {
  if (mkfifo(path, 0600) < 0) fail(path);
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) fail(path);
  return fd;
}

/* make writes a space of the path as "\ ". */
static void escape(const char *path, char *out) {
  for (; *path != '\0'; path++) {
    if (*path == ' ') *out++ = '\\';
    *out++ = *path;
  }
  *out = '\0';
}

static int ascending(const void *a, const void *b) {
  return *(const unsigned char *)a - *(const unsigned char *)b;
}

/* Through a description of its own: O_NONBLOCK on the shared one would be the very fault to look for. */
static int drain(int read_fd, unsigned char *bytes) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", read_fd);
  int own = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (own < 0) fail("cannot open the pipe anew");
  ssize_t count = read(own, bytes, MOST);
  close(own);
  if (count < 0) count = 0;
  qsort(bytes, (size_t)count, 1, ascending);
  return (int)count;
}

static FILE *report_file(void) {
  const char *path = getenv("PIPESERVER_REPORT");
  FILE *file = path ? fopen(path, "we") : stderr;
  if (file == NULL) fail(path);
  unsetenv("PIPESERVER_REPORT");
  return file;
}

int main(int argc, char **argv) {
  unsigned char tokens[MOST];
  char makeflags[3 * 4096];
  const char *path = NULL;
  int read_fd, write_fd;
  FILE *report = NULL;

  if (argc > 5 && strcmp(argv[1], "pipe") == 0) {
    read_fd = atoi(argv[2]);
    write_fd = atoi(argv[3]);
    if (read_fd < 3 || write_fd < 3 || read_fd == write_fd) usage();
    pipe_at(read_fd, write_fd);
    argv += 4;
  } else if (argc > 4 && strcmp(argv[1], "fifo") == 0) {
    path = argv[2];
    read_fd = write_fd = fifo_at(path);
    argv += 3;
  } else {
    usage();
  }
  report = report_file();

  int count = from_hex(argv[0], tokens);
  char **command = argv + 1;
  if (write(write_fd, tokens, (size_t)count) != count) fail("cannot put the tokens in");
  int length = snprintf(makeflags, sizeof makeflags, " -j%d --jobserver-", count + 1);
  if (path == NULL) {
    snprintf(makeflags + length, sizeof makeflags - (size_t)length, "fds=%d,%d --jobserver-auth=%d,%d", read_fd, write_fd,
             read_fd, write_fd);
  } else {
    strcat(makeflags, "auth=fifo:");
    escape(path, makeflags + strlen(makeflags));
  }
  setenv("MAKEFLAGS", makeflags, 1);
  setenv("MAKELEVEL", "1", 1);
  unsetenv("MFLAGS");
  unsetenv("CARGO_MAKEFLAGS");

  int read_before = fcntl(read_fd, F_GETFL), write_before = fcntl(write_fd, F_GETFL);
  pid_t child = fork();
  if (child < 0) fail("cannot fork");
  if (child == 0) {
    execvp(command[0], command);
    fprintf(stderr, "pipeserver: cannot run %s: %s\n", command[0], strerror(errno));
    _exit(127);
  }
  int ended;
  while (waitpid(child, &ended, 0) < 0) {
    if (errno != EINTR) fail("cannot wait");
  }
  int read_after = fcntl(read_fd, F_GETFL), write_after = fcntl(write_fd, F_GETFL);
  int status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 0, signal = WIFSIGNALED(ended) ? WTERMSIG(ended) : 0;

  count = drain(read_fd, tokens);
  fputs("{\"tokens\":\"", report);
  for (int i = 0; i < count; i++) fprintf(report, "%02x", tokens[i]);
  fprintf(report, "\",\"status\":%d,\"signal\":%d,\"flags_before\":[%d,%d],\"flags_after\":[%d,%d]}\n", status, signal,
          read_before, write_before, read_after, write_after);
  fclose(report);
  if (path != NULL) unlink(path);
  return signal ? 128 + signal : status;
}
