/* SPDX-License-Identifier: MIT */
#include "log/sink.h"

#include <penstock/base.h>

#include "win/wide.h"

/* For appending alone, so that each line goes to the end whoever else writes; others may rename the file or take it
 * away. */
int ps_log_sink_open(const char *path) {
  wchar_t *wide = ps_wide(path);
  HANDLE file =
      wide ? CreateFileW(wide, FILE_APPEND_DATA | SYNCHRONIZE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                         NULL, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL)
           : INVALID_HANDLE_VALUE;
  DWORD reason = GetLastError();
  free(wide);
  if (file == INVALID_HANDLE_VALUE) {
    errno = reason == ERROR_FILE_NOT_FOUND || reason == ERROR_PATH_NOT_FOUND ? ENOENT
            : reason == ERROR_ACCESS_DENIED                                  ? EACCES
                                                                             : EIO;
    return -1;
  }
  int fd = _open_osfhandle((intptr_t)file, _O_APPEND | _O_BINARY | _O_NOINHERIT);
  if (fd < 0) {
    (void)CloseHandle(file);
  }
  return fd;
}

int ps_log_sink_write(int fd, const char *data, size_t size) {
  while (size > 0) {
    int count = write(fd, data, size > INT_MAX ? INT_MAX : (unsigned)size);
    if (count <= 0) {
      return PENSTOCK_E_FAILED;
    }
    data += count;
    size -= (size_t)count;
  }
  return 0;
}

/* There is no TERM, but a console may be of before the sequences, or not have been told of them. */
int ps_log_sink_shows_colour(int fd) {
  const char *term = getenv("TERM");
  DWORD mode = 0;
  return GetConsoleMode((HANDLE)_get_osfhandle(fd), &mode) && (mode & ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0 &&
         !(term && strcmp(term, "dumb") == 0);
}

void ps_log_sink_move_errors(int before, int fd) {
  (void)before; /* the log is never opened anew here */
  (void)fd;
}
