/*
 * meter MS CMD [ARGS...]
 *
 * Runs CMD and prints one line of JSON when all that it started has ended:
 *   status     CMD's wait status
 *   wallNs     from its start to its end
 *   cpuNs      processor time of all processes below, to the last one
 *   peakBytes  the most memory that they had at once, asked every MS milliseconds: what is theirs alone (anonymous
 *              pages), so that a compiler's code, which all compilers share, is not counted for each of them
 *   samples    how often it was asked
 *   ownNs      the processor time that the asking took
 *   left       how many processes were still there 10 s after CMD had ended, and were killed
 *
 * It is the reaper of all below, so that what a build leaves in the background is seen as well. It kills them all when
 * a signal asks it to end, or its standard input has ended: then whoever started it is gone.
 *
 * In C, as a Node that reads so many files of /proc would take a good part of a CPU itself.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_NS 10000000000LL
#define DEPTH 64

extern char **environ;

static void die(const char *what) {
  fprintf(stderr, "meter: %s: %s\n", what, strerror(errno));
  exit(70);
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long processor_ns(int who) {
  struct rusage usage;
  getrusage(who, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000LL +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000LL;
}

/* The whole of a small file of /proc as text; empty where its process has ended. */
static void read_text(const char *path, char *text, size_t size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? 0 : read(file, text, size - 1);
  if (file >= 0) close(file);
  text[length > 0 ? length : 0] = '\0';
}

static void for_each_child(int pid, int depth, void (*visit)(int pid)) {
  char path[64], children[16384];
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *threads = opendir(path);
  if (threads == NULL) return;
  for (struct dirent *thread; (thread = readdir(threads)) != NULL;) {
    if (thread->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%d/task/%.20s/children", pid, thread->d_name);
    read_text(path, children, sizeof children);
    for (char *at = children, *end; *at != '\0'; at = end) {
      int child = (int)strtol(at, &end, 10);
      if (end == at) break;
      visit(child);
      if (depth < DEPTH) for_each_child(child, depth + 1, visit);
    }
  }
  closedir(threads);
}

static long long sum;
static long page;

static void add_memory(int pid) {
  char path[64], text[256];
  long long resident = 0, shared = 0;
  snprintf(path, sizeof path, "/proc/%d/statm", pid);
  read_text(path, text, sizeof text);
  if (sscanf(text, "%*d %lld %lld", &resident, &shared) == 2) sum += (resident - shared) * page;
}

static void kill_it(int pid) { kill(pid, SIGKILL); }

/* Until none is left: one that was being started when the others were killed is found the next time. Returns how many. */
static int kill_all(void) {
  int killed = 0;
  for (;;) {
    for_each_child(getpid(), 0, kill_it);
    pid_t pid = waitpid(-1, NULL, WNOHANG);
    if (pid < 0) return killed;
    if (pid > 0) killed++;
    else usleep(1000);
  }
}

int main(int argc, char **argv) {
  long long interval = argc > 2 ? atoll(argv[1]) * 1000000LL : 0;
  if (interval <= 0) {
    fputs("usage: meter MS CMD [ARGS...]\n", stderr);
    return 64;
  }
  page = sysconf(_SC_PAGESIZE);
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) die("prctl");
  sigset_t watched, none;
  sigemptyset(&none);
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  sigaddset(&watched, SIGINT);
  sigaddset(&watched, SIGTERM);
  sigaddset(&watched, SIGHUP);
  sigprocmask(SIG_BLOCK, &watched, NULL);
  int signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) die("signalfd");

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, 2, 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t command;
  long long begin = now(), end = 0;
  errno = posix_spawnp(&command, argv[2], &files, &attributes, argv + 2, environ);
  if (errno != 0) die(argv[2]);

  struct pollfd watch[] = {{0, POLLIN, 0}, {signals, POLLIN, 0}};
  long long next = begin, most = 0, samples = 0;
  int command_status = 0, left = 0;
  for (;;) {
    long long wait = next - now();
    if (wait <= 0) {
      sum = 0;
      for_each_child(getpid(), 0, add_memory);
      if (sum > most) most = sum;
      samples++;
      next = now() + interval;
      wait = interval;
    }
    struct timespec rest = {wait / 1000000000LL, wait % 1000000000LL};
    if (ppoll(watch, 2, &rest, NULL) < 0 && errno != EINTR) die("ppoll");
    int asked_to_end = 0;
    char byte;
    if (watch[0].revents != 0 && read(0, &byte, 1) <= 0) asked_to_end = 1;
    for (struct signalfd_siginfo info; read(signals, &info, sizeof info) == sizeof info;) {
      if (info.ssi_signo != SIGCHLD) asked_to_end = 1;
    }
    if (asked_to_end) {
      kill_all();
      return 130;
    }
    pid_t pid;
    int status;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
      if (pid != command) continue;
      end = now();
      command_status = status;
    }
    if (pid < 0) break;
    if (end != 0 && now() - end > PATIENCE_NS) {
      left = kill_all();
      break;
    }
  }
  printf("{\"status\":%d,\"wallNs\":%lld,\"cpuNs\":%lld,\"peakBytes\":%lld,\"samples\":%lld,\"ownNs\":%lld,\"left\":%d}\n",
         command_status, end - begin, processor_ns(RUSAGE_CHILDREN), most, samples, processor_ns(RUSAGE_SELF), left);
  return 0;
}
