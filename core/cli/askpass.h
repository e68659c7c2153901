/* SPDX-License-Identifier: MIT */
/**
 * @file askpass.h
 * penstock as the program that an ssh.exe of ours runs to ask (SSH_ASKPASS), on Windows, where no script can be that.
 * It is told so by PENSTOCK_ASKPASS, the name of a pipe: the question goes to it as `kind`, newline, text, byte 30, and
 * the answer comes back as `y` and a text, or `n`; newline (transports/common/openssh/openssh_folder.h).
 *
 * Thread: main, before anything else.
 */
#ifndef PS_ASKPASS_H
#define PS_ASKPASS_H

/** Were we started for that? */
int ps_askpass_is_wanted(void);
/** Asks the one question that the command line is. Returns the exit status. */
int ps_askpass_run(int argc, char **argv);

#endif
