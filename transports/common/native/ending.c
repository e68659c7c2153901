/* SPDX-License-Identifier: MIT */
#include "common/native/ending.h"

#include <stdio.h>

/* Exceptions and other codes of the system (ntstatus.h), and the signal that the same is elsewhere. */
static const struct {
  uint32_t code;
  unsigned signal; /* 0: none */
  const char *words;
} known[] = {
    {0xC0000005, 11, "by an access violation"},
    {0xC0000006, 7, "as a file could not be read in (a disk or a network that is gone)"},
    {0xC0000017, 0, "for want of memory"},
    {0xC000001D, 4, "by an instruction that this processor does not know"},
    {0xC0000094, 8, "by a division by zero"},
    {0xC00000FD, 11, "as its stack was too small"},
    {0xC0000135, 0, "before it began, as a DLL is missing"},
    {0xC0000139, 0, "before it began, as a DLL is another version than it needs"},
    {0xC000013A, 2, "by Ctrl-C"},
    {0xC0000142, 0, "before it began, as a DLL could not start"},
    {0xC000007B, 0, "before it began, as a file of it is broken or for another kind of processor"},
    {0xC0000374, 6, "as its heap was damaged"},
    {0xC0000409, 6, "by itself, on a fault that it found (abort)"},
    {0xE06D7363, 6, "by an exception of C++ that it did not catch"},
    {0x40010004, 15, "by the end of the session"},
};

void ending_words(uint32_t code, char *text, size_t size) {
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    if (known[i].code == code) {
      (void)snprintf(text, size, "%s (0x%08lX)", known[i].words, (unsigned long)code);
      return;
    }
  }
  (void)snprintf(text, size, code > 0xFFFF ? "with exit code 0x%08lX" : "with exit code %lu", (unsigned long)code);
}

unsigned ending_status(uint32_t code) {
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    if (known[i].code == code && known[i].signal > 0) {
      return 128 + known[i].signal;
    }
  }
  return code <= 255 ? code : 255;
}
