/* SPDX-License-Identifier: MIT */
#include "common/native/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "ppf-cts-server.exe"

static int is_slash(char c) {
  return c == '\\' || c == '/';
}

static int is_absolute(const char *path) {
  return is_slash(path[0]) || (path[0] && path[1] == ':');
}

/* --- paths ---------------------------------------------------------------------------------------- */

static void use_backslashes(char *path) {
  for (path = strchr(path, '/'); path; path = strchr(path, '/')) {
    *path = '\\';
  }
}

char *layout_join(const char *folder, const char *name) {
  size_t length = strlen(folder);
  while (length > 0 && is_slash(folder[length - 1])) {
    length--;
  }
  size_t size = length + strlen(name) + 2;
  char *path = malloc(size);
  if (path) {
    (void)snprintf(path, size, "%.*s\\%s", (int)length, folder, name);
    use_backslashes(path);
  }
  return path;
}

/* Bytes of a path that no folder is above of: `C:\`, `\\server\share`, `\\?\C:\`, or a leading `\`. */
static size_t fixed_part(const char *path) {
  size_t begin = strncmp(path, "\\\\?\\", 4) == 0 ? 4 : 0;
  if (begin == 4 && strncmp(path + 4, "UNC\\", 4) == 0) {
    begin = 8;
  } else if (path[begin] && path[begin + 1] == ':') {
    return begin + 2 + (size_t)is_slash(path[begin + 2]);
  } else if (begin == 0 && is_slash(path[0]) && is_slash(path[1])) {
    begin = 2;
  } else {
    return begin + (size_t)is_slash(path[begin]);
  }
  size_t server = begin + strcspn(path + begin, "\\/");
  return path[server] ? server + 1 + strcspn(path + server + 1, "\\/") : server;
}

int layout_go_up(char *path) {
  size_t fixed = fixed_part(path);
  size_t length = strlen(path);
  while (length > fixed && is_slash(path[length - 1])) {
    length--;
  }
  while (length > fixed && !is_slash(path[length - 1])) {
    length--;
  }
  while (length > fixed && is_slash(path[length - 1])) {
    length--;
  }
  int has_moved = length < strlen(path) && strlen(path) > fixed;
  path[length] = '\0';
  return has_moved;
}

/* --- finding -------------------------------------------------------------------------------------- */

/* The solver's program in a folder, to free(), where it would be if there is none (*is_there 0). NULL: no memory. */
static char *find_program(const char *folder, const char *named, layout_exists *exists, void *context, int *is_there) {
  static const char *const usual[] = {"target\\release\\" PROGRAM, "bin\\" PROGRAM, PROGRAM};
  char *first = NULL;
  *is_there = 0;
  if (named) {
    first = is_absolute(named) ? strdup(named) : layout_join(folder, named);
    *is_there = first && exists(context, first, 0);
    return first;
  }
  for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
    char *path = layout_join(folder, usual[i]);
    *is_there = path && exists(context, path, 0);
    if (!path || *is_there) {
      free(first);
      return path;
    }
    if (first) {
      free(path);
    } else {
      first = path;
    }
  }
  return first;
}

/* Goes up from *folder until the program is found. */
static layout_result climb(layout *found, char *folder, const char *named, layout_exists *exists, void *context) {
  for (int i = 0; i <= LAYOUT_PARENTS; i++) {
    int is_there = 0;
    char *program = find_program(folder, named, exists, context, &is_there);
    if (!program) {
      return LAYOUT_NO_MEMORY;
    }
    if (is_there) {
      found->program = program;
      free(found->place);
      found->place = NULL;
      return LAYOUT_FOUND;
    }
    if (i == 0) {
      found->place = program;
    } else {
      free(program);
    }
    if (!layout_go_up(folder)) {
      break;
    }
  }
  return LAYOUT_NO_PROGRAM;
}

static layout_result find_python(layout *found, int is_needed, layout_exists *exists, void *context) {
  char *dev = layout_join(found->root, "build-win-native\\python\\python.exe");
  char *bundle = layout_join(found->root, "python\\python.exe");
  char *cuda = layout_join(found->root, "build-win-native\\cuda");
  layout_result result = dev && bundle && cuda ? LAYOUT_FOUND : LAYOUT_NO_MEMORY;
  if (result == LAYOUT_FOUND && exists(context, dev, 0)) {
    found->kind = LAYOUT_DEV;
    if (exists(context, cuda, 1)) {
      found->cuda = cuda;
      cuda = NULL;
    }
  } else if (result == LAYOUT_FOUND && exists(context, bundle, 0)) {
    found->kind = LAYOUT_BUNDLE;
  } else if (result == LAYOUT_FOUND && is_needed) {
    found->place = dev;
    found->other_place = bundle;
    dev = bundle = NULL;
    result = LAYOUT_NO_PYTHON;
  }
  free(dev);
  free(bundle);
  free(cuda);
  return result;
}

