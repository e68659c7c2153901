/* SPDX-License-Identifier: MIT */
/**
 * @file local_shell.h
 * The POSIX shell of this machine, for which the scripts of the carriers are written. Unix has one; on Windows it comes
 * with something else: Git for Windows, or a distribution of WSL. Thread: any.
 */
#ifndef TRANSPORTS_LOCAL_SHELL_H
#define TRANSPORTS_LOCAL_SHELL_H

#include <penstock/sdk.h>

/** For the table of a transport whose scripts run on this machine: `shell` STRING, see local_shell_find. */
#define LOCAL_SHELL_OPTIONS                                                                                            \
  {                                                                                                                    \
    sizeof(penstock_option), PENSTOCK_OPTION_STRING, 0, 0, "shell", NULL,                                              \
        "POSIX shell of this machine for penstock's scripts: a path, or on Windows wsl, wsl:DISTRIBUTION; if unset, "  \
        "the usual one",                                                                                               \
        0, 0, NULL                                                                                                     \
  }

typedef enum local_shell_kind {
  LOCAL_SHELL_NATIVE, /**< of this system: paths are what they are */
  LOCAL_SHELL_MSYS,   /**< a program for Windows that takes `C:/folder/file`: Git's, MSYS2's, Cygwin's, busybox */
  LOCAL_SHELL_WSL     /**< in a distribution of WSL, which has the disks in /mnt */
} local_shell_kind;

/** Words of its command at most, but those that say where the script is. */
#define LOCAL_SHELL_WORDS_MAX 6
/** Entries that its environment gets at most. */
#define LOCAL_SHELL_ENV_MAX 4

/** A shell. All texts are its own. */
typedef struct local_shell {
  local_shell_kind kind;
  char *words[LOCAL_SHELL_WORDS_MAX + 1]; /**< its command, NULL-terminated: "/bin/sh" */
  char *env[LOCAL_SHELL_ENV_MAX + 1];     /**< NAME=value to add to ours, NULL-terminated */
  char *name;                             /**< for messages: its command as one text */
} local_shell;

/**
 * The shell to use. `option`: what the profile says, NULL = nothing, and `origin` where ("penstock.ini:7"; may be
 * NULL).
 *
 * Unix: the path, else /bin/sh. Windows: the path or name of a shell; `wsl` or `wsl:DISTRIBUTION`; if nothing is said,
 * the first that is there of Git for Windows, `sh.exe` in PATH, and WSL. To local_shell_free; NULL with `error` (leg
 * LOCAL, class CONFIG) that names the places where one was looked for.
 */
local_shell *local_shell_find(const char *option, const char *origin, penstock_error *error);
/** NULL is fine. */
void local_shell_free(local_shell *shell);

/* --- what is the same on all systems: local_shell.c ------------------------------------------------- */

/** One with these words (NULL-terminated, copied) and no environment. NULL if memory is out. */
local_shell *local_shell_make(local_shell_kind kind, const char *const *words);
/** Adds an entry to its environment. Returns 0, or -1 if memory is out or there are too many. */
int local_shell_add(local_shell *shell, const char *name, const char *value);
/**
 * Is this `wsl` or `wsl:DISTRIBUTION` (case does not count)? Then `distribution` is what follows the colon, borrowed,
 * or NULL. A path, such as C:\wsl.exe, is none.
 */
int local_shell_is_wsl(const char *option, const char **distribution);
/**
 * A path of the profile in the form that commands of the shell take; to free(), NULL if memory is out.
 *
 *                          MSYS              WSL
 *   C:\lab\app.yml         C:/lab/app.yml    /mnt/c/lab/app.yml
 *   \\server\share\x       //server/share/x  //server/share/x
 *   \\wsl$\Debian\home\x   //wsl$/...        /home/x (likewise \\wsl.localhost\...)
 *   /home/x, ~/x           as they are
 *
 * What is neither a path of a disk nor one of a server has its backslashes turned alone. NATIVE: as it is.
 */
char *local_shell_path(const local_shell *shell, const char *path);

#endif
