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

/* A name may have spaces and no quotes: then the shortest that there is. */
static char *find_program(const char *line) {
  if (line[0] == '"') {
    const char *end = strchr(line + 1, '"');
    return end ? program_of(line + 1, (size_t)(end - line - 1)) : NULL;
  }
  for (const char *at = line; *at; at++) {
    if (at[1] == ' ' || at[1] == '\t' || at[1] == '\0') {
      char *found = program_of(line, (size_t)(at + 1 - line));
      if (found) {
        return found;
      }
    }
  }
  return NULL;
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
  char *program = find_program(line);
  char *made = NULL;
  socket_child *child = NULL;
  if (!program) {
    program = child_find("cmd.exe");
    made = line_for_shell(line);
    line = made;
  }
  const child_command command = {.program = program, .line = line};
  *reason = program ? ERROR_NOT_ENOUGH_MEMORY : ERROR_FILE_NOT_FOUND;
  if (program && line) {
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
    files_reason(reason, text, sizeof(text));
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
