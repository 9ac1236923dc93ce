/* What gcc's libstdc++.a and libgcc_eh.a, compiled for glibc, ask of it and musl does not have. */
#include <sys/syscall.h>

long syscall(long number, ...);

void *__dso_handle __attribute__((visibility("hidden"))) = &__dso_handle;

/* Zero: there may be threads, so reference counts are atomic. */
char __libc_single_threaded;

unsigned arc4random(void) {
  unsigned number = 4;
  syscall(SYS_getrandom, &number, sizeof number, 0);
  return number;
}

/* Not found: the unwinder then asks dl_iterate_phdr, which musl has. */
int _dl_find_object(void *address, void *result) {
  (void)address, (void)result;
  return -1;
}
