/* SPDX-License-Identifier: MIT */
#include "win/reason.h"

#include <stdio.h>

void ps_reason(DWORD reason, char *text, size_t size) {
  wchar_t wide[256];
  DWORD length =
      FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK, NULL,
                     reason, 0, wide, sizeof(wide) / sizeof(wide[0]) - 1, NULL);
  while (length > 0 && (wide[length - 1] <= L' ' || wide[length - 1] == L'.')) {
    length--;
  }
  wide[length] = L'\0';
  if (length == 0 || WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, (int)size, NULL, NULL) == 0) {
    (void)snprintf(text, size, "error %lu of Windows", reason);
  }
}
