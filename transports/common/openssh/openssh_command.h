/* SPDX-License-Identifier: MIT */
/**
 * @file openssh_command.h
 * The command line of the ssh that carries a profile: what the user asked for (ssh_profile.h), what must hold for a
 * master of ours whatever ssh_config says, and our defaults where it says nothing.
 *
 * Thread: any. Making a command may write two files into the folder.
 */
#ifndef TRANSPORTS_OPENSSH_COMMAND_H
#define TRANSPORTS_OPENSSH_COMMAND_H

#include "common/openssh/openssh_folder.h"
#include "common/ssh/config/ssh_settings.h"

/** A version, as 100 * major + minor: 902 for OpenSSH_9.2p1. 0 = not OpenSSH. */
int openssh_version(const char *words);
/** The oldest one that lends its session. */
#define OPENSSH_OLDEST 706

/** What a command is made of. All borrowed. */
typedef struct openssh_plan {
  const penstock_host *host;     /**< for warnings */
  const penstock_config *config; /**< the profile */
  const ssh_request *request;    /**< ssh_profile_request's */
  const ssh_settings *extra;     /**< ssh_profile_overlay's: pin, auth, keepalive */
  const ssh_config *lines;       /**< the effective settings, `request` included */
  openssh_folder *folder;
  int version;
  uint64_t deadline_ms; /**< for the connection and login */
} openssh_plan;

/** Words of a command line; all text is its own. */
typedef struct openssh_command {
  char **argv; /**< NULL-terminated */
  size_t count;
  int failed; /**< there was no memory */
} openssh_command;

/** Makes the command. Returns 0, or a negative code with `error` (class CONFIG); nothing is to be freed then. */
int openssh_command_make(openssh_command *command, const openssh_plan *plan, penstock_error *error);
/** Frees the words. */
void openssh_command_clear(openssh_command *command);

/* --- for openssh_command_….c ------------------------------------------------------------------------- */

/** Adds a copy of a word. */
void openssh_command_add(openssh_command *command, const char *word);
/** Adds `-o OPTION`. */
void openssh_command_add_option(openssh_command *command, const char *option);
/** Adds how ssh is started, up to the options that are the same on all systems. */
void openssh_command_begin(openssh_command *command, const openssh_plan *plan);
/** Adds what has ssh accept the pinned key alone (plan->extra->fingerprint). Returns 0, or a negative code with
 * `error`. */
int openssh_command_add_pin(openssh_command *command, const openssh_plan *plan, penstock_error *error);
/** Writes the lines of a configuration file that read what ssh would have read: the user's files and the system's, or
 * `file` if it is not NULL. Returns 0, or a negative code with `error`. */
int openssh_command_include(const openssh_plan *plan, const char *file, char *lines, size_t size,
                            penstock_error *error);

/** May the server put questions (auth = keyboard-interactive)? */
int openssh_may_ask(const ssh_settings *extra);
/** Are there hosts on the way (ProxyJump)? */
int openssh_has_jump(const ssh_config *lines);

#endif
