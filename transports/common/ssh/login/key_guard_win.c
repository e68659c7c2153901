/* SPDX-License-Identifier: MIT */
/* What ssh.exe asks, too: nobody but the user, SYSTEM and administrators may read the file, and one of them owns it. */
#include <stdio.h>
#include <stdlib.h>

#include "common/ssh/login/key_guard.h"
#include "win/acl.h"
#include "win/wide.h"

int key_guard_is_open(const char *path, char *problem, size_t problem_size, char *remedy, size_t remedy_size) {
  char who[128];
  wchar_t *wide = ps_wide(path);
  HANDLE file = wide ? CreateFileW(wide, READ_CONTROL, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                                   OPEN_EXISTING, 0, NULL)
                     : INVALID_HANDLE_VALUE;
  free(wide);
  if (file == INVALID_HANDLE_VALUE) {
    return 0; /* it cannot be read either, which is then said */
  }
  int result = ps_acl_others(file, FILE_READ_DATA | FILE_WRITE_DATA | FILE_APPEND_DATA | WRITE_DAC | WRITE_OWNER, who,
                             sizeof(who));
  (void)CloseHandle(file);
  if (result <= 0) {
    return 0;
  }
  (void)snprintf(problem, problem_size, "can be read or changed by %s: it is not used", who);
  static const char words[] = "Take the right away: ";
  (void)snprintf(remedy, remedy_size, "%s", words);
  if (remedy_size > sizeof(words)) {
    ps_acl_write_remedy(remedy + sizeof(words) - 1, remedy_size - sizeof(words) + 1, path);
  }
  return 1;
}
