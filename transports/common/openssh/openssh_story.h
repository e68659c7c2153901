/* SPDX-License-Identifier: MIT */
/**
 * @file openssh_story.h
 * What ssh says of itself (with -v), line by line: how far it has come, and in the end why it gave up. No I/O.
 * Thread: any.
 *
 * The words are those of OpenSSH 7.4 to 10. A line that is not known changes nothing but the detail of an error.
 */
#ifndef TRANSPORTS_OPENSSH_STORY_H
#define TRANSPORTS_OPENSSH_STORY_H

#include <penstock/sdk.h>

enum { OPENSSH_STORY_LINES = 12 };

/** How far it has come. */
typedef enum openssh_stage {
  OPENSSH_STARTING = 0,
  OPENSSH_CALLING,   /**< the name is resolved, the TCP connection is being made */
  OPENSSH_CONNECTED, /**< there is a connection; keys are exchanged */
  OPENSSH_VERIFIED,  /**< the host has proved who it is */
  OPENSSH_LOGGED_IN,
  OPENSSH_READY /**< it serves its control socket */
} openssh_stage;

/** What is known so far. Zeroed is the start. */
typedef struct openssh_story {
  openssh_stage stage;
  int by_proxy;         /**< another program makes the connection (ProxyCommand, ProxyJump) */
  int is_name;          /**< the host was a name to resolve */
  char address[128];    /**< "192.0.2.1 port 22" */
  char greeting[128];   /**< what the server said in place of its name, if it did */
  char server[128];     /**< what the server calls itself: "OpenSSH_9.2p1 Debian-2" */
  char key_type[64];    /**< of the key that the host showed */
  char key[64];         /**< its fingerprint, SHA256:… */
  char known_at[512];   /**< where that key (or its CA's) is known: "/home/a/.ssh/known_hosts:3" */
  char offending[512];  /**< where another key is known */
  int has_certificate;  /**< the host showed a certificate */
  int has_changed;      /**< another key is known */
  int is_revoked;       /**< the key is marked @revoked */
  char accepted[256];   /**< the user's key that the server takes */
  char method[64];      /**< the login's: "publickey" */
  char bad_key[512];    /**< a key file that ssh cannot use: others can read it, or its form is another */
  char unanswered[256]; /**< a question of ssh's that there was nobody to put to */
  char lines[OPENSSH_STORY_LINES][256]; /**< the last ones that are no debug output; a ring */
  size_t line_count;                    /**< of all such lines */
} openssh_story;

/**
 * Takes in one line (without its end). Returns 1 if the stage has changed; then, or if only `note` is not empty, `note`
 * has words for the user.
 */
int openssh_story_add(openssh_story *story, const char *line, char *note, size_t note_size);

/** What an error is told with. Borrowed. */
typedef struct openssh_story_context {
  const char *host;        /**< as the user wrote it */
  const char *profile;     /**< its name */
  const char *fingerprint; /**< the pinned one; NULL = none */
  const char *others;      /**< what the programs that ssh has started said (a jump's ssh); NULL or empty = nothing */
  int by_jump;             /**< there are hops on the way */
  int exit_code;           /**< ssh's; -1 = it runs */
} openssh_story_context;

/** Fills in the error for an ssh that gave up: leg, class, words, next step, and its last lines as the detail. */
void openssh_story_error(const openssh_story *story, const openssh_story_context *context, penstock_error *error);

#endif
