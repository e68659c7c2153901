/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/ssh/config/ssh_config_files.h"
#include "common/tcp.h"
#include "win/acl.h"
#include "win/wide.h"

enum { FILE_SIZE_MAX = 4 * 1024 * 1024 /* nobody writes that much by hand */ };

static int fail(penstock_error *error, const char *path, DWORD reason) {
  char text[160];
  tcp_error_text((int)reason, text, sizeof(text));
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s: %s", path, text);
  return reason == ERROR_FILE_NOT_FOUND || reason == ERROR_PATH_NOT_FOUND || reason == ERROR_INVALID_NAME
             ? PENSTOCK_E_NOT_FOUND
             : PENSTOCK_E_FAILED;
}

static int out_of_memory(penstock_error *error) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

/* --- reading --------------------------------------------------------------------------------------- */

static int check_safe(HANDLE file, const char *path, penstock_error *error) {
  char who[128];
  int result =
      ps_acl_others(file, FILE_WRITE_DATA | FILE_APPEND_DATA | DELETE | WRITE_DAC | WRITE_OWNER, who, sizeof(who));
  if (result == 0) {
    return 0;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      result > 0 ? "%s: %s may write this file, or owns it" : "%s: who may write this file %s", path,
                      who);
  penstock_next(error, "ssh refuses it too: icacls \"%s\" /inheritance:d /remove \"%s\"", path, who);
  return PENSTOCK_E_FAILED;
}

static int read_all(HANDLE file, const char *path, char **text, size_t *size, penstock_error *error) {
  LARGE_INTEGER length = {0};
  if (!GetFileSizeEx(file, &length)) {
    return fail(error, path, GetLastError());
  }
  if (length.QuadPart > FILE_SIZE_MAX) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                         "%s: this is too large for a configuration of ssh", path);
  }
  char *data = calloc(1, (size_t)length.QuadPart + 1);
  if (!data) {
    return out_of_memory(error);
  }
  DWORD count = 0;
  if (!ReadFile(file, data, (DWORD)length.QuadPart, &count, NULL)) {
    free(data);
    return fail(error, path, GetLastError());
  }
  /* What Notepad may put before UTF-8. */
  int has_mark = count >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0;
  *size = count - (has_mark ? 3 : 0);
  memmove(data, data + (has_mark ? 3 : 0), *size + 1);
  data[*size] = '\0';
  *text = data;
  return 0;
}

int ssh_config_file_read(const char *path, int must_be_safe, char **text, size_t *size, penstock_error *error) {
  wchar_t *wide = ps_wide(path);
  if (!wide) {
    return fail(error, path, ERROR_INVALID_NAME);
  }
  DWORD attributes = GetFileAttributesW(wide);
  if (attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_DIRECTORY) {
    free(wide); /* what a pattern like conf.d/ * finds: nothing is written there */
    *size = 0;
    *text = calloc(1, 1);
    return *text ? 0 : out_of_memory(error);
  }
  HANDLE file = CreateFileW(wide, GENERIC_READ | READ_CONTROL, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                            NULL, OPEN_EXISTING, 0, NULL);
  free(wide);
  if (file == INVALID_HANDLE_VALUE) {
    return fail(error, path, GetLastError());
  }
  int result = must_be_safe ? check_safe(file, path, error) : 0;
  if (result == 0) {
    result = read_all(file, path, text, size, error);
  }
  (void)CloseHandle(file);
  return result;
}

/* --- patterns -------------------------------------------------------------------------------------- */

static int by_name(const void *one, const void *other) {
  return strcmp(*(char *const *)one, *(char *const *)other);
}

/* Adds what `pattern` finds to `found`: the parts before `begin` are names, the one at `begin` and those after it may
 * have `*` and `?`. */
static int find_from(const char *pattern, size_t begin, ssh_words *found) {
  size_t end = begin + strcspn(pattern + begin, "/\\");
  char *part = strndup(pattern, end);
  wchar_t *wide = part ? ps_wide(part) : NULL;
  free(part);
  if (!wide) {
    return PENSTOCK_E_NOMEM;
  }
  WIN32_FIND_DATAW data;
  int result = 0;
  HANDLE search = FindFirstFileExW(wide, FindExInfoBasic, &data, FindExSearchNameMatch, NULL, 0);
  free(wide);
  for (int more = search != INVALID_HANDLE_VALUE; more && result == 0; more = FindNextFileW(search, &data)) {
    char *name = ps_narrow(data.cFileName);
    size_t size = name ? begin + strlen(name) + strlen(pattern + end) + 1 : 0;
    char *whole = name ? malloc(size) : NULL;
    if (!whole) {
      result = PENSTOCK_E_NOMEM;
    } else if (name[0] != '.') { /* as glob(3): what begins with a dot is hidden */
      (void)snprintf(whole, size, "%.*s%s%s", (int)begin, pattern, name, pattern + end);
      size_t next = begin + strlen(name) + strspn(pattern + end, "/\\");
      result = pattern[end] ? find_from(whole, next, found) : ssh_words_add(found, whole, strlen(whole));
    }
    free(whole);
    free(name);
  }
  if (search != INVALID_HANDLE_VALUE) {
    (void)FindClose(search);
  }
  return result;
}

int ssh_config_files_find(const char *pattern, ssh_words *paths, penstock_error *error) {
  size_t wild = strcspn(pattern, "*?");
  ssh_words found = {0};
  int result = 0;
  if (pattern[wild] == '\0') {
    wchar_t *wide = ps_wide(pattern);
    int is_there = wide && GetFileAttributesW(wide) != INVALID_FILE_ATTRIBUTES;
    free(wide);
    result = is_there ? ssh_words_add(paths, pattern, strlen(pattern)) : 0;
    return result ? out_of_memory(error) : 0;
  }
  while (wild > 0 && !strchr("/\\", pattern[wild - 1])) {
    wild--;
  }
  result = find_from(pattern, wild, &found);
  if (found.count > 1) {
    qsort(found.items, found.count, sizeof(*found.items), by_name);
  }
  for (size_t i = 0; i < found.count && result == 0; i++) {
    result = ssh_words_add(paths, found.items[i], strlen(found.items[i]));
  }
  ssh_words_clear(&found);
  return result ? out_of_memory(error) : 0;
}
