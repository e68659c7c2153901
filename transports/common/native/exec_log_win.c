/* SPDX-License-Identifier: MIT */
/* The end of the solver's log, and what is added to it: by its name, so that a new file in its place is followed too.
 */
#include <winsock2.h>

#include "common/native/exec_win.h"

#include <stdlib.h>

#include "common/native/far_end_win.h"
#include "common/native/place_win.h"
#include "common/win/files_win.h"
#include "win/reason.h"

#define CHUNK 65536
/* How often a file is looked at that grows. A folder on a network tells of no changes. */
#define LOOK_EVERY_MS 250

typedef struct follower {
  far_end end;
  wchar_t *path;
  HANDLE file; /* INVALID_HANDLE_VALUE: there is none yet */
  uint32_t lines;
  int follows;
  char *block;
} follower;

static HANDLE open_log(const wchar_t *path) {
  return CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0,
                     NULL);
}

static DWORD read_at(HANDLE file, int64_t at, char *block, DWORD size) {
  LARGE_INTEGER place = {.QuadPart = at};
  DWORD count = 0;
  return SetFilePointerEx(file, place, NULL, FILE_BEGIN) && ReadFile(file, block, size, &count, NULL) ? count : 0;
}

/* Where the last lines begin. What ends without a new line is a line, too. */
static int64_t find_lines(const follower *self) {
  LARGE_INTEGER size = {0};
  uint32_t left = self->lines;
  if (!GetFileSizeEx(self->file, &size)) {
    return 0;
  }
  int64_t end = size.QuadPart;
  int is_last = 1; /* the byte that is looked at is the file's last one */
  if (left == 0) {
    return end;
  }
  while (end > 0) {
    DWORD want = end < CHUNK ? (DWORD)end : CHUNK;
    DWORD count = read_at(self->file, end - want, self->block, want);
    if (count < want) {
      return end;
    }
    while (count > 0) {
      int is_end = self->block[--count] == '\n';
      if (is_end && !is_last && --left == 0) {
        return end - want + count + 1;
      }
      is_last = 0;
    }
    end -= want;
  }
  return 0;
}

static int is_same_file(HANDLE file, const wchar_t *path) {
  BY_HANDLE_FILE_INFORMATION ours;
  BY_HANDLE_FILE_INFORMATION there;
  HANDLE other = open_log(path);
  int is_same = other == INVALID_HANDLE_VALUE ||
                (GetFileInformationByHandle(file, &ours) && GetFileInformationByHandle(other, &there) &&
                 ours.nFileIndexLow == there.nFileIndexLow && ours.nFileIndexHigh == there.nFileIndexHigh &&
                 ours.dwVolumeSerialNumber == there.dwVolumeSerialNumber);
  if (other != INVALID_HANDLE_VALUE) {
    (void)CloseHandle(other);
  }
  return is_same;
}

/* Sends what there is from `at` on. Returns where it ends, or -1. */
static int64_t send_from(follower *self, int64_t at) {
  DWORD count;
  while (self->file != INVALID_HANDLE_VALUE && (count = read_at(self->file, at, self->block, CHUNK)) > 0) {
    if (far_end_send(&self->end, self->block, count) != 0) {
      return -1;
    }
    at += count;
  }
  return at;
}

/* Another file in its place begins at its beginning; so does one that was cut. */
static int64_t look_again(follower *self, int64_t at) {
  LARGE_INTEGER size = {0};
  if (self->file == INVALID_HANDLE_VALUE || !is_same_file(self->file, self->path)) {
    HANDLE other = open_log(self->path);
    if (other != INVALID_HANDLE_VALUE) {
      if (self->file != INVALID_HANDLE_VALUE) {
        (void)CloseHandle(self->file);
      }
      self->file = other;
      at = 0;
    }
  } else if (GetFileSizeEx(self->file, &size) && size.QuadPart < at) {
    at = 0;
  }
  return send_from(self, at);
}

static void destroy(follower *self) {
  if (self->file != INVALID_HANDLE_VALUE) {
    (void)CloseHandle(self->file);
  }
  free(self->path);
  free(self->block);
  free(self);
}

static DWORD WINAPI carry(void *context) {
  follower *self = context;
  int64_t at = self->file != INVALID_HANDLE_VALUE ? send_from(self, find_lines(self)) : 0;
  while (self->follows && at >= 0 && WaitForSingleObject(self->end.stop, LOOK_EVERY_MS) == WAIT_TIMEOUT) {
    at = look_again(self, at);
  }
  const pipes_wait wait = {.done = self->end.read, .calls = {self->end.stop}, .patience_ms = INFINITE};
  int is_broken = at < 0 || far_end_say(&self->end, 0, "", 0) != 0;
  while (!is_broken && pipes_read(self->end.socket, &wait, self->block, CHUNK) > 0) {
  }
  far_end_close(&self->end, is_broken);
  destroy(self);
  return 0;
}

/* --- its beginning -------------------------------------------------------------------------------- */

/* Path of the log, to free(): that of the solver which was launched last, also of one whose program is gone. */
static char *log_path(const solver_settings *settings) {
  layout found;
  record kept;
  penstock_error unused;
  int is_found = place_find(settings, &found, &unused) == PENSTOCK_OK;
  int has_record = is_found && place_read_record(&found, settings->port, &kept) == 0;
  char *path = layout_join(is_found ? found.root : settings->root, has_record ? kept.log : "server.log");
  if (is_found) {
    layout_clear(&found);
  }
  return path;
}

static follower *create(const exec_wanted *wanted, const char *path) {
  follower *self = calloc(1, sizeof(*self));
  if (!self) {
    return NULL;
  }
  self->file = INVALID_HANDLE_VALUE;
  self->path = files_wide_path(path);
  self->block = malloc(CHUNK);
  self->lines = wanted->lines;
  self->follows = (wanted->flags & PENSTOCK_COMMAND_FOLLOW) != 0;
  if (!self->path || !self->block) {
    destroy(self);
    return NULL;
  }
  self->file = open_log(self->path);
  return self;
}

static int fail_memory(penstock_error *error) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory, or of sockets");
}

static int begin(follower *self, const exec_wanted *wanted, penstock_socket *stream, penstock_error *error) {
  if (far_end_open(&self->end, wanted->token, wanted->mark, stream) != 0) {
    destroy(self);
    return fail_memory(error);
  }
  HANDLE thread = CreateThread(NULL, CHUNK, carry, self, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  if (!thread) {
    (void)closesocket((SOCKET)*stream);
    far_end_close(&self->end, 1);
    destroy(self);
    return fail_memory(error);
  }
  (void)CloseHandle(thread);
  return PENSTOCK_OK;
}

int exec_log_begin(const solver_settings *settings, const exec_wanted *wanted, penstock_socket *stream,
                   penstock_error *error) {
  if (!settings->root) {
    return penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG,
                         "The profile has no `root`, so it is not known where the solver's log is");
  }
  char *path = log_path(settings);
  follower *self = path ? create(wanted, path) : NULL;
  DWORD reason = GetLastError();
  int result;
  if (!self) {
    result = fail_memory(error);
  } else if (self->file == INVALID_HANDLE_VALUE && !(self->follows && reason == ERROR_FILE_NOT_FOUND)) {
    char text[160];
    ps_reason(reason, text, sizeof(text));
    result = penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT,
                           "There is no log that can be read: %.300s: %s", path, text);
    destroy(self);
  } else {
    result = begin(self, wanted, stream, error);
  }
  free(path);
  return result;
}
