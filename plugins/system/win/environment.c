/* SPDX-License-Identifier: MIT */
#include "win/environment.h"

#include "win/wide.h"

static int by_name(const void *left, const void *right) {
  return _wcsicmp(*(wchar_t *const *)left, *(wchar_t *const *)right);
}

/* Do both entries set the same variable? One that begins with a `=` (a drive's folder) has a name, too. */
static int is_same(const wchar_t *entry, const wchar_t *other) {
  const wchar_t *end = wcschr(entry + 1, L'=');
  size_t length = end ? (size_t)(end - entry) + 1 : wcslen(entry);
  return _wcsnicmp(entry, other, length) == 0;
}

static int is_among(const wchar_t *entry, wchar_t *const *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (list[i][0] && is_same(list[i], entry)) {
      return 1;
    }
  }
  return 0;
}

/* Entries one after the other, sorted, as the system wants them. */
static wchar_t *join(wchar_t **list, size_t count) {
  size_t length = 1;
  for (size_t i = 0; i < count; i++) {
    length += wcslen(list[i]) + 1;
  }
  wchar_t *block = calloc(length + 1, sizeof(*block));
  wchar_t *at = block;
  qsort(list, count, sizeof(*list), by_name);
  for (size_t i = 0; block && i < count; i++) {
    size_t size = wcslen(list[i]) + 1;
    memcpy(at, list[i], size * sizeof(*at));
    at += size;
  }
  return block;
}

static wchar_t *merge(wchar_t *const *added, size_t count) {
  wchar_t *ours = GetEnvironmentStringsW();
  size_t room = count;
  for (const wchar_t *entry = ours; entry && *entry; entry += wcslen(entry) + 1) {
    room++;
  }
  wchar_t **list = calloc(room + 1, sizeof(*list));
  wchar_t *block = NULL;
  size_t used = 0;
  if (ours && list) {
    for (wchar_t *entry = ours; *entry; entry += wcslen(entry) + 1) {
      if (!is_among(entry, added, count)) {
        list[used++] = entry;
      }
    }
    for (size_t i = 0; i < count; i++) {
      if (added[i][0] && !is_among(added[i], added + i + 1, count - i - 1)) {
        list[used++] = added[i];
      }
    }
    block = join(list, used);
  }
  free(list);
  if (ours) {
    (void)FreeEnvironmentStringsW(ours);
  }
  return block;
}

wchar_t *ps_environment(const char *const *added) {
  size_t count = 0;
  while (added && added[count]) {
    count++;
  }
  wchar_t **wide = calloc(count + 1, sizeof(*wide));
  int failed = !wide;
  for (size_t i = 0; !failed && i < count; i++) {
    wide[i] = ps_wide(added[i]);
    failed = !wide[i];
  }
  wchar_t *block = failed ? NULL : merge(wide, count);
  for (size_t i = 0; wide && i < count; i++) {
    free(wide[i]);
  }
  free(wide);
  return block;
}
