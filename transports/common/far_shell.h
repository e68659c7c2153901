/* SPDX-License-Identifier: MIT */
/**
 * @file far_shell.h
 * A session channel with a shell of ours at its other end, which runs one script after another: a login shell that is
 * slow to start is waited for once, and a server that allows one session (MaxSessions 1) is enough.
 *
 * The login shell that sshd puts before every command sees nothing of ours but `/bin/sh -s`, which sh, bash, zsh,
 * csh and fish read alike. Its start-up files may read standard input, print, hang, or exec something else, so no
 * script is sent before a POSIX shell has greeted back.
 *
 * For far_run.c, and for a carrier to tell what happens to its channels. Thread: the lane's, and only within the link's
 * turn.
 */
#ifndef TRANSPORTS_FAR_SHELL_H
#define TRANSPORTS_FAR_SHELL_H

#include "common/far_run.h"
#include "common/script.h"

typedef enum far_shell_state {
  FAR_SHELL_OPENING,
  FAR_SHELL_PREPARING,  /* its environment */
  FAR_SHELL_REQUESTING, /* the command */
  FAR_SHELL_GREETING,
  FAR_SHELL_IDLE,
  FAR_SHELL_RUNNING,
  FAR_SHELL_ENDED /* of no more use; `end` says why */
} far_shell_state;

typedef enum far_shell_end {
  FAR_SHELL_NOT_ENDED,
  FAR_SHELL_DENIED, /* no session: MaxSessions, mostly */
  FAR_SHELL_NO_EXEC,
  FAR_SHELL_CLOSED,
  FAR_SHELL_SILENT, /* no greeting in time */
  FAR_SHELL_FLOOD   /* it prints without end */
} far_shell_end;

/** Text that grows up to a limit; what is beyond it is counted, and dropped. */
typedef struct far_shell_text {
  char *text; /**< NUL-terminated, or NULL while empty */
  size_t size;
  size_t limit;
  uint64_t total; /**< bytes that came */
} far_shell_text;

struct far_shell {
  far_shell *next;
  far_shells *pool;
  carrier_run *run; /**< whose shell it is; NULL: it waits for the next one */
  void *channel;    /* the carrier's */
  far_shell_state state;
  far_shell_end end;
  far_shell_state ended_in;
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
  far_shell_text output;
  far_shell_text error_output;
  unsigned denial; /**< the server's code (RFC 4254, 5.1) for a session that it would not open */
  char denial_text[200];
  int exit_status; /**< -1 until it comes */
  uint64_t exited_ns;
  char signal[32]; /**< what ended it, if a signal did */
  int has_closed;
};

/** Begins to open one that waits so long for the login shell. NULL if out of memory. */
far_shell *far_shell_open(far_shells *pool, const char *nonce, uint64_t patience_ms);
/** One step onwards, as far as it goes. */
void far_shell_advance(far_shell *shell);
/** Gives an idle one a script (`text`), which is borrowed until it is idle again. */
void far_shell_run(far_shell *shell, const char *text, size_t size);
/** The script has ended: drops what it printed. */
void far_shell_rest(far_shell *shell);
/** Says in the user's words why it ended. */
void far_shell_explain(const far_shell *shell, penstock_error *error);
/** Ends it, if need be, and frees it. */
void far_shell_drop(far_shell *shell);
/** Frees it, and leaves its channel (far_shell::channel) to the caller: for what a script has become. */
void *far_shell_release(far_shell *shell);

/** The server would not open it: its code (RFC 4254, 5.1; 0 if unknown) and words. */
void far_shell_denied(far_shell *shell, uint32_t code, const char *text);
/** Output has come. */
void far_shell_hear(far_shell *shell, const void *data, size_t size, int is_stderr);
/** The command has ended: with `status`, or -1 and the name of a signal. */
void far_shell_exited(far_shell *shell, int status, const char *signal);
/** The channel was closed by the server. */
void far_shell_closed(far_shell *shell);

#endif
