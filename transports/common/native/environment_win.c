/* SPDX-License-Identifier: MIT */
#include "common/native/environment_win.h"

#include <stdlib.h>

#include "common/win/command.h"
#include "common/win/files_win.h"

static int by_name(const void *left, const void *right) {
  return _wcsicmp(*(wchar_t *const *)left, *(wchar_t *const *)right);
}

static int is_set_in(char *const *list, const char *entry) {
  for (size_t i = 0; list[i]; i++) {
    if (command_same_variable(list[i], entry)) {
      return 1;
    }
  }
  return 0;
}

typedef struct entries {
  wchar_t **items;
  size_t count;
  size_t room;
  size_t length; /* characters of all, each with its NUL */
  int failed;
} entries;

static void add_entry(entries *list, const char *text) {
  wchar_t *wide = files_wide(text);
  if (!wide || list->count == list->room) {
    list->failed = 1;
    free(wide);
    return;
  }
  list->length += wcslen(wide) + 1;
  list->items[list->count++] = wide;
}

/* A value of our own environment in UTF-8, to free(); NULL if it is not set. */
static char *own_variable(const wchar_t *name) {
  DWORD size = GetEnvironmentVariableW(name, NULL, 0);
  wchar_t *wide = size > 0 ? calloc(size, sizeof(*wide)) : NULL;
  char *text = NULL;
  if (wide && GetEnvironmentVariableW(name, wide, size) < size) {
    int room = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    text = malloc((size_t)room);
    if (text) {
      (void)WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, room, NULL, NULL);
    }
  }
  free(wide);
  return text;
}

static int is_replaced(const solver_settings *settings, char *const *own, const char *more, const char *entry) {
  return is_set_in(own, entry) || is_set_in(settings->env, entry) || (more && command_same_variable(more, entry));
}

static void collect(entries *list, const solver_settings *settings, char *const *own, const char *more) {
  wchar_t *block = GetEnvironmentStringsW();
  for (const wchar_t *entry = block; entry && *entry; entry += wcslen(entry) + 1) {
    int size = WideCharToMultiByte(CP_UTF8, 0, entry, -1, NULL, 0, NULL, NULL);
    char *text = malloc((size_t)size);
    if (text) {
      (void)WideCharToMultiByte(CP_UTF8, 0, entry, -1, text, size, NULL, NULL);
      if (text[0] == '=' || !is_replaced(settings, own, more, text)) {
        add_entry(list, text);
      }
    }
    free(text);
  }
  if (block) {
    (void)FreeEnvironmentStringsW(block);
  }
  for (size_t i = 0; own[i]; i++) {
    if (!is_set_in(settings->env, own[i])) {
      add_entry(list, own[i]);
    }
  }
  for (size_t i = 0; settings->env[i]; i++) {
    add_entry(list, settings->env[i]);
  }
  if (more) {
    add_entry(list, more);
  }
}

static size_t count_own(void) {
  size_t count = 0;
  wchar_t *block = GetEnvironmentStringsW();
  for (const wchar_t *entry = block; entry && *entry; entry += wcslen(entry) + 1) {
    count++;
  }
  if (block) {
    (void)FreeEnvironmentStringsW(block);
  }
  return count;
}

/* Sorted, which the system wants. */
static wchar_t *join(entries *list) {
  wchar_t *block = list->failed ? NULL : calloc(list->length + 1, sizeof(*block));
  wchar_t *at = block;
  if (block) {
    qsort(list->items, list->count, sizeof(*list->items), by_name);
    for (size_t i = 0; i < list->count; i++) {
      memcpy(at, list->items[i], (wcslen(list->items[i]) + 1) * sizeof(*at));
      at += wcslen(list->items[i]) + 1;
    }
  }
  return block;
}

wchar_t *environment_make(const solver_settings *settings, const layout *found, const char *more) {
  char *own[LAYOUT_ENTRIES + 1] = {NULL};
  char *path = own_variable(L"PATH");
  char *python_path = own_variable(L"PYTHONPATH");
  entries list = {.room = count_own() + LAYOUT_ENTRIES + 1024};
  wchar_t *block = NULL;
  list.items = calloc(list.room, sizeof(*list.items));
  if (list.items && (!found || layout_environment(found, path, python_path, own) == 0)) {
    collect(&list, settings, own, more);
    block = join(&list);
  }
  for (size_t i = 0; own[i]; i++) {
    free(own[i]);
  }
  for (size_t i = 0; i < list.count; i++) {
    free(list.items[i]);
  }
  free(list.items);
  free(path);
  free(python_path);
  return block;
}

wchar_t *environment_path(const wchar_t *environment) {
  static const wchar_t name[] = L"PATH=";
  for (const wchar_t *entry = environment; *entry; entry += wcslen(entry) + 1) {
    if (_wcsnicmp(entry, name, wcslen(name)) == 0) {
      return _wcsdup(entry + wcslen(name));
    }
  }
  return _wcsdup(L"");
}
