/* SPDX-License-Identifier: MIT */
/**
 * @file openssh_folder.h
 * The private folder of one ssh: its control socket, what it says, and the questions that it asks.
 *
 *   control   the control socket; ssh makes it
 *   log       FIFO: what ssh itself says, apart from what programs that it starts say on standard error
 *   ask       FIFO: questions, from the helper below: `kind`, newline, text, byte 30; kind is text, confirm or none
 *   answer    FIFO: `y` and the answer, or `n`; newline
 *   helper    the program that ssh runs to ask (SSH_ASKPASS)
 *   alive     FIFO that nothing is ever written to: its end tells the guard that we are no more
 *
 * On Windows there is no more than `config`, and `ask`, which is a socket for both directions (openssh_asker_win.h).
 *
 * The guard is a shell beside ssh, in its process group. Whatever ends us, it ends the group and removes the folder.
 *
 * Thread: any. Files only; nothing blocks for long.
 */
#ifndef TRANSPORTS_OPENSSH_FOLDER_H
#define TRANSPORTS_OPENSSH_FOLDER_H

#include <penstock/sdk.h>

/** Room for the folder's path with its NUL; the longest name of a socket in it must fit into 104 bytes (macOS). */
#define OPENSSH_FOLDER_SIZE 72
/** Room for the path of a file in it. */
#define OPENSSH_PATH_SIZE (OPENSSH_FOLDER_SIZE + 16)
/** The end of a question. */
#define OPENSSH_ASK_END '\036'

/** An open folder. The sockets are non-blocking descriptors that can be watched, and the folder's. */
typedef struct openssh_folder {
  char path[OPENSSH_FOLDER_SIZE]; /**< empty: there is none */
  penstock_socket log;
  penstock_socket ask;
  penstock_socket answer;
  penstock_socket alive;
  struct openssh_asker *asker; /* on Windows: where questions come in, and answers go out */
  int is_made;                 /* on Windows: it is there */
} openssh_folder;

/** Shell text that is run as `/bin/sh -c TEXT FOLDER COMMAND…`: starts the guard, and becomes the command. */
extern const char openssh_guard[];

/** Makes one. On failure returns a negative code with `error`; nothing is to be closed then. */
int openssh_folder_open(openssh_folder *folder, penstock_error *error);
/** Removes it. The guard then ends what is left of its group. */
void openssh_folder_close(openssh_folder *folder);
/** The path of a file in it. */
void openssh_folder_path(const openssh_folder *folder, const char *name, char path[OPENSSH_PATH_SIZE]);
/** Writes a text file into it: "config" or "pin". Returns 0, or a negative code with `error`. */
int openssh_folder_write(openssh_folder *folder, const char *name, const char *text, penstock_error *error);
/** Gives a file a name in it: "given". `target` counts from the current folder. Returns 0, or a negative code with
 * `error`. */
int openssh_folder_link(const openssh_folder *folder, const char *name, const char *target, penstock_error *error);
/** Reads what is there from `log` or `ask`; the count, 0 if there is nothing. */
size_t openssh_folder_read(penstock_socket from, char *data, size_t size);
/** Gives an answer to the helper that waits for it; what an earlier one left is dropped. Returns 0, or a negative code:
 * it is too long. */
int openssh_folder_answer(const openssh_folder *folder, int is_given, const char *answer);

#endif
