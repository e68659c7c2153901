/* SPDX-License-Identifier: MIT */
/*
 * Prints the table of docs/SSH.md: every keyword of ssh_config(5) and what becomes of it. Given the page as FILE, it
 * prints the page with the table of now in the place of the one between the two marks:
 *
 *   ssh_keyword_table [FILE]
 */
#include <stdlib.h>

#include "common/ssh/config/ssh_keywords.h"

static const char begin[] = "<!-- keywords: begin (printed by tests/tools/ssh_keyword_table.c) -->\n";
static const char end[] = "<!-- keywords: end -->\n";

static const char *use_name(ssh_keyword_use use) {
  switch (use) {
  case SSH_KEYWORD_HONOURED:
    return "honoured";
  case SSH_KEYWORD_WARNED:
    return "no effect, warned of";
  case SSH_KEYWORD_REFUSED:
    return "**refused**";
  default:
    return "not applicable";
  }
}

/* The sentence, and the way out where there is one. */
static void print_note(const ssh_keyword *keyword) {
  const char *note = keyword->note[0] ? keyword->note : "as ssh does";
  (void)printf("%s", note);
  if (keyword->use == SSH_KEYWORD_REFUSED || keyword->use == SSH_KEYWORD_WARNED) {
    const char *otherwise = keyword->use == SSH_KEYWORD_REFUSED ? "`transport = openssh` honours it" : "";
    const char *next = keyword->next ? keyword->next : otherwise;
    (void)printf("%s%s", next[0] ? ". " : "", next);
  }
}

static void print_table(void) {
  size_t count;
  const ssh_keyword *keywords = ssh_keywords(&count);
  (void)printf("| keyword | here | |\n|---|---|---|\n");
  for (size_t i = 0; i < count; i++) {
    (void)printf("| %s | %s | ", keywords[i].name, use_name(keywords[i].use));
    print_note(&keywords[i]);
    (void)printf(" |\n");
  }
}

static int renew(const char *path) {
  FILE *file = fopen(path, "r");
  char line[4096];
  int in_table = 0;
  int seen = 0;
  if (!file) {
    perror(path);
    return 1;
  }
  while (fgets(line, sizeof(line), file)) {
    if (strcmp(line, end) == 0) {
      in_table = 0;
    }
    if (!in_table) {
      (void)fputs(line, stdout);
    }
    if (strcmp(line, begin) == 0) {
      in_table = 1;
      seen = 1;
      print_table();
    }
  }
  (void)fclose(file);
  return seen && !in_table ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc > 1) {
    return renew(argv[1]);
  }
  print_table();
  return 0;
}
