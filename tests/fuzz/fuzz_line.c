/* SPDX-License-Identifier: MIT */
/* Pasted ssh lines: whatever comes, an error names a character that is there, and a request holds nothing but lines
 * that ssh_config can have. */
#include <stdlib.h>
#include <string.h>

#include "common/ssh/line/ssh_line.h"
#include "fuzz.h"

static void must(int holds) {
  if (!holds) {
    abort();
  }
}

static const char *variable(void *context, const char *name) {
  (void)context;
  return strcmp(name, "HOME") == 0 ? "/home/ann" : strcmp(name, "V") == 0 ? "-p 22 a'b\"c" : NULL;
}

static int exists(void *context, const char *path) {
  (void)context;
  return strchr(path, 'x') == NULL;
}

static const shell_words_world world = {.variable = variable, .exists = exists};

static void check_text(const char *text) {
  must(text != NULL);
  for (; *text; text++) {
    must((unsigned char)*text >= 0x20 && *text != 0x7F);
  }
}

static void check_error(const char *text, const penstock_error *error) {
  static const char start[] = "character ";
  char *end = NULL;
  must(error->error_class == PENSTOCK_CLASS_CONFIG);
  must(strncmp(error->what, start, strlen(start)) == 0);
  unsigned long at = strtoul(error->what + strlen(start), &end, 10);
  must(at >= 1 && at <= strlen(text) + 1 && strncmp(end, ": ", 2) == 0);
}

static void check_line(const ssh_line *line) {
  ssh_request request = {0};
  penstock_error error;
  must(ssh_line_request(&request, line, &error) == 0);
  check_text(request.host);
  must(request.host[0] != '-' && request.host[0] != '\0');
  for (size_t i = 0; i < request.option_count; i++) {
    check_text(request.options[i]);
    must(request.options[i][strspn(request.options[i],
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")] == '=');
  }
  for (size_t i = 0; i < line->note_count; i++) {
    check_text(line->notes[i].text);
  }
  must(!line->listen == !line->endpoint);
  ssh_request_clear(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ssh_line line;
  penstock_error error = {.struct_size = sizeof(error)};
  char *text = malloc(size + 1);
  must(text != NULL);
  memcpy(text, data, size);
  text[size] = '\0';
  if (ssh_line_parse(&line, text, &world, &error)) {
    check_error(text, &error);
  } else {
    check_line(&line);
    ssh_line_clear(&line);
  }
  free(text);
  return 0;
}
