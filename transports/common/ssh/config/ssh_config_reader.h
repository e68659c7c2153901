/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_config_reader.h
 * The parts of our own reader of ssh_config(5), for each other and for their tests. Others use ssh_config_read.
 */
#ifndef TRANSPORTS_SSH_CONFIG_READER_H
#define TRANSPORTS_SSH_CONFIG_READER_H

#include "common/ssh/config/ssh_config.h"
#include "common/ssh/config/ssh_config_syntax.h"
#include "common/ssh/config/ssh_local.h"
#include "common/ssh/config/ssh_tokens.h"

/** What a line belongs to. */
typedef struct ssh_reader_scope {
  const char *file; /**< NULL = an option of the request */
  size_t line;
  int depth;     /**< of Include */
  int is_user;   /**< a file of the user's, not of the system's */
  int never;     /**< included from a block that does not hold: nothing in this file does */
  int is_active; /**< the Host or Match above holds */
} ssh_reader_scope;

/** A reading. */
typedef struct ssh_reader {
  const ssh_request *request;
  penstock_error *error;
  ssh_local local;
  ssh_words *values; /**< of each keyword, by its place in ssh_syntax_table */
  char *host;        /**< what Host is compared with: as typed; in the second reading, HostName */
  int is_final;      /**< this is the second reading, for `Match final` */
  int wants_final;   /**< somebody asks for a second one */
  int has_files;     /**< Include may open files */
} ssh_reader;

/** Begins a reading for `request`. Returns 0 or a negative code with `error`; ssh_reader_end is due in any case. */
int ssh_reader_begin(ssh_reader *reader, const ssh_request *request, penstock_error *error);
/** Frees what a reading owns. */
void ssh_reader_end(ssh_reader *reader);

/** Reads the lines of `text` (its memory is written to). Returns 0 or a negative code with the reader's error. */
int ssh_reader_text(ssh_reader *reader, char *text, size_t size, ssh_reader_scope *scope);
/** Makes what was read into the lines that ssh -G prints (ssh_config_result.c). */
int ssh_reader_result(ssh_reader *reader, ssh_config *config);

/** `Host`: sets the scope's state by the patterns. Returns 0 or a negative code. */
int ssh_reader_host(ssh_reader *reader, const ssh_words *patterns, ssh_reader_scope *scope);
/** `Match`: the same by its criteria, which are cut up in place. */
int ssh_reader_match(ssh_reader *reader, char *criteria, ssh_reader_scope *scope);

/** The first value of a keyword so far; NULL if it is not set. */
const char *ssh_reader_value(const ssh_reader *reader, const char *keyword);
/** What tokens stand for so far. `host` is borrowed. */
ssh_tokens ssh_reader_tokens(const ssh_reader *reader, const char *host);
/** HostName so far, with its tokens replaced; the host as typed if it is not set. The caller frees it. */
char *ssh_reader_host_name(const ssh_reader *reader);
/** Notes an error with its place ("file:line: "). Returns PENSTOCK_E_FAILED. */
PENSTOCK_PRINTF(3, 4)
int ssh_reader_fail(const ssh_reader *reader, const ssh_reader_scope *scope, const char *format, ...);
/** The same of no memory. */
int ssh_reader_out_of_memory(const ssh_reader *reader);

#endif
