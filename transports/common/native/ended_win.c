/* SPDX-License-Identifier: MIT */
#include "common/native/ended_win.h"

#include <string.h>

/* More solvers than this are not alive at once; the oldest goes. */
#define MOST 32

static struct {
  SRWLOCK lock;
  struct {
    char token[RECORD_TOKEN_SIZE];
    HANDLE process;
  } items[MOST];
  size_t count;
} known = {.lock = SRWLOCK_INIT};

/* Under the lock. NULL if it is not there. */
static HANDLE find(const char *token) {
  for (size_t i = 0; i < known.count; i++) {
    if (strcmp(known.items[i].token, token) == 0) {
      return known.items[i].process;
    }
  }
  return NULL;
}

void ended_watch(const record *kept, HANDLE process) {
  HANDLE own = NULL;
  AcquireSRWLockExclusive(&known.lock);
  if (!find(kept->token) && DuplicateHandle(GetCurrentProcess(), process, GetCurrentProcess(), &own,
                                            PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, 0)) {
    if (known.count == MOST) {
      (void)CloseHandle(known.items[0].process);
      known.count--;
      memmove(known.items, known.items + 1, known.count * sizeof(known.items[0]));
    }
    memcpy(known.items[known.count].token, kept->token, RECORD_TOKEN_SIZE);
    known.items[known.count++].process = own;
  }
  ReleaseSRWLockExclusive(&known.lock);
}

int ended_code(const record *kept, DWORD patience_ms, DWORD *code) {
  HANDLE own = NULL;
  AcquireSRWLockShared(&known.lock);
  HANDLE process = find(kept->token);
  if (process) { /* the list's may go while we wait */
    (void)DuplicateHandle(GetCurrentProcess(), process, GetCurrentProcess(), &own, 0, FALSE, DUPLICATE_SAME_ACCESS);
  }
  ReleaseSRWLockShared(&known.lock);
  int is_known = own && WaitForSingleObject(own, patience_ms) == WAIT_OBJECT_0 && GetExitCodeProcess(own, code);
  if (own) {
    (void)CloseHandle(own);
  }
  return is_known;
}
