/* SPDX-License-Identifier: MIT */
/*
 * ssh.exe hands the line of a ProxyCommand to CreateProcess() as it is, which then finds out where the program's name
 * ends. So is it done here, but that the current folder is never looked into, and that what is no program goes to
 * cmd.exe, which ssh.exe only says that it cannot run.
 */
#include "common/ssh/ssh_proxy_command.h"

#include <stdlib.h>

#include <winsock2.h>

#include "common/win/files_win.h"
#include "common/win/socket_child_win.h"
#include "win/reason.h"

struct ssh_proxy_command {
  socket_child *child;
  int code; /* once it has ended */
};

/* --- which program --------------------------------------------------------------------------------- */

static int is_program(const char *path) {
  size_t length = strlen(path);
  return length > 4 && _stricmp(path + length - 4, ".exe") == 0 && files_exists(NULL, path, 0);
}

/* The program that the first `length` bytes of the line name, to free(); NULL if that is none. */
static char *program_of(const char *line, size_t length) {
  char *name = strndup(line, length);
  char *found = name && length > 0 ? child_find(name) : NULL;
  free(name);
  if (found && !is_program(found)) {
    free(found);
    found = NULL;
  }
  return found;
}

/* A name may have spaces and no quotes: then the shortest that there is. `*length` is how much of the line it is, with
 * its quotes. */
static char *find_program(const char *line, size_t *length) {
  if (line[0] == '"') {
    const char *end = strchr(line + 1, '"');
    *length = end ? (size_t)(end - line) + 1 : 0;
    return end ? program_of(line + 1, *length - 2) : NULL;
  }
  for (const char *at = line; *at; at++) {
    if (at[1] == ' ' || at[1] == '\t' || at[1] == '\0') {
      *length = (size_t)(at - line) + 1;
      char *found = program_of(line, *length);
      if (found) {
        return found;
      }
    }
  }
  return NULL;
}

/* The line as the program takes it apart: its own name is one word there, whether it was quoted or not. */
static char *line_for_program(const char *line, size_t length) {
  size_t size = strlen(line) + 3;
  const char *quote = line[0] == '"' ? "" : "\"";
  char *made = malloc(size);
  if (made) {
    (void)snprintf(made, size, "%s%.*s%s%s", quote, (int)length, line, quote, line + length);
  }
  return made;
}

/* cmd.exe takes off the outermost quotes, and leaves the rest as it is. */
static char *line_for_shell(const char *line) {
  static const char format[] = "cmd.exe /d /s /c \"%s\"";
  size_t size = strlen(line) + sizeof(format);
  char *made = malloc(size);
  if (made) {
    (void)snprintf(made, size, format, line);
  }
  return made;
}

/* --- life ------------------------------------------------------------------------------------------ */

static socket_child *start(const char *line, penstock_socket *socket, penstock_socket *messages, DWORD *reason) {
  size_t length = 0;
  char *program = find_program(line, &length);
  char *made = program ? line_for_program(line, length) : line_for_shell(line);
  socket_child *child = NULL;
  program = program ? program : child_find("cmd.exe");
  const child_command command = {.program = program, .line = made};
  *reason = program ? ERROR_NOT_ENOUGH_MEMORY : ERROR_FILE_NOT_FOUND;
  if (program && made) {
    child = socket_child_start(&command, socket, messages, reason);
  }
  free(program);
  free(made);
  return child;
}

ssh_proxy_command *ssh_proxy_command_start(const char *name, const char *command, penstock_socket *socket,
                                           penstock_socket *messages, penstock_error *error) {
  DWORD reason = ERROR_NOT_ENOUGH_MEMORY;
  char text[160];
  ssh_proxy_command *process = calloc(1, sizeof(*process));
  *socket = *messages = PENSTOCK_SOCKET_NONE;
  while (*command == ' ' || *command == '\t') {
    command++;
  }
  if (process) {
    process->child = start(command, socket, messages, &reason);
  }
  if (!process || !process->child) {
    ps_reason(reason, text, sizeof(text));
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL,
                        "the ProxyCommand for %s cannot be started: %s", name, text);
    free(process);
    return NULL;
  }
  return process;
}

int ssh_proxy_command_wait(ssh_proxy_command *process, uint64_t patience_ms) {
  (void)WaitForSingleObject(socket_child_process(process->child)->process, (DWORD)patience_ms);
  return child_has_ended(socket_child_process(process->child), &process->code);
}

void ssh_proxy_command_how(const ssh_proxy_command *process, char *text, size_t size) {
  (void)snprintf(text, size, process->code < 0 ? "was ended by exception 0x%08X" : "ended with code %d",
                 (unsigned)process->code);
}

/* There is no asking: what it is connected to sees an end all the same. */
void ssh_proxy_command_end(ssh_proxy_command *process, uint64_t patience_ms) {
  (void)patience_ms;
  socket_child_free(process->child);
  free(process);
}
