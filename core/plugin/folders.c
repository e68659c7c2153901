/* SPDX-License-Identifier: MIT */
/* Where plugin files are looked for. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"
#include "plugin/library.h"
#include "plugin/registry.h"

/** A growing NULL-terminated list. */
typedef struct text_list {
  char **items; /**< NULL before the first, and after a failure */
  size_t count;
  int failed;
} text_list;

/** Appends `front` + `back`, the first `length` bytes of front. Failures are kept until the end. */
static void list_add(text_list *list, const char *front, size_t length, const char *back) {
  char **items = list->failed ? NULL : realloc(list->items, (list->count + 2) * sizeof(*items));
  if (!items) {
    list->failed = 1;
    return;
  }
  list->items = items;
  size_t back_size = strlen(back) + 1;
  char *text = malloc(length + back_size);
  items[list->count] = text;
  items[list->count + 1] = NULL;
  if (!text) {
    list->failed = 1;
    return;
  }
  memcpy(text, front, length);
  memcpy(text + length, back, back_size);
  list->count++;
}

/** The list as a result: never NULL unless memory ran out. */
static char **list_take(text_list *list) {
  if (!list->failed && !list->items) {
    list->items = calloc(1, sizeof(*list->items));
  }
  if (list->failed) {
    ps_registry_free_list(list->items);
    list->items = NULL;
  }
  return list->items;
}

void ps_registry_free_list(char **list) {
  for (size_t i = 0; list && list[i]; i++) {
    free(list[i]);
  }
  free(list);
}

static int is_folder(const char *path) {
  struct stat facts;
  return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

/** The folder of the plugins that came with this program: in the build tree, or as installed (perhaps moved as a
 * whole). */
static void add_built_in(text_list *list) {
  static const char *const beside[] = {"plugins", PENSTOCK_RELATIVE_PLUGIN_DIR};
  char *program = ps_program_folder();
  char path[PATH_MAX] = PENSTOCK_INSTALLED_PLUGIN_DIR;
  for (size_t i = 0; program && i < sizeof(beside) / sizeof(beside[0]); i++) {
    char candidate[PATH_MAX];
    int length = snprintf(candidate, sizeof(candidate), "%s/%s", program, beside[i]);
    if (length > 0 && (size_t)length < sizeof(candidate) && is_folder(candidate)) {
      memcpy(path, candidate, (size_t)length + 1);
      break;
    }
  }
  free(program);
  char *plain = realpath(path, NULL); /* without the way from the program's folder */
  list_add(list, plain ? plain : path, strlen(plain ? plain : path), "");
  free(plain);
}

char **ps_registry_folders(const ps_plugin_request *request) {
  text_list list = {0};
  const char *path = request && request->plugin_path ? request->plugin_path : "";
  while (*path) {
    size_t length = strcspn(path, ps_path_list_separator);
    if (length) {
      list_add(&list, path, length, "");
    }
    path += length + (path[length] != '\0');
  }
  add_built_in(&list);
  return list_take(&list);
}

static int by_name(const void *left, const void *right) {
  return strcmp(*(char *const *)left, *(char *const *)right);
}

static int is_plugin_file(const char *name) {
  static const char suffix[] = PENSTOCK_PLUGIN_SUFFIX;
  size_t length = strlen(name);
  return length >= sizeof(suffix) && name[0] != '.' && strcmp(name + length - sizeof(suffix) + 1, suffix) == 0;
}

char **ps_registry_files(const char *folder) {
  text_list list = {0};
  DIR *entries = opendir(folder);
  size_t length = strlen(folder);
  char *front = malloc(length + 2);
  list.failed = !front;
  if (front) {
    int ends = length > 0 && folder[length - 1] == '/';
    length = (size_t)snprintf(front, length + 2, "%s%s", folder, ends ? "" : "/");
  }
  for (struct dirent *entry = entries ? readdir(entries) : NULL; entry; entry = readdir(entries)) {
    if (is_plugin_file(entry->d_name)) {
      list_add(&list, front, length, entry->d_name);
    }
  }
  if (entries) {
    (void)closedir(entries);
  }
  free(front);
  char **files = list_take(&list);
  if (files) {
    qsort(files, list.count, sizeof(*files), by_name);
  }
  return files;
}
