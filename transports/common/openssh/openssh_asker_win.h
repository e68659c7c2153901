/* SPDX-License-Identifier: MIT */
/**
 * @file openssh_asker_win.h
 * Where ssh's questions come in on Windows: a named pipe for this user alone. The program that ssh runs to ask
 * (SSH_ASKPASS) is penstock.exe itself, which finds the pipe's name in its environment (PENSTOCK_ASKPASS), writes its
 * question to it as openssh_folder.h says, and reads the answer. A thread carries both to and from a socket that can be
 * watched. One question at a time; other askers wait.
 *
 * Thread: the lane's; the thread is the asker's own.
 */
#ifndef TRANSPORTS_OPENSSH_ASKER_WIN_H
#define TRANSPORTS_OPENSSH_ASKER_WIN_H

#include <penstock/sdk.h>

typedef struct openssh_asker openssh_asker;

/** NULL with an error of Windows in `reason`. `socket` is the asker's, non-blocking: questions come from it, answers go
 * to it. */
openssh_asker *openssh_asker_start(penstock_socket *socket, DWORD *reason);
/** The pipe's name. Borrowed. */
const char *openssh_asker_pipe(const openssh_asker *asker);
/** Ends the thread, the pipe and the socket. NULL is allowed. */
void openssh_asker_stop(openssh_asker *asker);

#endif
