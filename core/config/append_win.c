/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/append.h"
#include "config/append_text.h"
#include "win/reason.h"
#include "win/wide.h"

#define LARGEST_FILE ((size_t)1024 * 1024)

/* One change under way. */
typedef struct change {
  const char *path;
  char *made_path;
  wchar_t *wide;
  wchar_t *made; /* the new file, beside the old one */
  int is_there;
  int is_made;
  FILETIME seen; /* when the old one was changed last */
  ps_text bytes;
  penstock_error *error;
} change;

static int fail(const change *self, const char *doing) {
  char text[160];
  ps_reason(GetLastError(), text, sizeof(text));
  (void)penstock_fail(self->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "cannot %s %s: %s", doing, self->path,
                      text);
  penstock_next(self->error, "Name a file that you can write with --config FILE");
  return PENSTOCK_E_FAILED;
}

static int read_old(change *self) {
  char block[16384];
  DWORD count = 0;
  HANDLE file =
      CreateFileW(self->wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
  if (file == INVALID_HANDLE_VALUE) {
    DWORD reason = GetLastError();
    if (reason != ERROR_FILE_NOT_FOUND && reason != ERROR_PATH_NOT_FOUND) {
      return fail(self, "open");
    }
    ps_wide_make_folders(self->wide);
    return 0;
  }
  self->is_there = 1;
  int result = GetFileTime(file, NULL, NULL, &self->seen) ? 0 : fail(self, "look at");
  while (result == 0) {
    if (!ReadFile(file, block, sizeof(block), &count, NULL)) {
      result = fail(self, "read");
    } else if (count == 0) {
      break;
    } else if (self->bytes.size + count > LARGEST_FILE) {
      SetLastError(ERROR_FILE_TOO_LARGE);
      result = fail(self, "add to");
    } else {
      ps_text_add(&self->bytes, block, count);
    }
  }
  (void)CloseHandle(file);
  return result;
}

/* Inside of the user's own folder a new file is the user's alone, as the folder hands its list down. */
static int write_new(change *self) {
  DWORD written = 0;
  HANDLE file = CreateFileW(self->made, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
  if (file == INVALID_HANDLE_VALUE) {
    return fail(self, "write beside");
  }
  self->is_made = 1;
  int is_written = WriteFile(file, self->bytes.data, (DWORD)self->bytes.size, &written, NULL) &&
                   written == self->bytes.size && FlushFileBuffers(file);
  int result = is_written ? 0 : fail(self, "write beside");
  (void)CloseHandle(file);
  return result;
}

/* Has somebody else written to the file meanwhile? */
static int has_changed(const change *self) {
  WIN32_FILE_ATTRIBUTE_DATA now;
  if (!GetFileAttributesExW(self->wide, GetFileExInfoStandard, &now)) {
    return self->is_there;
  }
  return !self->is_there || CompareFileTime(&now.ftLastWriteTime, &self->seen) != 0;
}

/* ReplaceFileW() keeps the old file's access list. */
static int put_in_place(change *self) {
  if (has_changed(self)) {
    (void)penstock_fail(self->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                        "%s was changed meanwhile: nothing was written", self->path);
    penstock_next(self->error, "Try again");
    return PENSTOCK_E_FAILED;
  }
  int is_done = self->is_there ? ReplaceFileW(self->wide, self->made, NULL, 0, NULL, NULL)
                               : MoveFileExW(self->made, self->wide, MOVEFILE_WRITE_THROUGH);
  if (!is_done) {
    return fail(self, "replace");
  }
  self->is_made = 0;
  return 0;
}

int ps_config_append(const char *path, const char *text, int (*check)(void *context, const char *made), void *context,
                     penstock_error *error) {
  change self = {.path = path, .error = error, .wide = ps_wide(path)};
  ps_text made = {0};
  ps_text_addf(&made, "%s.%lu", path, (unsigned long)GetCurrentProcessId());
  self.made_path = made.data;
  self.made = made.data ? ps_wide(made.data) : NULL;
  int result = self.wide && self.made
                   ? read_old(&self)
                   : penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s: this is no path", path);
  if (result == 0) {
    ps_append_text(&self.bytes, text);
    result = write_new(&self);
  }
  if (result == 0) {
    result = check(context, self.made_path);
  }
  if (result == 0) {
    result = put_in_place(&self);
  }
  if (self.is_made) {
    (void)DeleteFileW(self.made);
  }
  free(self.wide);
  free(self.made);
  free(self.made_path);
  free(self.bytes.data);
  return result;
}
