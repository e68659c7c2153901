/* SPDX-License-Identifier: MIT */
#include "cli/term.h"

#include <stdint.h>

static HANDLE handle_of(ps_stream stream) {
  return GetStdHandle(stream == PS_STDERR ? STD_ERROR_HANDLE : STD_OUTPUT_HANDLE);
}

/* --- the console, which others use before and after us --------------------------------------------- */

static const ps_stream streams[] = {PS_STDOUT, PS_STDERR};
#define STREAMS (sizeof(streams) / sizeof(streams[0]))

/* As it was; modes and code page are the console's, not the process's. */
static struct {
  DWORD modes[STREAMS];
  int is_console[STREAMS];
  UINT code_page; /* 0: it is as it was */
} before;

/* In the reverse order: both streams may be the same screen. */
static void restore(void) {
  for (size_t i = STREAMS; i > 0; i--) {
    if (before.is_console[i - 1]) {
      (void)SetConsoleMode(handle_of(streams[i - 1]), before.modes[i - 1]);
    }
  }
  if (before.code_page != 0) {
    (void)SetConsoleOutputCP(before.code_page);
  }
}

/* Asked last, when nobody else wants to know of the event: the process ends now, without its usual end. */
static BOOL WINAPI restore_for_end(DWORD event) {
  (void)event;
  restore();
  return FALSE;
}

/* What we write is UTF-8, and colours are sequences, which a console understands when it is told so. */
void ps_term_prepare(void) {
  for (size_t i = 0; i < STREAMS; i++) {
    DWORD mode = 0;
    (void)_setmode((int)streams[i], _O_BINARY);
    if (GetConsoleMode(handle_of(streams[i]), &mode)) {
      before.is_console[i] = 1;
      before.modes[i] = mode;
      (void)SetConsoleMode(handle_of(streams[i]), mode | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
    }
  }
  if (before.is_console[0] || before.is_console[1]) {
    UINT now = GetConsoleOutputCP();
    before.code_page = now != CP_UTF8 && SetConsoleOutputCP(CP_UTF8) ? now : 0;
    (void)atexit(restore);
    (void)SetConsoleCtrlHandler(restore_for_end, TRUE);
  }
}

int ps_term_system_is_utf8(void) {
  return ps_term_is_terminal(PS_STDOUT) && GetConsoleOutputCP() == CP_UTF8;
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
