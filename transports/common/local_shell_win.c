/* SPDX-License-Identifier: MIT */
/*
 * Git for Windows, as it says where it is in the registry, and where it usually is: usr\bin\sh.exe with its own folder
 * in PATH, so that scripts find sed and the others; bin\sh.exe would do that too, by one more process.
 */
#include "common/local_shell.h"

#include <stdlib.h>

#include "common/win/child_win.h"
#include "common/win/files_win.h"
#include "win/wide.h"

#define LONGEST 32768

/* --- places ---------------------------------------------------------------------------------------- */

/* A variable of ours, to free(); NULL if it is not set. */
static char *variable(const wchar_t *name) {
  wchar_t *wide = calloc(LONGEST, sizeof(*wide));
  DWORD length = wide ? GetEnvironmentVariableW(name, wide, LONGEST) : 0;
  char *text = length > 0 && length < LONGEST ? ps_narrow(wide) : NULL;
  free(wide);
  return text;
}

/* Where Git's installer says that it is, to free(); NULL if it says nothing. */
static char *registered(HKEY root) {
  wchar_t path[1024];
  DWORD size = sizeof(path);
  return RegGetValueW(root, L"SOFTWARE\\GitForWindows", L"InstallPath", RRF_RT_REG_SZ | RRF_SUBKEY_WOW6464KEY, NULL,
                      path, &size) == ERROR_SUCCESS
             ? ps_narrow(path)
             : NULL;
}

/* Is there a distribution of WSL? Its wsl.exe is on every Windows, and only says how to install one. */
static int has_distribution(void) {
  wchar_t name[128];
  DWORD size = sizeof(name);
  return RegGetValueW(HKEY_CURRENT_USER, L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Lxss", L"DefaultDistribution",
                      RRF_RT_REG_SZ, NULL, name, &size) == ERROR_SUCCESS;
}

/* --- shells ---------------------------------------------------------------------------------------- */

/* The folder of the program goes in front of PATH: what its scripts call is there. */
static int add_folder(local_shell *shell, const char *program) {
  const char *end = strrchr(program, '\\');
  char *path = variable(L"PATH");
  size_t length = end ? (size_t)(end - program) : 0;
  size_t size = length + (path ? strlen(path) : 0) + 2;
  char *value = malloc(size);
  int result = -1;
  if (value) {
    (void)snprintf(value, size, "%.*s%s%s", (int)length, program, path ? ";" : "", path ? path : "");
    result = length > 0 ? local_shell_add(shell, "PATH", value) : 0;
  }
  free(value);
  free(path);
  return result;
}

/* A shell that is a program of Windows. Takes over `program`. Its runtime is told to leave arguments as they are: it
 * would take /bin/sh, which is for the container, for a path of its own. */
static local_shell *make_program(char *program) {
  const char *const words[] = {program, NULL};
  local_shell *shell = local_shell_make(LOCAL_SHELL_MSYS, words);
  if (shell && (add_folder(shell, program) || local_shell_add(shell, "MSYS_NO_PATHCONV", "1") ||
                local_shell_add(shell, "MSYS2_ARG_CONV_EXCL", "*"))) {
    local_shell_free(shell);
    shell = NULL;
  }
  free(program);
  return shell;
}

/* The shell of a distribution, or of the one that WSL takes by itself. Takes over `program`. */
static local_shell *make_wsl(char *program, const char *distribution) {
  const char *const with[] = {program, "-d", distribution, "--exec", "/bin/sh", NULL};
  const char *const without[] = {program, "--exec", "/bin/sh", NULL};
  local_shell *shell = local_shell_make(LOCAL_SHELL_WSL, distribution ? with : without);
  /* Else its own words are UTF-16. */
  if (shell && local_shell_add(shell, "WSL_UTF8", "1")) {
    local_shell_free(shell);
    shell = NULL;
  }
  free(program);
  return shell;
}

/* `folder` + `rest` if there is such a file, to free(). */
static char *file_in(const char *folder, const char *rest) {
  size_t size = folder ? strlen(folder) + strlen(rest) + 2 : 0;
  char *path = folder ? malloc(size) : NULL;
  if (path) {
    size_t length = strlen(folder);
    int has_slash = length > 0 && (folder[length - 1] == '\\' || folder[length - 1] == '/');
    (void)snprintf(path, size, "%s%s%s", folder, has_slash ? "" : "\\", rest);
    if (!files_exists(NULL, path, 0)) {
      free(path);
      path = NULL;
    }
  }
  return path;
}

/* sh.exe in a folder of Git's. Takes over `folder`. */
static char *in_git(char *folder, const char *below) {
  char *root = below && folder ? malloc(strlen(folder) + strlen(below) + 2) : NULL;
  if (root) {
    (void)sprintf(root, "%s\\%s", folder, below);
  }
  const char *place = below ? root : folder;
  char *found = file_in(place, "usr\\bin\\sh.exe");
  found = found ? found : file_in(place, "bin\\sh.exe");
  free(root);
  free(folder);
  return found;
}

/* Git's shell, to free(); NULL if it is nowhere. */
static char *find_git(void) {
  char *found = in_git(registered(HKEY_CURRENT_USER), NULL);
  found = found ? found : in_git(registered(HKEY_LOCAL_MACHINE), NULL);
  found = found ? found : in_git(variable(L"ProgramFiles"), "Git");
  return found ? found : in_git(variable(L"LOCALAPPDATA"), "Programs\\Git");
}

/* --- finding --------------------------------------------------------------------------------------- */

static void fail_option(const char *option, const char *origin, const char *why, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s%sshell = %.200s: %s", origin ? origin : "",
                      origin ? ": " : "", option, why);
  penstock_next(error, "Set it to the path of a POSIX shell (Git for Windows has usr\\bin\\sh.exe), to wsl or "
                       "wsl:DISTRIBUTION; or take it out");
}

static local_shell *by_option(const char *option, const char *origin, penstock_error *error) {
  const char *distribution;
  int is_wsl = local_shell_is_wsl(option, &distribution);
  char *program = child_find(is_wsl ? "wsl.exe" : option);
  if (!program) {
    fail_option(option, origin, is_wsl ? "there is no wsl.exe in PATH" : "there is no such program", error);
    return NULL;
  }
  return is_wsl ? make_wsl(program, distribution) : make_program(program);
}

static local_shell *by_itself(penstock_error *error) {
  char *program = find_git();
  program = program ? program : child_find("sh.exe");
  if (program) {
    return make_program(program);
  }
  program = has_distribution() ? child_find("wsl.exe") : NULL;
  if (program) {
    return make_wsl(program, NULL);
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "There is no POSIX shell on this machine: neither Git for Windows (in the registry, in Program "
                      "Files\\Git, in %%LOCALAPPDATA%%\\Programs\\Git), nor sh.exe in PATH, nor a distribution of WSL");
  penstock_next(error,
                "Install Git for Windows, or a distribution of WSL (wsl --install); or name a shell: shell = PATH");
  return NULL;
}

local_shell *local_shell_find(const char *option, const char *origin, penstock_error *error) {
  penstock_error why = {.struct_size = (uint32_t)sizeof(why)};
  local_shell *shell = option && option[0] ? by_option(option, origin, &why) : by_itself(&why);
  if (!shell && error) {
    if (why.what[0] == '\0') {
      (void)penstock_fail(&why, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    }
    *error = why;
  }
  return shell;
}
