/* SPDX-License-Identifier: MIT */
/**
 * @file openssh_words.h
 * What an ssh says of its one channel (LogLevel DEBUG2), line by line, where each channel is a program (mux_win.h).
 * openssh_story.h has what comes before: connection and login. Pure. Thread: any.
 *
 * The words are those of OpenSSH 7.6 to 10.
 */
#ifndef TRANSPORTS_OPENSSH_WORDS_H
#define TRANSPORTS_OPENSSH_WORDS_H

#include <penstock/sdk.h>

/** What a line says. */
typedef enum openssh_word {
  OPENSSH_WORD_NONE,    /**< it is not ssh's own, or nothing that shows it */
  OPENSSH_WORD_OTHER,   /**< ssh's own, and nothing of these */
  OPENSSH_WORD_OPEN,    /**< the server has opened the channel */
  OPENSSH_WORD_REFUSED, /**< it has not: code and text */
  OPENSSH_WORD_RUNS,    /**< the server runs the command */
  OPENSSH_WORD_NO_EXEC, /**< it does not */
  OPENSSH_WORD_EOF,     /**< the far side has ended its direction */
  OPENSSH_WORD_SIGNAL,  /**< a signal has ended the command */
  OPENSSH_WORD_STATUS   /**< the command has ended: status */
} openssh_word;

/** What belongs to some of them. */
typedef struct openssh_words {
  uint32_t code;  /**< REFUSED: RFC 4254's reason, 0 if it is another */
  char text[200]; /**< REFUSED: the server's words, printable */
  int status;     /**< STATUS */
} openssh_words;

/** Reads a line, without its end. */
openssh_word openssh_words_read(const char *line, openssh_words *words);

#endif
