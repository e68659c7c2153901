/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/text.h"
#include "config/expand.h"
#include "host/prompt.h"
#include "host/secret_source.h"
#include "win/acl.h"
#include "win/reason.h"
#include "win/wide.h"

/* More than any password or token is long. */
#define SECRET_BYTES 65536

static int32_t file_failed(const char *path, DWORD reason, penstock_error *error) {
  char text[160];
  int is_missing = reason == ERROR_FILE_NOT_FOUND || reason == ERROR_PATH_NOT_FOUND;
  ps_reason(reason, text, sizeof(text));
  penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "cannot read the secret in '%s': %s", path, text);
  penstock_next(error, "%s",
                is_missing ? "create the file, or correct its path" : "give this user the right to read it");
  return is_missing ? PENSTOCK_E_NOT_FOUND : PENSTOCK_E_FAILED;
}

/* Nobody else may read it, and only the user, the system or an administrator may own it. */
static int32_t check_file(HANDLE file, const char *path, penstock_error *error) {
  char who[128];
  if (ps_acl_others(file, FILE_READ_DATA | FILE_WRITE_DATA | WRITE_DAC | WRITE_OWNER, who, sizeof(who)) == 0) {
    return PENSTOCK_OK;
  }
  penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "others can read or write the secret in '%s' (%s)",
                path, who);
  char remedy[sizeof(error->next)];
  ps_acl_write_remedy(remedy, sizeof(remedy), path);
  penstock_next(error, "%s", remedy);
  return PENSTOCK_E_FAILED;
}

static int32_t read_file(HANDLE file, const char *path, char *secret, size_t secret_size, penstock_error *error) {
  DWORD size = 0;
  DWORD count = 1;
  char *bytes = malloc(SECRET_BYTES);
  if (!bytes) {
    return file_failed(path, ERROR_NOT_ENOUGH_MEMORY, error);
  }
  int failed = 0;
  while (!failed && count > 0 && size < SECRET_BYTES) {
    failed = !ReadFile(file, bytes + size, SECRET_BYTES - size, &count, NULL);
    size += failed ? 0 : count;
  }
  int32_t result = failed ? file_failed(path, GetLastError(), error)
                          : ps_secret_take(bytes, size, secret, secret_size, "the file", path, error);
  ps_wipe(bytes, size);
  free(bytes);
  return result;
}

int32_t ps_secret_from_file(const char *path, char *secret, size_t secret_size, penstock_error *error) {
  ps_text expanded = {0};
  ps_text fault = {0};
  int has_path = ps_expand_home(path, &expanded, &fault) == 0 && expanded.data;
  wchar_t *wide = has_path ? ps_wide(expanded.data) : NULL;
  HANDLE file = wide ? CreateFileW(wide, GENERIC_READ | READ_CONTROL, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL)
                     : INVALID_HANDLE_VALUE;
  int32_t result;
  if (file == INVALID_HANDLE_VALUE) {
    result = file_failed(path, wide ? GetLastError() : ERROR_PATH_NOT_FOUND, error);
  } else {
    result = check_file(file, path, error);
    result = result == PENSTOCK_OK ? read_file(file, path, secret, secret_size, error) : result;
    (void)CloseHandle(file);
  }
  free(wide);
  free(expanded.data);
  free(fault.data);
  return result;
}

/* cmd.exe takes quotes apart by rules of its own, so the command comes to it in a variable, which it fills in first. */
void ps_secret_command_line(const char *command, ps_secret_line *line) {
  *line = (ps_secret_line){.argv = {"cmd.exe", "/d", "/c", "%PENSTOCK_SECRET_COMMAND%"}, .env = {line->text}};
  (void)snprintf(line->text, sizeof(line->text), "PENSTOCK_SECRET_COMMAND=%s", command);
}
