/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_auth.h
 * What the files of a login share. Not for others.
 */
#ifndef TRANSPORTS_SSH_AUTH_H
#define TRANSPORTS_SSH_AUTH_H

#include "common/ssh/login/ssh_identities.h"
#include "common/ssh/ssh_internal.h"

enum { LOGIN_TRIES = 3 /* of a passphrase, of answers: ssh's NumberOfPasswordPrompts */ };

/** One login. */
typedef struct ssh_login {
  ssh_link *link;
  uint64_t deadline_ns;
  int is_loaded; /* identities are */
  ssh_identities identities;
  unsigned offers;         /* keys that were really offered */
  char offered[2600];      /* one line for each */
  unsigned partial;        /* factors that the server has accepted, and then wanted more */
  char text[300];          /* how it went well so far */
  penstock_error obstacle; /* why something that the user named was not used; empty class = nothing */
  penstock_error *error;
} ssh_login;

/** What came of a method. */
typedef enum ssh_login_result {
  LOGIN_DONE,
  LOGIN_PARTIAL, /* accepted, and the server wants another one too */
  LOGIN_REFUSED, /* another one may do */
  LOGIN_FAILED   /* the login is over; its error says why */
} ssh_login_result;

/** The questions that a login puts to the server. */
typedef enum ssh_login_question {
  ASK_NONE,
  ASK_AGENT,
  ASK_PUBLIC_KEY,
  ASK_PRIVATE_KEY,
  ASK_INTERACTIVE
} ssh_login_question;

/* --- ssh_auth.c ------------------------------------------------------------------------------------ */

/** Puts a question and waits for the answer: enum ssh_auth_e. */
int ssh_login_ask(const ssh_login *login, ssh_login_question question, ssh_key key);
/** What an answer means; a broken session fails with the login's error. */
ssh_login_result ssh_login_judge(ssh_login *login, int answer);
/** Adds to the text of how it went well. */
PENSTOCK_PRINTF(2, 3)
void ssh_login_tell(ssh_login *login, const char *format, ...);
/** Notes an obstacle, of which the first one is told if the login fails. */
PENSTOCK_PRINTF(4, 5)
void ssh_login_hinder(ssh_login *login, uint32_t error_class, const char *next, const char *format, ...);

/** penstock_host::prompt, unless BatchMode forbids to ask: UNSUPPORTED then. */
int32_t ssh_login_prompt(const ssh_login *login, uint32_t kind, const char *key, const char *question, char *answer,
                         size_t size);

/* --- ssh_auth_keys.c, ssh_auth_interactive.c ------------------------------------------------------- */

/** Offers keys until one is accepted. Those that were offered before are not offered again. */
ssh_login_result ssh_login_with_keys(ssh_login *login);
/** Lets the server ask the user. */
ssh_login_result ssh_login_interactive(ssh_login *login);

#endif
