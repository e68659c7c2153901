/* SPDX-License-Identifier: MIT */
#include "win/wide.h"

wchar_t *ps_wide(const char *text) {
  int size = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
  wchar_t *wide = size > 0 ? calloc((size_t)size, sizeof(*wide)) : NULL;
  if (wide && MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide, size) != size) {
    free(wide);
    wide = NULL;
  }
  return wide;
}

char *ps_narrow(const wchar_t *text) {
  int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
  char *narrow = size > 0 ? calloc((size_t)size, 1) : NULL;
  if (narrow) {
    (void)WideCharToMultiByte(CP_UTF8, 0, text, -1, narrow, size, NULL, NULL);
  }
  return narrow;
}

char *ps_narrow_path(const wchar_t *path) {
  static const wchar_t share[] = L"\\\\?\\UNC\\";
  static const wchar_t plain[] = L"\\\\?\\";
  int is_share = wcsncmp(path, share, wcslen(share)) == 0;
  if (is_share) {
    path += wcslen(share) - 2; /* keeps two characters, which become the slashes of a share */
  } else if (wcsncmp(path, plain, wcslen(plain)) == 0) {
    path += wcslen(plain);
  }
  char *narrow = ps_narrow(path);
  for (char *at = narrow; at && *at; at++) {
    *at = *at == '\\' ? '/' : *at;
  }
  if (narrow && is_share) {
    narrow[0] = narrow[1] = '/';
  }
  return narrow;
}

void ps_wide_make_folders(wchar_t *path) {
  for (wchar_t *at = path[0] ? wcspbrk(path + 1, L"/\\") : NULL; at; at = wcspbrk(at + 1, L"/\\")) {
    wchar_t kept = *at;
    *at = L'\0';
    (void)CreateDirectoryW(path, NULL);
    *at = kept;
  }
}
