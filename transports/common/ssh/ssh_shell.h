/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_shell.h
 * A session channel with a shell of ours at its other end, which runs one script after another: a login shell that is
 * slow to start is waited for once, and a server that allows one session (MaxSessions 1) is enough.
 *
 * The login shell that sshd puts before every command sees nothing of ours but `/bin/sh -s`, which sh, bash, zsh,
 * csh and fish read alike. Its start-up files may read standard input, print, hang, or exec something else, so no
 * script is sent before a POSIX shell has greeted back.
 *
 * For ssh_run.c. Thread: the lane's, and only within the link's turn.
 */
#ifndef TRANSPORTS_SSH_SHELL_H
#define TRANSPORTS_SSH_SHELL_H

#include "common/script.h"
#include "common/ssh/ssh_internal.h"

typedef enum ssh_shell_state {
  SSH_SHELL_OPENING,
  SSH_SHELL_PREPARING,  /* its environment */
  SSH_SHELL_REQUESTING, /* the command */
  SSH_SHELL_GREETING,
  SSH_SHELL_IDLE,
  SSH_SHELL_RUNNING,
  SSH_SHELL_ENDED /* of no more use; `end` says why */
} ssh_shell_state;

typedef enum ssh_shell_end {
  SSH_SHELL_NOT_ENDED,
  SSH_SHELL_DENIED, /* no session: MaxSessions, mostly */
  SSH_SHELL_NO_EXEC,
  SSH_SHELL_CLOSED,
  SSH_SHELL_SILENT, /* no greeting in time */
  SSH_SHELL_FLOOD   /* it prints without end */
} ssh_shell_end;

/** Text that grows up to a limit; what is beyond it is counted, and dropped. */
typedef struct ssh_shell_text {
  char *text; /**< NUL-terminated, or NULL while empty */
  size_t size;
  size_t limit;
  uint64_t total; /**< bytes that came */
} ssh_shell_text;

struct ssh_shell {
  ssh_shell *next;
  ssh_link *link;
  carrier_run *run; /**< whose shell it is; NULL: it waits for the next one */
  ssh_channel channel;
  struct ssh_channel_callbacks_struct callbacks;
  ssh_shell_state state;
  ssh_shell_end end;
  ssh_shell_state ended_in;
  uint64_t since_ns;    /**< when the state began */
  size_t variables;     /**< of the environment, how many were sent */
  uint64_t patience_ms; /**< how long the login shell may take */
  char nonce[SCRIPT_NONCE_SIZE];
  char greeting[SCRIPT_GREETING_SIZE];
  unsigned greetings; /**< how many were sent */
  const char *input;  /**< what is being sent; borrowed */
  size_t input_size;
  size_t input_at;
  int is_told_to_end; /**< EOF was sent */
  uint64_t told_ns;
  ssh_shell_text output;
  ssh_shell_text error_output;
  unsigned denial; /**< the server's code (RFC 4254, 5.1) for a session that it would not open */
  char denial_text[200];
  int exit_status; /**< -1 until it comes */
  uint64_t exited_ns;
  char signal[32]; /**< what ended it, if a signal did */
  int has_closed;
};

/** Begins to open one that waits so long for the login shell. NULL if out of memory. */
ssh_shell *ssh_shell_open(ssh_link *link, const char *nonce, uint64_t patience_ms);
/** One step onwards, as far as it goes. */
void ssh_shell_advance(ssh_shell *shell);
/** Gives an idle one a script (`text`), which is borrowed until it is idle again. */
void ssh_shell_run(ssh_shell *shell, const char *text, size_t size);
/** The script has ended: drops what it printed. */
void ssh_shell_rest(ssh_shell *shell);
/** Says in the user's words why it ended. */
void ssh_shell_explain(const ssh_shell *shell, penstock_error *error);
/** Ends it, if need be, and frees it. */
void ssh_shell_drop(ssh_shell *shell);

#endif
