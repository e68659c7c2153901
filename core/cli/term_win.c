/* SPDX-License-Identifier: MIT */
#include "cli/term.h"

#include <stdint.h>

static HANDLE handle_of(ps_stream stream) {
  return GetStdHandle(stream == PS_STDERR ? STD_ERROR_HANDLE : STD_OUTPUT_HANDLE);
}

/* What we write is UTF-8, and colours are sequences, which a console understands when it is told so. */
void ps_term_prepare(void) {
  static const ps_stream streams[] = {PS_STDOUT, PS_STDERR};
  for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
    DWORD mode = 0;
    (void)_setmode((int)streams[i], _O_BINARY);
    if (GetConsoleMode(handle_of(streams[i]), &mode)) {
      (void)SetConsoleMode(handle_of(streams[i]), mode | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
      (void)SetConsoleOutputCP(CP_UTF8);
    }
  }
}

int ps_term_is_terminal(ps_stream stream) {
  DWORD mode = 0;
  return GetConsoleMode(handle_of(stream), &mode) && (mode & ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0;
}

/* A process has one console. Of two pipes it cannot be known, and they are taken for two. */
int ps_term_is_one_place(void) {
  BY_HANDLE_FILE_INFORMATION out;
  BY_HANDLE_FILE_INFORMATION err;
  if (ps_term_is_terminal(PS_STDOUT) || ps_term_is_terminal(PS_STDERR)) {
    return ps_term_is_terminal(PS_STDOUT) && ps_term_is_terminal(PS_STDERR);
  }
  return GetFileType(handle_of(PS_STDOUT)) == FILE_TYPE_DISK &&
         GetFileInformationByHandle(handle_of(PS_STDOUT), &out) &&
         GetFileInformationByHandle(handle_of(PS_STDERR), &err) &&
         out.dwVolumeSerialNumber == err.dwVolumeSerialNumber && out.nFileIndexHigh == err.nFileIndexHigh &&
         out.nFileIndexLow == err.nFileIndexLow;
}

size_t ps_term_columns(ps_stream stream) {
  CONSOLE_SCREEN_BUFFER_INFO info;
  if (!GetConsoleScreenBufferInfo(handle_of(stream), &info) || info.srWindow.Right < info.srWindow.Left) {
    return 80;
  }
  return (size_t)(info.srWindow.Right - info.srWindow.Left) + 1;
}

int ps_term_write(ps_stream stream, const void *data, size_t size) {
  const char *at = data;
  while (size > 0) {
    DWORD count = 0;
    if (!WriteFile(handle_of(stream), at, size > UINT32_MAX / 2 ? UINT32_MAX / 2 : (DWORD)size, &count, NULL)) {
      DWORD reason = GetLastError();
      int has_gone = reason == ERROR_BROKEN_PIPE || reason == ERROR_NO_DATA;
      errno = has_gone ? EPIPE : reason == ERROR_DISK_FULL ? ENOSPC : EIO;
      return -1;
    }
    at += count;
    size -= count;
  }
  return 0;
}
