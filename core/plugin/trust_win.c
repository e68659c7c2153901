/* SPDX-License-Identifier: MIT */
/*
 * The same question as on other systems, asked of access lists: the file, its folder and each one above must be the
 * user's, the system's or an administrator's, and nobody else may change the file, exchange it or what leads to it.
 * Both the path as it was given and the one that it comes to are looked at.
 */
#include "plugin/trust.h"

#include <stdlib.h>

#include "win/acl.h"
#include "win/reason.h"
#include "win/wide.h"

/* Of a file: to change it, or who may. */
#define CHANGES_FILE (FILE_WRITE_DATA | FILE_APPEND_DATA | DELETE | WRITE_DAC | WRITE_OWNER)
/* Of its folder: to exchange files, or to add some, which the loader might find. */
#define CHANGES_FOLDER (FILE_ADD_FILE | FILE_DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER)
/* Of those above: to exchange the folder. On a disk's own folder all users may make others, which does no harm. */
#define CHANGES_ABOVE (FILE_DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER)

#define LONGEST 32768

static int fail_system(penstock_error *error, const char *path, DWORD reason) {
  char text[160];
  ps_reason(reason, text, sizeof(text));
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.300s: %s", path, text);
  if (reason == ERROR_FILE_NOT_FOUND || reason == ERROR_PATH_NOT_FOUND || reason == ERROR_INVALID_NAME) {
    penstock_next(error, "check the spelling of the path");
    return PENSTOCK_E_NOT_FOUND;
  }
  return PENSTOCK_E_FAILED;
}

/* A path as the user knows it, to free(). */
static char *shown_path(const wchar_t *path) {
  char *shown = ps_narrow_path(path);
  for (char *at = shown; at && *at; at++) {
    *at = *at == '/' ? '\\' : *at;
  }
  return shown;
}

/* Judges one that is open, `kind` "file" or "folder". */
static int judge(HANDLE file, const wchar_t *path, const char *kind, ACCESS_MASK rights, penstock_error *error) {
  char who[128];
  int result = ps_acl_others(file, rights, who, sizeof(who));
  if (result == 0) {
    return 0;
  }
  char *shown = shown_path(path);
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      result > 0 ? "%.300s: refused: the %s can be changed by %s"
                                 : "%.300s: refused: who can change the %s %s",
                      shown ? shown : "?", kind, who);
  penstock_next(error, "take the right away: icacls \"%.300s\" /inheritance:d /remove \"%s\"", shown ? shown : "?",
                who);
  free(shown);
  return PENSTOCK_E_FAILED;
}

/* Judges the folders above the file at `path`, which is cut on the way. */
static int judge_folders(wchar_t *path, penstock_error *error) {
  ACCESS_MASK rights = CHANGES_FOLDER;
  for (wchar_t *slash = wcsrchr(path, L'\\'); slash; slash = wcsrchr(path, L'\\')) {
    int is_disk = slash > path && slash[-1] == L':';
    slash[is_disk ? 1 : 0] = L'\0';
    if (wcschr(path, L'\\') == NULL || wcscmp(path, L"\\\\?") == 0) {
      return 0;
    }
    HANDLE folder = CreateFileW(path, READ_CONTROL, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                                OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (folder == INVALID_HANDLE_VALUE) {
      /* Above a share there is nothing that could be opened. */
      if (wcsncmp(path, L"\\\\?\\UNC\\", 8) == 0 || (path[0] == L'\\' && path[1] == L'\\' && path[2] != L'?')) {
        return 0;
      }
      char *shown = shown_path(path);
      int code = fail_system(error, shown ? shown : "?", GetLastError());
      free(shown);
      return code;
    }
    int code = judge(folder, path, "folder", rights, error);
    (void)CloseHandle(folder);
    if (code != 0 || is_disk) {
      return code;
    }
    rights = CHANGES_ABOVE;
  }
  return 0;
}

static int judge_all(HANDLE file, const wchar_t *given, wchar_t *final, penstock_error *error) {
  DWORD length = GetFinalPathNameByHandleW(file, final, LONGEST, FILE_NAME_NORMALIZED | VOLUME_NAME_DOS);
  BY_HANDLE_FILE_INFORMATION facts;
  if (length == 0 || length >= LONGEST || !GetFileInformationByHandle(file, &facts)) {
    return fail_system(error, "the file", GetLastError());
  }
  if (facts.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) {
    char *shown = shown_path(given);
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.300s: refused: this is a folder",
                        shown ? shown : "?");
    penstock_next(error, "name a regular file");
    free(shown);
    return PENSTOCK_E_FAILED;
  }
  int code = judge(file, final, "file", CHANGES_FILE, error);
  wchar_t *way = malloc(LONGEST * sizeof(*way));
  if (!way) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "out of memory");
  }
  if (!code) {
    memcpy(way, final, (length + 1) * sizeof(*way));
    code = judge_folders(way, error);
  }
  if (!code && GetFullPathNameW(given, LONGEST, way, NULL) > 0) {
    code = judge_folders(way, error);
  }
  free(way);
  return code;
}

int ps_trust_open_code(const char *path, int *file, char **resolved, penstock_error *error) {
  *file = -1;
  *resolved = NULL;
  wchar_t *given = ps_wide(path);
  wchar_t *final = malloc(LONGEST * sizeof(*final));
  if (!given || !final) {
    free(given);
    free(final);
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.300s: this is no path", path);
  }
  HANDLE handle =
      CreateFileW(given, GENERIC_READ | READ_CONTROL, FILE_SHARE_READ | FILE_SHARE_DELETE | FILE_SHARE_WRITE, NULL,
                  OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
  int code = handle == INVALID_HANDLE_VALUE ? fail_system(error, path, GetLastError())
                                            : judge_all(handle, given, final, error);
  if (code == 0) {
    *resolved = ps_narrow_path(final);
    *file = *resolved ? _open_osfhandle((intptr_t)handle, _O_RDONLY | _O_BINARY | _O_NOINHERIT) : -1;
    if (*file < 0) {
      free(*resolved);
      *resolved = NULL;
      code = penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.300s: out of memory", path);
    }
  }
  if (code != 0 && handle != INVALID_HANDLE_VALUE) {
    (void)CloseHandle(handle);
  }
  free(given);
  free(final);
  return code;
}

int ps_trust_check_code(const char *path, penstock_error *error) {
  int file;
  char *resolved;
  int code = ps_trust_open_code(path, &file, &resolved, error);
  if (code) {
    return code;
  }
  (void)close(file);
  free(resolved);
  return 0;
}
