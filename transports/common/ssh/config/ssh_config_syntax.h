/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_config_syntax.h
 * The keywords of ssh_config(5), for our own reader: how a value is written, and how `ssh -G` prints it. What penstock
 * does with a value is another matter: ssh_keywords.c. No I/O. Thread: any.
 */
#ifndef TRANSPORTS_SSH_CONFIG_SYNTAX_H
#define TRANSPORTS_SSH_CONFIG_SYNTAX_H

#include "common/ssh/config/ssh_config_words.h"

/** What a second line with the same keyword does. */
typedef enum ssh_syntax_repeat {
  SSH_SYNTAX_FIRST = 0, /**< nothing: the first one holds */
  SSH_SYNTAX_LINE,      /**< nothing; its values are printed on one line */
  SSH_SYNTAX_EACH,      /**< it adds a value, unless it is there already */
  SSH_SYNTAX_SEND_ENV   /**< it adds names; with `-` before a pattern it takes away */
} ssh_syntax_repeat;

typedef struct ssh_syntax ssh_syntax;

/**
 * Reads the arguments of one line. `text` is the line after the keyword, `arguments` the same cut into words. Adds to
 * `values` what ssh -G prints (none: as if it had not been written). Returns 0; PENSTOCK_E_INVALID with the reason in
 * `why`; or another negative code if there is no memory.
 */
typedef int ssh_syntax_reader(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                              char *why, size_t why_size);

/** One keyword. */
struct ssh_syntax {
  const char *keyword; /**< in lower case */
  ssh_syntax_reader *read;
  const char *const *choices; /**< of a reader of choices: a word and how it is printed, by turns; ends with NULL */
  const char *otherwise;      /**< what ssh -G prints if it is not set, values separated by newlines; NULL = nothing */
  ssh_syntax_repeat repeat;
};

enum { SSH_SYNTAX_WHY_SIZE = 256 };

/** All keywords, in the order in which ssh -G prints them. */
extern const ssh_syntax ssh_syntax_table[];
/** How many there are. */
extern const size_t ssh_syntax_count;

/** Looks up a keyword (lower case) or another name for it. NULL if there is none. */
const ssh_syntax *ssh_syntax_find(const char *keyword);
/** Is it a keyword that once meant something, and that ssh passes over today? */
int ssh_syntax_is_obsolete(const char *keyword);
/** The keyword that is nearest to a mistyped one; NULL if none is near. */
const char *ssh_syntax_nearest(const char *keyword);

/* Readers that have files of their own. */
ssh_syntax_reader ssh_syntax_read_forward;       /**< LocalForward, RemoteForward */
ssh_syntax_reader ssh_syntax_read_dynamic;       /**< DynamicForward */
ssh_syntax_reader ssh_syntax_read_jump;          /**< ProxyJump */
ssh_syntax_reader ssh_syntax_read_choice;        /**< one of `choices` */
ssh_syntax_reader ssh_syntax_read_name;          /**< one word, of which the case does not matter */
ssh_syntax_reader ssh_syntax_read_string;        /**< one word */
ssh_syntax_reader ssh_syntax_read_rest;          /**< the rest of the line, as it stands: a command */
ssh_syntax_reader ssh_syntax_read_list;          /**< several words, printed on one line; `none` stands alone */
ssh_syntax_reader ssh_syntax_read_first;         /**< several words, of which ssh -G prints the first */
ssh_syntax_reader ssh_syntax_read_send_env;      /**< names of variables */
ssh_syntax_reader ssh_syntax_read_set_env;       /**< NAME=value */
ssh_syntax_reader ssh_syntax_read_number;        /**< 0 to INT_MAX */
ssh_syntax_reader ssh_syntax_read_time;          /**< seconds, or 1h30m */
ssh_syntax_reader ssh_syntax_read_port;          /**< number or name of a service */
ssh_syntax_reader ssh_syntax_read_rekey;         /**< RekeyLimit */
ssh_syntax_reader ssh_syntax_read_persist;       /**< ControlPersist */
ssh_syntax_reader ssh_syntax_read_add_keys;      /**< AddKeysToAgent */
ssh_syntax_reader ssh_syntax_read_escape;        /**< EscapeChar */
ssh_syntax_reader ssh_syntax_read_qos;           /**< IPQoS */
ssh_syntax_reader ssh_syntax_read_mask;          /**< StreamLocalBindMask */
ssh_syntax_reader ssh_syntax_read_tunnel;        /**< TunnelDevice */
ssh_syntax_reader ssh_syntax_read_forward_agent; /**< ForwardAgent */
ssh_syntax_reader ssh_syntax_read_cnames;        /**< CanonicalizePermittedCNAMEs */

/** For readers: notes why a value is bad. Returns PENSTOCK_E_INVALID. */
PENSTOCK_PRINTF(3, 4) int ssh_syntax_bad(char *why, size_t why_size, const char *format, ...);
/** For readers: a port, as a number or the name of a service; 0 if it is none. */
unsigned ssh_syntax_port(const char *text);

/** One host of ProxyJump. The text is cut out of the word that was read. */
typedef struct ssh_jump_host {
  char *user;    /**< NULL = not given */
  char *host;    /**< without brackets */
  unsigned port; /**< 0 = not given */
} ssh_jump_host;

/** Reads `[user@]host[:port]` or `ssh://[user@]host[:port]`, in place. Returns 0 or PENSTOCK_E_INVALID. */
int ssh_jump_host_read(ssh_jump_host *jump, char *text);

#endif
