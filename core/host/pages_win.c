/* SPDX-License-Identifier: MIT */
#include "host/pages.h"

char *ps_pages_new(size_t size, size_t *room) {
  SYSTEM_INFO system;
  GetSystemInfo(&system);
  *room = (size + system.dwPageSize - 1) / system.dwPageSize * system.dwPageSize;
  void *pages = VirtualAlloc(NULL, *room, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
  if (pages && !VirtualLock(pages, *room)) {
    (void)VirtualFree(pages, 0, MEM_RELEASE);
    return NULL;
  }
  return pages;
}

void ps_pages_free(char *pages, size_t room) {
  (void)room;
  (void)VirtualFree(pages, 0, MEM_RELEASE);
}
