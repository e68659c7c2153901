/* SPDX-License-Identifier: MIT */
/*
 * user-path add|remove FOLDER: puts a folder at the end of the user's PATH (HKCU\Environment), or takes it out.
 *
 * For the installer, whose own strings end after 1024 characters: a longer PATH would come back cut short. All other
 * entries stay as they are to the letter, and so does the kind of the value, on which it depends whether %NAME% is
 * replaced in it. What is the folder already, by another spelling too, is not added again.
 */
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

/* As long as a variable of the environment may be. */
#define LONGEST 32766

struct user_path {
  HKEY key;
  DWORD kind;
  wchar_t *text;
};

/* What is said is for the installer's user, who reads it below "PATH could not be changed:". */
static int fail(const char *what, LSTATUS status) {
  char why[256] = "";
  DWORD length = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, (DWORD)status, 0, why,
                                sizeof(why), NULL);
  while (length > 0 && (why[length - 1] == '\n' || why[length - 1] == '\r')) {
    why[--length] = '\0';
  }
  fprintf(stderr, "%s: %s (%ld)\n", what, why, (long)status);
  return 1;
}

static int read_path(struct user_path *path) {
  DWORD flags = RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND;
  DWORD size = 0;
  LSTATUS status = RegCreateKeyExW(HKEY_CURRENT_USER, L"Environment", 0, NULL, 0, KEY_QUERY_VALUE | KEY_SET_VALUE, NULL,
                                   &path->key, NULL);
  if (status != ERROR_SUCCESS) {
    return fail("HKCU\\Environment cannot be opened", status);
  }
  status = RegGetValueW(path->key, NULL, L"Path", flags, NULL, NULL, &size);
  path->text = calloc(size / sizeof(wchar_t) + 2, sizeof(wchar_t));
  if (!path->text) {
    return fail("the value cannot be held", ERROR_NOT_ENOUGH_MEMORY);
  }
  if (status == ERROR_SUCCESS) {
    status = RegGetValueW(path->key, NULL, L"Path", flags, &path->kind, path->text, &size);
  }
  if (status == ERROR_FILE_NOT_FOUND) {
    path->kind = REG_EXPAND_SZ;
    return 0;
  }
  return status == ERROR_SUCCESS ? 0 : fail("Path in HKCU\\Environment cannot be read", status);
}

/* Programs that start others, Explorer first, take it in without a new login. One that hangs is not waited for. */
static void tell_everybody(void) {
  SendMessageTimeoutW(HWND_BROADCAST, WM_SETTINGCHANGE, 0, (LPARAM)L"Environment", SMTO_ABORTIFHUNG, 2000, NULL);
}

static int write_path(const struct user_path *path) {
  DWORD size = (DWORD)((wcslen(path->text) + 1) * sizeof(wchar_t));
  LSTATUS status = path->text[0] ? RegSetValueExW(path->key, L"Path", 0, path->kind, (const BYTE *)path->text, size)
                                 : RegDeleteValueW(path->key, L"Path");
  if (status != ERROR_SUCCESS) {
    return fail("Path in HKCU\\Environment cannot be written", status);
  }
  tell_everybody();
  return 0;
}

/* The end of an entry: a `;` that is not between quotes, or the end of all. */
static wchar_t *end_of_entry(wchar_t *at) {
  for (int quoted = 0; *at && (quoted || *at != L';'); at++) {
    quoted ^= *at == L'"';
  }
  return at;
}

/* One spelling of a folder, into `plain` (LONGEST + 1): no quotes, `\` alone, and none at the end. */
static void spell(const wchar_t *from, size_t length, wchar_t *plain) {
  size_t used = 0;
  for (size_t i = 0; i < length && used < LONGEST; i++) {
    if (from[i] != L'"') {
      plain[used++] = from[i] == L'/' ? L'\\' : from[i];
    }
  }
  while (used > 0 && plain[used - 1] == L'\\') {
    used--;
  }
  plain[used] = L'\0';
}

static int is_folder(const struct user_path *path, const wchar_t *entry, size_t length, const wchar_t *folder) {
  static wchar_t written[LONGEST + 1];
  static wchar_t meant[LONGEST + 1];
  spell(entry, length, written);
  if (CompareStringOrdinal(written, -1, folder, -1, TRUE) == CSTR_EQUAL) {
    return 1;
  }
  if (path->kind != REG_EXPAND_SZ || ExpandEnvironmentStringsW(written, meant, LONGEST) == 0) {
    return 0;
  }
  spell(meant, wcslen(meant), written);
  return CompareStringOrdinal(written, -1, folder, -1, TRUE) == CSTR_EQUAL;
}

/* The first entry that is the folder, or NULL. */
static wchar_t *find(const struct user_path *path, const wchar_t *folder) {
  wchar_t *entry = path->text;
  for (;;) {
    wchar_t *end = end_of_entry(entry);
    if (is_folder(path, entry, (size_t)(end - entry), folder)) {
      return entry;
    }
    if (!*end) {
      return NULL;
    }
    entry = end + 1;
  }
}

/* A `;` at the end stays one there, so that `remove_folder` finds all as it was. */
static int add_folder(struct user_path *path, const wchar_t *folder) {
  size_t length = wcslen(path->text);
  const wchar_t *quote = wcschr(folder, L';') ? L"\"" : L"";
  int closed = length > 0 && path->text[length - 1] == L';';
  size_t room = length + wcslen(folder) + 5;
  wchar_t *text;
  if (find(path, folder)) {
    return 0;
  }
  if (room > LONGEST) {
    return fail("PATH has no room for another folder", ERROR_BUFFER_OVERFLOW);
  }
  text = calloc(room, sizeof(wchar_t));
  if (!text) {
    return fail("the value cannot be held", ERROR_NOT_ENOUGH_MEMORY);
  }
  swprintf(text, room, L"%ls%ls%ls%ls%ls%ls", path->text, length > 0 && !closed ? L";" : L"", quote, folder, quote,
           closed ? L";" : L"");
  free(path->text);
  path->text = text;
  return write_path(path);
}

static int remove_folder(struct user_path *path, const wchar_t *folder) {
  wchar_t *entry;
  int changed = 0;
  while ((entry = find(path, folder)) != NULL) {
    wchar_t *end = end_of_entry(entry);
    if (*end) {
      end++;
    } else if (entry > path->text) {
      entry--;
    }
    memmove(entry, end, (wcslen(end) + 1) * sizeof(wchar_t));
    changed = 1;
  }
  return changed ? write_path(path) : 0;
}

int wmain(int argc, wchar_t **argv); /* the C library calls it, and no header has it */

int wmain(int argc, wchar_t **argv) {
  static wchar_t folder[LONGEST + 1];
  struct user_path path = {0};
  int adds = argc == 3 && wcscmp(argv[1], L"add") == 0;
  int rc = 1;
  if (argc == 3) {
    spell(argv[2], wcslen(argv[2]), folder);
  }
  if (!folder[0] || (!adds && wcscmp(argv[1], L"remove") != 0)) {
    fprintf(stderr, "user-path add|remove FOLDER\n");
    return 2;
  }
  if (read_path(&path) == 0) {
    rc = adds ? add_folder(&path, folder) : remove_folder(&path, folder);
  }
  if (path.key) {
    RegCloseKey(path.key);
  }
  free(path.text);
  return rc;
}
