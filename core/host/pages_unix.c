/* SPDX-License-Identifier: MIT */
#include "host/pages.h"

#include <sys/mman.h>
#include <unistd.h>

char *ps_pages_new(size_t size, size_t *room) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  *room = (size + page - 1) / page * page;
  void *pages = mmap(NULL, *room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) {
    return NULL;
  }
  if (mlock(pages, *room) != 0) {
    (void)munmap(pages, *room);
    return NULL;
  }
#ifdef MADV_DONTDUMP
  (void)madvise(pages, *room, MADV_DONTDUMP);
#endif
  return pages;
}

void ps_pages_free(char *pages, size_t room) {
  (void)munmap(pages, room);
}
