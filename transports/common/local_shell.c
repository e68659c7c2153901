/* SPDX-License-Identifier: MIT */
#include "common/local_shell.h"

#include <ctype.h>
#include <stdlib.h>

/* --- shells ---------------------------------------------------------------------------------------- */

static char *join(char *const *words) {
  size_t size = 1;
  for (size_t i = 0; words[i]; i++) {
    size += strlen(words[i]) + 1;
  }
  char *text = calloc(size, 1);
  for (size_t i = 0, used = 0; text && words[i]; i++) {
    used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? " " : "", words[i]);
  }
  return text;
}

local_shell *local_shell_make(local_shell_kind kind, const char *const *words) {
  local_shell *shell = calloc(1, sizeof(*shell));
  int failed = !shell;
  for (size_t i = 0; !failed && words[i]; i++) {
    failed = i >= LOCAL_SHELL_WORDS_MAX || !(shell->words[i] = strdup(words[i]));
  }
  failed = failed || !(shell->name = join(shell->words));
  if (failed) {
    local_shell_free(shell);
    return NULL;
  }
  shell->kind = kind;
  return shell;
}

int local_shell_add(local_shell *shell, const char *name, const char *value) {
  size_t size = strlen(name) + strlen(value) + 2;
  for (size_t i = 0; i < LOCAL_SHELL_ENV_MAX; i++) {
    if (!shell->env[i]) {
      shell->env[i] = malloc(size);
      if (!shell->env[i]) {
        return -1;
      }
      (void)snprintf(shell->env[i], size, "%s=%s", name, value);
      return 0;
    }
  }
  return -1;
}

void local_shell_free(local_shell *shell) {
  if (!shell) {
    return;
  }
  for (size_t i = 0; i < LOCAL_SHELL_WORDS_MAX; i++) {
    free(shell->words[i]);
  }
  for (size_t i = 0; i < LOCAL_SHELL_ENV_MAX; i++) {
    free(shell->env[i]);
  }
  free(shell->name);
  free(shell);
}

/* --- words and paths ------------------------------------------------------------------------------- */

/* What follows `prefix` in the text, in whatever case it is written; NULL if it does not begin so. */
static const char *after(const char *text, const char *prefix) {
  for (; *prefix; prefix++, text++) {
    if (tolower((unsigned char)*text) != *prefix) {
      return NULL;
    }
  }
  return text;
}

int local_shell_is_wsl(const char *option, const char **distribution) {
  const char *rest = after(option, "wsl");
  *distribution = NULL;
  if (!rest || (*rest != '\0' && *rest != ':')) {
    return 0;
  }
  *distribution = rest[0] == ':' && rest[1] ? rest + 1 : NULL;
  return 1;
}

static int is_slash(char c) {
  return c == '/' || c == '\\';
}

static int is_on_disk(const char *path) {
  return isalpha((unsigned char)path[0]) && path[1] == ':' && is_slash(path[2]);
}

/* Where a path of Windows' leads within its own distribution; NULL if it leads elsewhere. */
static const char *inside_wsl(const char *path) {
  if (!is_slash(path[0]) || !is_slash(path[1])) {
    return NULL;
  }
  const char *rest = after(path + 2, "wsl$");
  rest = rest ? rest : after(path + 2, "wsl.localhost");
  if (!rest || !is_slash(rest[0]) || rest[1] == '\0' || is_slash(rest[1])) {
    return NULL;
  }
  for (rest++; *rest && !is_slash(*rest); rest++) {
  }
  return *rest ? rest : "/";
}

char *local_shell_path(const local_shell *shell, const char *path) {
  const char *rest = path;
  char prefix[8] = "";
  if (shell->kind == LOCAL_SHELL_NATIVE) {
    return strdup(path);
  }
  if (shell->kind == LOCAL_SHELL_WSL && is_on_disk(path)) {
    (void)snprintf(prefix, sizeof(prefix), "/mnt/%c", tolower((unsigned char)path[0]));
    rest = path + 2;
  } else if (shell->kind == LOCAL_SHELL_WSL && inside_wsl(path)) {
    rest = inside_wsl(path);
  }
  size_t size = strlen(prefix) + strlen(rest) + 1;
  char *made = malloc(size);
  if (made) {
    (void)snprintf(made, size, "%s%s", prefix, rest);
    for (char *at = made; *at; at++) {
      if (*at == '\\') {
        *at = '/';
      }
    }
  }
  return made;
}
