/* SPDX-License-Identifier: MIT */
#include "common/native/runner_win.h"

#include <stdlib.h>

#include "command_line.h"
#include "common/native/batch.h"
#include "common/native/environment_win.h"
#include "common/win/files_win.h"
#include "win/program.h"
#include "win/wide.h"

static int is_python(const char *path) {
  size_t length = strlen(path);
  return length > 3 && _stricmp(path + length - 3, ".py") == 0;
}

static int fail_memory(penstock_error *error) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
}

/* --- how ------------------------------------------------------------------------------------------ */

static int run_itself(runner *made, const char *const *words, penstock_error *error) {
  char *line = ps_command_line(words);
  made->program = files_wide_path(words[0]);
  made->line = line ? ps_wide(line) : NULL;
  free(line);
  return made->program && made->line ? PENSTOCK_OK : fail_memory(error);
}

static int run_batch(runner *made, const char *const *words, penstock_error *error) {
  wchar_t folder[MAX_PATH];
  const char *refused = NULL;
  char *line = batch_line(words, &refused);
  if (refused) {
    (void)penstock_fail(
        error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG,
        "A batch file cannot be given the word '%.200s': cmd.exe would read a \", a %% or a new line in "
        "it as its own",
        refused);
    penstock_next(error, "Leave that word out, or run a program instead of the batch file");
    return PENSTOCK_E_FAILED;
  }
  made->line = line ? ps_wide(line) : NULL;
  free(line);
  if (GetSystemDirectoryW(folder, MAX_PATH) < MAX_PATH - 16) {
    wcscat(folder, L"\\cmd.exe");
    made->program = _wcsdup(folder);
  }
  return made->program && made->line ? PENSTOCK_OK : fail_memory(error);
}

static int run_python(runner *made, const char *const *words, const wchar_t *environment, penstock_error *error) {
  size_t count = 0;
  char *python = runner_find("python.exe", environment, NULL);
  if (!python) {
    (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG,
                        "There is no python.exe to run %.300s with, neither in `venv` nor in PATH", words[0]);
    penstock_next(error, "Install Python for Windows, or set `venv` to a Python environment");
    return PENSTOCK_E_FAILED;
  }
  while (words[count]) {
    count++;
  }
  const char **all = calloc(count + 2, sizeof(*all));
  int result = all ? PENSTOCK_OK : fail_memory(error);
  if (all) {
    all[0] = python;
    memcpy(all + 1, words, count * sizeof(*all));
    result = run_itself(made, all, error);
  }
  free(all);
  free(python);
  return result;
}

int runner_make(runner *made, const char *const *words, const wchar_t *environment, penstock_error *error) {
  *made = (runner){0};
  int result = batch_is_one(words[0]) ? run_batch(made, words, error)
               : is_python(words[0])  ? run_python(made, words, environment, error)
                                      : run_itself(made, words, error);
  if (result != PENSTOCK_OK) {
    runner_clear(made);
  }
  return result;
}

void runner_clear(runner *made) {
  free(made->program);
  free(made->line);
  *made = (runner){0};
}

/* --- where ---------------------------------------------------------------------------------------- */

static const wchar_t *const ends[] = {L".exe", L".com", L".bat", L".cmd"};

/* In the folders of `path` alone: not in the current one, which anybody may have written to. To free(). */
static wchar_t *search(const wchar_t *path, const wchar_t *name, const wchar_t *end) {
  wchar_t *found = ps_program_search(path, name, end);
  DWORD attributes = found ? GetFileAttributesW(found) : INVALID_FILE_ATTRIBUTES;
  if (attributes == INVALID_FILE_ATTRIBUTES || (attributes & FILE_ATTRIBUTE_DIRECTORY)) {
    free(found);
    found = NULL;
  }
  return found;
}

static char *find_in_path(const wchar_t *name, const wchar_t *environment) {
  wchar_t *path = environment_path(environment);
  wchar_t *found = path && path[0] && wcschr(name, L'.') ? search(path, name, NULL) : NULL;
  for (size_t i = 0; path && path[0] && !found && i < sizeof(ends) / sizeof(ends[0]); i++) {
    found = search(path, name, ends[i]);
  }
  char *result = found ? ps_narrow(found) : NULL;
  free(path);
  free(found);
  return result;
}

static char *find_below(const char *name, const char *folder) {
  int is_whole = name[0] == '\\' || name[0] == '/' || name[1] == ':';
  char *path = is_whole || !folder ? strdup(name) : layout_join(folder, name);
  size_t size = path ? strlen(path) + 5 : 0;
  char *longer = path ? malloc(size) : NULL;
  int is_there = longer && files_exists(NULL, path, 0);
  for (size_t i = 0; longer && !is_there && i < sizeof(ends) / sizeof(ends[0]); i++) {
    (void)snprintf(longer, size, "%s%ls", path, ends[i]);
    if (files_exists(NULL, longer, 0)) {
      free(path);
      return longer;
    }
  }
  free(longer);
  if (!is_there) {
    free(path);
    path = NULL;
  }
  return path;
}

char *runner_find(const char *name, const wchar_t *environment, const char *folder) {
  if (strpbrk(name, "\\/:")) {
    return find_below(name, folder);
  }
  wchar_t *wide = ps_wide(name);
  char *found = wide ? find_in_path(wide, environment) : NULL;
  free(wide);
  return found;
}
