/* SPDX-License-Identifier: MIT */
/* ssh_config: any bytes are settings, or an error that names the line. No file is opened, and no command is run. */
#include <stdlib.h>
#include <string.h>

#include "common/ssh/config/ssh_config_reader.h"
#include "fuzz.h"

static void must(int holds) {
  if (!holds) {
    abort();
  }
}

/* Each line has a keyword that is known, and a value that is one line. */
static void check_lines(const ssh_config *config) {
  must(config->count > 0 && strcmp(config->lines[0].keyword, "host") == 0);
  for (size_t i = 1; i < config->count; i++) {
    const ssh_config_line *line = &config->lines[i];
    must(ssh_syntax_find(line->keyword) != NULL);
    must(!strchr(line->value, '\n'));
  }
  const ssh_config_line *line = ssh_config_get(config, "port");
  unsigned long port = line ? strtoul(line->value, NULL, 10) : 0;
  must(port >= 1 && port <= 65535);
  must(ssh_config_get(config, "hostname") && ssh_config_get(config, "user"));
}

/* Words are no longer than what they were cut out of. */
static void check_split(const char *text) {
  ssh_words words = {0};
  if (ssh_words_split(&words, text) == 0) {
    for (size_t i = 0; i < words.count; i++) {
      must(strlen(words.items[i]) <= strlen(text));
    }
    ssh_words_clear(&words);
  }
}

/* One reading of the bytes, as if they were a file; `is_final`: as the second one of Match final. */
static void read_once(const uint8_t *data, size_t size, const char *host_name, int is_final) {
  char host[256];
  penstock_error error = {.struct_size = sizeof(error)};
  ssh_reader reader;
  ssh_config config = {0};
  ssh_reader_scope scope = {.file = "fuzz", .is_user = 1, .is_active = 1};
  (void)snprintf(host, sizeof(host), "%s", host_name);
  const ssh_request request = {.host = host};
  char *text = malloc(size + 1);
  int code = ssh_reader_begin(&reader, &request, &error);
  must(text && code == 0);
  memcpy(text, data, size);
  text[size] = '\0';
  reader.has_files = 0;
  reader.is_final = is_final;
  check_split(text);
  code = ssh_reader_text(&reader, text, size, &scope);
  if (code == 0) {
    code = ssh_reader_result(&reader, &config);
  }
  if (code == 0) {
    check_lines(&config);
  } else {
    must(code == PENSTOCK_E_FAILED && error.what[0] && error.leg == PENSTOCK_LEG_LOCAL);
  }
  ssh_config_unload(&config);
  ssh_reader_end(&reader);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  read_once(data, size, "gpu01", 0);
  read_once(data, size, "GPU01.example.com", 1);
  return 0;
}