static layout_result find_program_at(layout *found, const char *start, const char *program, layout_exists *exists,
                                     void *context) {
  memset(found, 0, sizeof(*found));
  char *folder = strdup(start);
  if (!folder) {
    return LAYOUT_NO_MEMORY;
  }
  use_backslashes(folder);
  if (!exists(context, folder, 1) && (!exists(context, folder, 0) || !layout_go_up(folder))) {
    found->place = folder;
    return LAYOUT_NO_FOLDER;
  }
  layout_result result = climb(found, folder, program, exists, context);
  if (result != LAYOUT_FOUND) {
    free(folder);
    return result;
  }
  found->root = folder;
  return LAYOUT_FOUND;
}

layout_result layout_find(layout *found, const char *start, const char *program, layout_exists *exists, void *context) {
  layout_result result = find_program_at(found, start, program, exists, context);
  return result == LAYOUT_FOUND ? find_python(found, program == NULL, exists, context) : result;
}

layout_result layout_find_venv(layout *found, const char *start, const char *program, const char *venv,
                               layout_exists *exists, void *context) {
  layout_result result = find_program_at(found, start, program, exists, context);
  if (result != LAYOUT_FOUND) {
    return result;
  }
  found->kind = LAYOUT_VENV;
  if (!venv || !venv[0]) {
    return LAYOUT_FOUND;
  }
  char *folder = is_absolute(venv) ? strdup(venv) : layout_join(found->root, venv);
  char *python = folder ? layout_join(folder, "Scripts\\python.exe") : NULL;
  if (python && exists(context, python, 0)) {
    found->venv = folder;
    use_backslashes(folder);
    folder = NULL;
  }
  result = python ? LAYOUT_FOUND : LAYOUT_NO_MEMORY;
  free(folder);
  free(python);
  return result;
}

void layout_clear(layout *found) {
  free(found->root);
  free(found->program);
  free(found->cuda);
  free(found->venv);
  free(found->place);
  free(found->other_place);
  memset(found, 0, sizeof(*found));
}

/* --- the environment ------------------------------------------------------------------------------ */

/* NAME=first;…;before, where each of `folders` is below `root` ("" is itself). NULL if memory is out. */
static char *list_variable(const char *name, const char *root, const char *const *folders, const char *before) {
  size_t size = strlen(name) + 2 + (before ? strlen(before) + 1 : 0);
  for (size_t i = 0; folders[i]; i++) {
    size += strlen(root) + strlen(folders[i]) + 2;
  }
  char *entry = malloc(size);
  size_t used = entry ? (size_t)snprintf(entry, size, "%s=", name) : 0;
  for (size_t i = 0; entry && folders[i]; i++) {
    used += (size_t)snprintf(entry + used, size - used, "%s%s%s%s", i > 0 ? ";" : "", root, folders[i][0] ? "\\" : "",
                             folders[i]);
  }
  if (entry && before && before[0]) {
    (void)snprintf(entry + used, size - used, "%s%s", folders[0] ? ";" : "", before);
  }
  return entry;
}

static char *set_variable(const char *name, const char *value) {
  static const char *const itself[] = {"", NULL};
  return list_variable(name, value, itself, NULL);
}

int layout_environment(const layout *found, const char *path, const char *python_path,
                       char *entries[LAYOUT_ENTRIES + 1]) {
  static const char *const dev[] = {"build-win-native\\python", "target\\release", "src\\cpp\\build\\lib",
                                    "build-win-native\\cuda\\bin", NULL};
  static const char *const bundle[] = {"python", "bin", "target\\release", NULL};
  static const char *const scripts[] = {"Scripts", NULL};
  static const char *const none[] = {NULL};
  static const char *const itself[] = {"", NULL};
  const char *const *folders = found->kind == LAYOUT_DEV ? dev : found->kind == LAYOUT_BUNDLE ? bundle : none;
  size_t wanted = 0;
  size_t made = 0;
  memset(entries, 0, (LAYOUT_ENTRIES + 1) * sizeof(*entries));
  if (found->kind == LAYOUT_VENV && found->venv) {
    entries[wanted++] = list_variable("PATH", found->venv, scripts, path);
    entries[wanted++] = set_variable("VIRTUAL_ENV", found->venv);
  } else if (found->kind != LAYOUT_VENV) {
    entries[wanted++] = list_variable("PATH", found->root, folders, path);
    entries[wanted++] = list_variable("PYTHONPATH", found->root, itself, python_path);
  }
  if (found->cuda) {
    entries[wanted++] = set_variable("CUDA_PATH", found->cuda);
  }
  for (size_t i = 0; i < wanted; i++) {
    made += entries[i] != NULL;
  }
  for (size_t i = 0; made < wanted && i < wanted; i++) {
    free(entries[i]);
    entries[i] = NULL;
  }
  return made < wanted ? -1 : 0;
}
