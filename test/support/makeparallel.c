/*
 * makeparallel [--ninja] CMD ARGS...
 *
 * Stands in for the tool of that name in Android's build, which no distribution packages, with the ways that matter to
 * a jobserver:
 *  - it knows the spelling --jobserver-fds=R,W and no other;
 *  - it takes every token that is there, without waiting, and keeps them all while CMD runs;
 *  - it runs CMD with -jN+1 as its first argument, N being the tokens it took, and without MAKEFLAGS and MAKELEVEL;
 *  - it gives back a '+' for each token, whatever byte it took;
 *  - it believes in a parallel build only where MAKEFLAGS has a j, and with a j and no token it guesses CPUs + 2
 *    (ninja is left to guess for itself).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct flags {
  int read_fd, write_fd;
  int parallel;
};

static void fail(const char *what) {
  fprintf(stderr, "makeparallel: %s: %s\n", what, strerror(errno));
  exit(1);
}

static struct flags parse(const char *makeflags) {
  struct flags found = {-1, -1, 0};
  char *text = strdup(makeflags), *rest = text, *word;
  int first = 1;
  while ((word = strsep(&rest, " ")) != NULL) {
    if (*word == '\0') continue;
    if (strcmp(word, "--") == 0) break;
    if (strncmp(word, "--", 2) == 0) {
      sscanf(word, "--jobserver-fds=%d,%d", &found.read_fd, &found.write_fd);
    } else if (word[0] == '-' || (first && strchr(word, '=') == NULL)) {
      /* Single letters; the first word may have them without their dash. */
      if (strchr(word, 'j') != NULL) found.parallel = 1;
    }
    first = 0;
  }
  free(text);
  return found;
}

/* Through a description of its own, so that the one it shares keeps its flags. */
static int take_all(int read_fd) {
  char path[64], token;
  int count = 0;
  snprintf(path, sizeof path, "/proc/self/fd/%d", read_fd);
  int own = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (own < 0) fail("cannot open the jobserver (does the recipe begin with +?)");
  while (read(own, &token, 1) == 1) count++;
  close(own);
  return count;
}

static void give_back(int write_fd, int count) {
  while (count-- > 0) {
    if (write(write_fd, "+", 1) != 1) fail("cannot give a token back");
  }
}

int main(int argc, char **argv) {
  int ninja = argc > 1 && strcmp(argv[1], "--ninja") == 0;
  char **command = argv + 1 + ninja;
  if (command >= argv + argc) {
    fputs("usage: makeparallel [--ninja] CMD ARGS...\n", stderr);
    return 64;
  }
  const char *makeflags = getenv("MAKEFLAGS");
  struct flags flags = parse(makeflags ? makeflags : "");
  int tokens = 0;
  if (flags.read_fd >= 0 && flags.write_fd >= 0) {
    tokens = take_all(flags.read_fd);
    fcntl(flags.read_fd, F_SETFD, FD_CLOEXEC);
    fcntl(flags.write_fd, F_SETFD, FD_CLOEXEC);
  }

  char jobs[32] = "";
  if (flags.parallel && tokens > 0) snprintf(jobs, sizeof jobs, "-j%d", tokens + 1);
  else if (flags.parallel && !ninja) snprintf(jobs, sizeof jobs, "-j%ld", sysconf(_SC_NPROCESSORS_ONLN) + 2);
  else if (!flags.parallel && ninja) strcpy(jobs, "-j1");
  char **with_jobs = calloc((size_t)argc + 2, sizeof *with_jobs), **next = with_jobs;
  *next++ = *command++;
  if (*jobs != '\0') *next++ = jobs;
  while ((*next++ = *command++) != NULL) continue;

  pid_t child = fork();
  if (child < 0) fail("cannot fork");
  if (child == 0) {
    unsetenv("MAKEFLAGS");
    unsetenv("MAKELEVEL");
    execvp(with_jobs[0], with_jobs);
    fail(with_jobs[0]);
  }
  int status;
  if (waitpid(child, &status, 0) < 0) fail("cannot wait");
  give_back(flags.write_fd, tokens);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
