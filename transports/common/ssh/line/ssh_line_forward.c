/* SPDX-License-Identifier: MIT */
/*
 * -L, -D and -R. penstock has one forward of its own, from `listen` to `endpoint`: the first -L says both; the others
 * are explained.
 */
#include <stdlib.h>

#include "common/ssh/line/ssh_line_internal.h"

enum { FIELDS_MAX = 4 };

/* A part of [address:]port:host:port, without its brackets. */
typedef struct field {
  size_t start;
  size_t size;
  int is_path; /* a UNIX socket */
} field;

static const char *form(char letter) {
  return letter == 'D'   ? "Write -D [ADDRESS:]PORT"
         : letter == 'L' ? "Write -L [ADDRESS:]PORT:HOST:PORT"
                         : "Write -R [ADDRESS:]PORT[:HOST:PORT]";
}

/* Splits at the colons that are not within brackets. Returns how many fields there are, or a negative code. */
static int split(ssh_line_reader *self, char letter, ssh_line_argument argument, field *fields) {
  const char *text = argument.text;
  size_t at = 0;
  int count = 0;
  for (;;) {
    if (count == FIELDS_MAX) {
      return ssh_line_fail(self, argument.at[at], form(letter), "-%c has too many parts; an IPv6 address has brackets",
                           letter);
    }
    field *part = &fields[count++];
    if (text[at] == '[') {
      size_t size = strcspn(text + at, "]");
      if (text[at + size] == '\0') {
        return ssh_line_fail(self, argument.at[at], form(letter), "the bracket is not closed");
      }
      *part = (field){.start = at + 1, .size = size - 1};
      at += size + 1;
    } else {
      *part = (field){.start = at, .size = strcspn(text + at, ":")};
      part->is_path = memchr(text + at, '/', part->size) != NULL;
      at += part->size;
    }
    if (text[at] == '\0') {
      return count;
    }
    if (text[at] != ':') {
      return ssh_line_fail(self, argument.at[at], form(letter), "a colon is missing here");
    }
    at++;
  }
}

static int check_port(ssh_line_reader *self, char letter, ssh_line_argument argument, const field *part) {
  unsigned port;
  if (ssh_line_is_port(argument.text + part->start, part->size, &port)) {
    return 0;
  }
  return ssh_line_fail(self, argument.at[part->start], form(letter), "`%.*s` is no port (1 to 65535)",
                       (int)(part->size < 60 ? part->size : 60), argument.text + part->start);
}

/* "host:port" of two fields; `host` NULL = 127.0.0.1. NULL if out of memory. */
static char *address(const char *text, const field *host, const field *port) {
  const char *name = host ? text + host->start : "127.0.0.1";
  size_t size = host ? host->size : strlen(name);
  int is_v6 = memchr(name, ':', size) != NULL;
  size_t room = size + port->size + 4;
  char *made = malloc(room);
  if (made) {
    (void)snprintf(made, room, "%s%.*s%s:%.*s", is_v6 ? "[" : "", (int)size, name, is_v6 ? "]" : "", (int)port->size,
                   text + port->start);
  }
  return made;
}

static int is_word(const char *text, const field *part, const char *word) {
  return part->size == strlen(word) && strncmp(text + part->start, word, part->size) == 0;
}

/* Is it only this machine that can connect there? */
static int is_loopback(const char *text, const field *part) {
  return is_word(text, part, "localhost") || is_word(text, part, "::1") ||
         (part->size > 4 && strncmp(text + part->start, "127.", 4) == 0);
}

/* What -L asks for is what penstock is for. */
static int take_local(ssh_line_reader *self, ssh_line_argument argument, const field *fields, int count) {
  const char *text = argument.text;
  const field *bind = count == 4 ? &fields[0] : NULL;
  const field *port = &fields[count - 3];
  if (check_port(self, 'L', argument, port) || check_port(self, 'L', argument, &fields[count - 1])) {
    return PENSTOCK_E_FAILED;
  }
  if (fields[count - 2].size == 0) {
    return ssh_line_fail(self, argument.at[fields[count - 2].start], form('L'), "the host is empty");
  }
  if (self->line->endpoint) {
    return ssh_line_tell(self, 1,
                         "-L %.200s has no effect: penstock forwards one port, and the first -L says which; "
                         "write a profile for each",
                         text);
  }
  int is_open = bind && !is_loopback(text, bind);
  char *listen = address(text, bind && !is_open && !is_word(text, bind, "localhost") ? bind : NULL, port);
  char *endpoint = address(text, &fields[count - 2], &fields[count - 1]);
  if (!listen || !endpoint) {
    free(listen);
    free(endpoint);
    return ssh_line_no_memory(self);
  }
  self->line->listen = listen;
  self->line->endpoint = endpoint;
  if (ssh_line_tell(self, 0,
                    "-L %.200s: penstock forwards by itself, from `listen` to `endpoint`: listen = %s, "
                    "endpoint = %s",
                    text, listen, endpoint)) {
    return PENSTOCK_E_FAILED;
  }
  return is_open ? ssh_line_tell(self, 1,
                                 "-L %.200s would let other machines connect: penstock listens on %s, unless `listen` "
                                 "names an address of the network and `expose = yes` allows it",
                                 text, listen)
                 : 0;
}

static int has_path(const field *fields, int count) {
  int found = 0;
  for (int i = 0; i < count; i++) {
    found |= fields[i].is_path;
  }
  return found;
}

int ssh_line_read_forward(ssh_line_reader *self, char letter, ssh_line_argument argument) {
  field fields[FIELDS_MAX] = {{0}};
  int count = split(self, letter, argument, fields);
  if (count < 0) {
    return PENSTOCK_E_FAILED;
  }
  if (has_path(fields, count)) {
    return ssh_line_tell(self, 1,
                         "-%c %.200s has no effect: penstock forwards no UNIX sockets; `listen` and `endpoint` "
                         "are host:port",
                         letter, argument.text);
  }
  int is_short = letter == 'D' ? count > 2 : letter == 'L' ? count < 3 : 0;
  if (is_short) {
    return ssh_line_fail(self, argument.at[0], form(letter), "`%.100s` does not say what to forward", argument.text);
  }
  if (letter == 'L') {
    return take_local(self, argument, fields, count);
  }
  if (letter == 'D') {
    return check_port(self, letter, argument, &fields[count - 1]) ||
                   ssh_line_tell(self, 1,
                                 "-D %.200s has no effect: penstock is no SOCKS proxy; it forwards `listen` "
                                 "to one address, `endpoint`",
                                 argument.text)
               ? PENSTOCK_E_FAILED
               : 0;
  }
  return ssh_line_tell(self, 1,
                       "-R %.200s has no effect: penstock opens no port on the host; it forwards `listen` here "
                       "to `endpoint` there",
                       argument.text);
}
