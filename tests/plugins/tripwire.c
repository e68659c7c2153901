/* SPDX-License-Identifier: MIT */
/* Linked into every test plugin: the proof that code of it ran is that the file named by PENSTOCK_TEST_TRIPWIRE is
 * there. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void leave_a_trace(void) {
  const char *path = getenv("PENSTOCK_TEST_TRIPWIRE");
  int file = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
  if (file >= 0) {
    (void)close(file);
  }
}
