#include "medium.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

void must(bool holds, const char* what) {
  if (holds) return;
  perror(what);
  exit(1);
}

void make_ends(Medium medium, int ends[2]) {
  if (medium == Medium::kPipe) {
    must(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  } else if (medium == Medium::kSocket) {
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  } else {
    char dir[] = "/tmp/jobslot-stress-XXXXXX";
    must(mkdtemp(dir) != nullptr, "mkdtemp");
    std::string path = std::string(dir) + "/fifo";
    must(mkfifo(path.c_str(), 0600) == 0, "mkfifo");
    for (int i = 0; i < 2; i++) must((ends[i] = open(path.c_str(), O_RDWR | O_CLOEXEC)) >= 0, "open");
    unlink(path.c_str());
    rmdir(dir);
  }
}
