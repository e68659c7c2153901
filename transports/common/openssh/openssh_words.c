/* SPDX-License-Identifier: MIT */
#include "common/openssh/openssh_words.h"

#include <stdlib.h>

/* What stands behind `start`, or NULL. */
static const char *after(const char *line, const char *start) {
  size_t length = strlen(start);
  return strncmp(line, start, length) == 0 ? line + length : NULL;
}

/* Behind "channel 0: ". */
static const char *of_channel(const char *line) {
  const char *rest = after(line, "channel ");
  rest = rest ? rest + strspn(rest, "0123456789") : NULL;
  return rest ? after(rest, ": ") : NULL;
}

static void read_refusal(const char *text, openssh_words *words) {
  static const char *const reasons[] = {"administratively prohibited", "connect failed", "unknown channel type",
                                        "resource shortage"};
  words->code = 0;
  for (uint32_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
    const char *rest = after(text, reasons[i]);
    if (rest) {
      words->code = i + 1;
      text = after(rest, ": ") ? rest + 2 : rest;
      break;
    }
  }
  (void)snprintf(words->text, sizeof(words->text), "%s", text);
  penstock_utf8_trim(words->text, sizeof(words->text));
  for (char *at = words->text; *at; at++) {
    if ((unsigned char)*at < ' ' || *at == 0x7F) {
      *at = '?';
    }
  }
}

static openssh_word read_debug(const char *text, openssh_words *words) {
  const char *rest = of_channel(text);
  if (rest) {
    return after(rest, "open confirm rwindow") ? OPENSSH_WORD_OPEN
           : strcmp(rest, "rcvd eof") == 0     ? OPENSSH_WORD_EOF
                                               : OPENSSH_WORD_OTHER;
  }
  if (after(text, "exec request accepted on channel")) {
    return OPENSSH_WORD_RUNS;
  }
  if (after(text, "client_input_channel_req: ") && strstr(text, " rtype exit-signal ")) {
    return OPENSSH_WORD_SIGNAL;
  }
  if ((rest = after(text, "Exit status "))) {
    words->status = (int)strtol(rest, NULL, 10);
    return OPENSSH_WORD_STATUS;
  }
  return OPENSSH_WORD_OTHER;
}

openssh_word openssh_words_read(const char *line, openssh_words *words) {
  const char *rest = after(line, "debug");
  if (rest && rest[0] >= '1' && rest[0] <= '3' && rest[1] == ':' && rest[2] == ' ') {
    return read_debug(rest + 3, words);
  }
  rest = of_channel(line);
  if (rest && (rest = after(rest, "open failed: "))) {
    read_refusal(rest, words);
    return OPENSSH_WORD_REFUSED;
  }
  if (after(line, "exec request failed on channel")) {
    return OPENSSH_WORD_NO_EXEC;
  }
  return after(line, "Authenticated to ") || after(line, "Transferred: ") || after(line, "Bytes per second: ")
             ? OPENSSH_WORD_OTHER
             : OPENSSH_WORD_NONE;
}
