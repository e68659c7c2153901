/* SPDX-License-Identifier: MIT */
/*
 * Our own reader of ssh_config(5), for machines without an ssh client. Written from the manual page and tried against
 * ssh -G (tests/integration/test_ssh_config.py); docs/SSH.md says where the two differ.
 */
#include "common/ssh/config/ssh_config_reader.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "common/ssh/config/ssh_config_files.h"
#include "common/ssh/config/ssh_path.h"

enum { DEPTH_MAX = 16, VALUES_MAX = 100 /* key files and the like, as ssh */ };

#define BLANKS " \t\r\n"

int ssh_reader_fail(const ssh_reader *reader, const ssh_reader_scope *scope, const char *format, ...) {
  char text[400];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  penstock_utf8_trim(text, sizeof(text));
  if (scope && scope->file) {
    return penstock_fail(reader->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s:%zu: %s", scope->file,
                         scope->line, text);
  }
  return penstock_fail(reader->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s%s",
                       scope ? "a setting that was given to ssh: " : "", text);
}

int ssh_reader_out_of_memory(const ssh_reader *reader) {
  return penstock_fail(reader->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

/* --- what has been read so far -------------------------------------------------------------------- */

static ssh_words *values_of(const ssh_reader *reader, const ssh_syntax *syntax) {
  return &reader->values[syntax - ssh_syntax_table];
}

const char *ssh_reader_value(const ssh_reader *reader, const char *keyword) {
  const ssh_words *values = values_of(reader, ssh_syntax_find(keyword));
  return values->count > 0 ? values->items[0] : NULL;
}

ssh_tokens ssh_reader_tokens(const ssh_reader *reader, const char *host) {
  const char *user = ssh_reader_value(reader, "user");
  const char *port = ssh_reader_value(reader, "port");
  return (ssh_tokens){.local = &reader->local,
                      .host = host,
                      .alias = reader->request->host,
                      .key_alias = ssh_reader_value(reader, "hostkeyalias"),
                      .user = user ? user : reader->local.user,
                      .port = port ? (uint16_t)strtoul(port, NULL, 10) : 22};
}

char *ssh_reader_host_name(const ssh_reader *reader) {
  const char *name = ssh_reader_value(reader, "hostname");
  const ssh_tokens tokens = ssh_reader_tokens(reader, reader->request->host);
  return ssh_tokens_expand(&tokens, name ? name : "%h", SSH_TOKENS_HOSTNAME, 0, reader->error);
}

static int has_value(const ssh_words *values, const char *value) {
  for (size_t i = 0; i < values->count; i++) {
    if (strcmp(values->items[i], value) == 0) {
      return 1;
    }
  }
  return 0;
}

/* SendEnv: names are added as often as they are written; `-` and a pattern takes away. */
static int keep_send_env(ssh_words *values, const char *name) {
  if (name[0] != '-') {
    return ssh_words_add(values, name, strlen(name));
  }
  for (size_t i = values->count; i > 0; i--) {
    if (ssh_pattern_match(values->items[i - 1], name + 1)) {
      ssh_words_remove(values, i - 1);
    }
  }
  return 0;
}

/* Keeps the values of a line that holds. */
static int keep(const ssh_reader *reader, const ssh_syntax *syntax, const ssh_words *found, ssh_reader_scope *scope) {
  ssh_words *values = values_of(reader, syntax);
  int adds_up = syntax->repeat == SSH_SYNTAX_EACH || syntax->repeat == SSH_SYNTAX_SEND_ENV;
  if (!adds_up && values->count > 0) {
    return 0;
  }
  for (size_t i = 0; i < found->count; i++) {
    int result = 0;
    if (syntax->repeat == SSH_SYNTAX_EACH && values->count >= VALUES_MAX) {
      return ssh_reader_fail(reader, scope, "%s: there are more than %d of it", syntax->keyword, VALUES_MAX);
    }
    if (syntax->repeat == SSH_SYNTAX_SEND_ENV) {
      result = keep_send_env(values, found->items[i]);
    } else if (!adds_up || !has_value(values, found->items[i])) {
      result = ssh_words_add(values, found->items[i], strlen(found->items[i]));
    }
    if (result) {
      return ssh_reader_out_of_memory(reader);
    }
  }
  return 0;
}

/* Of ProxyCommand and ProxyJump the one that comes first holds. `ProxyJump none` leaves ProxyCommand alone. */
static int is_shut_out(const ssh_reader *reader, const ssh_syntax *syntax) {
  const char *jump = ssh_reader_value(reader, "proxyjump");
  return (strcmp(syntax->keyword, "proxycommand") == 0 && jump && strcasecmp(jump, "none") != 0) ||
         (strcmp(syntax->keyword, "proxyjump") == 0 && ssh_reader_value(reader, "proxycommand"));
}

/* --- lines ---------------------------------------------------------------------------------------- */

static int read_value(const ssh_reader *reader, const ssh_syntax *syntax, const char *text, const ssh_words *arguments,
                      ssh_reader_scope *scope) {
  char why[SSH_SYNTAX_WHY_SIZE] = "";
  ssh_words found = {0};
  int result = syntax->read(syntax, text, arguments, &found, why, sizeof(why));
  if (result == PENSTOCK_E_INVALID) {
    result = ssh_reader_fail(reader, scope, "%s: %s", syntax->keyword, why);
  } else if (result) {
    result = ssh_reader_out_of_memory(reader);
  } else if (scope->is_active && strcmp(syntax->keyword, "refuseconnection") == 0) {
    result = ssh_reader_fail(reader, scope, "RefuseConnection: %s", found.items[0]);
  } else if (scope->is_active && !is_shut_out(reader, syntax)) {
    result = keep(reader, syntax, &found, scope);
  }
  ssh_words_clear(&found);
  return result;
}

static int read_file(ssh_reader *reader, const char *path, int must_be_safe, ssh_reader_scope *scope) {
  char *text = NULL;
  size_t size = 0;
  int result = ssh_config_file_read(path, must_be_safe, &text, &size, reader->error);
  if (result == 0) {
    scope->file = path;
    result = ssh_reader_text(reader, text, size, scope);
  }
  free(text);
  return result;
}

/* The files that one word of Include means, below ~/.ssh or /etc/ssh if it does not say otherwise. */
static char *include_pattern(const ssh_reader *reader, const char *word, const ssh_reader_scope *scope) {
  char *host = ssh_reader_host_name(reader);
  const ssh_tokens tokens = ssh_reader_tokens(reader, host ? host : "");
  char *path = host ? ssh_tokens_expand(&tokens, word, SSH_TOKENS_ALL, 1, reader->error) : NULL;
  char *pattern = NULL;
  if (path && (ssh_path_is_whole(path) || path[0] == '~')) {
    pattern = ssh_local_path(&reader->local, path, reader->error);
  } else if (path) {
    const char *folder = scope->is_user ? "~/.ssh" : ssh_path_system_folder;
    size_t size = strlen(folder) + strlen(path) + sizeof("/");
    char *below = malloc(size);
    if (below) {
      (void)snprintf(below, size, "%s/%s", folder, path);
      pattern = ssh_local_path(&reader->local, below, reader->error);
    } else {
      (void)ssh_reader_out_of_memory(reader);
    }
    free(below);
  }
  free(path);
  free(host);
  return pattern;
}

static int include(ssh_reader *reader, const ssh_words *words, const ssh_reader_scope *scope) {
  ssh_words paths = {0};
  int result = 0;
  if (scope->depth == DEPTH_MAX) {
    return ssh_reader_fail(reader, scope, "Include: files include each other more than %d deep", DEPTH_MAX);
  }
  for (size_t i = 0; i < words->count && result == 0; i++) {
    const char *word = words->items[i];
    if (word[0] == '\0' || (word[0] == '~' && !scope->is_user)) {
      result = ssh_reader_fail(reader, scope, "Include: '%s' is not a path that may stand there", word);
      break;
    }
    char *pattern = include_pattern(reader, word, scope);
    result = pattern ? ssh_config_files_find(pattern, &paths, reader->error) : PENSTOCK_E_FAILED;
    free(pattern);
  }
  for (size_t i = 0; i < paths.count && result == 0; i++) {
    ssh_reader_scope inner = {.depth = scope->depth + 1,
                              .is_user = scope->is_user,
                              .never = scope->never || !scope->is_active,
                              .is_active = scope->is_active};
    result = read_file(reader, paths.items[i], 1, &inner);
    result = result == PENSTOCK_E_NOT_FOUND ? 0 : result; /* gone since it was found */
  }
  ssh_words_clear(&paths);
  return result;
}

static int unknown_keyword(const ssh_reader *reader, const char *keyword, const ssh_reader_scope *scope) {
  const char *ignored = ssh_reader_value(reader, "ignoreunknown");
  if (ssh_syntax_is_obsolete(keyword) || (ignored && ssh_pattern_list_match(keyword, ignored, 1) == 1)) {
    return 0;
  }
  const char *nearest = ssh_syntax_nearest(keyword);
  (void)ssh_reader_fail(reader, scope, "there is no setting %s in ssh_config", keyword);
  if (nearest) {
    penstock_next(reader->error, "Did you mean %s?", nearest);
  } else {
    penstock_next(reader->error, "If another ssh knows it, write `IgnoreUnknown %s` above it", keyword);
  }
  return PENSTOCK_E_FAILED;
}

/* A line that opens a block or takes in files. Returns 1 if it is one of these, 0 if not, or a negative code. */
static int read_block(ssh_reader *reader, const char *keyword, char *text, const ssh_words *arguments,
                      ssh_reader_scope *scope) {
  int result = 0;
  if (strcmp(keyword, "host") != 0 && strcmp(keyword, "match") != 0 && strcmp(keyword, "include") != 0) {
    return 0;
  }
  if (!scope->file) {
    return ssh_reader_fail(reader, scope, "%s may stand in a file only", keyword);
  }
  if (keyword[0] == 'h') {
    result = ssh_reader_host(reader, arguments, scope);
  } else if (keyword[0] == 'm') {
    result = ssh_reader_match(reader, text, scope);
  } else if (reader->has_files) {
    result = include(reader, arguments, scope);
  }
  return result ? result : 1;
}

/* One line, which is written to. */
static int read_line(ssh_reader *reader, char *line, ssh_reader_scope *scope) {
  ssh_words arguments = {0};
  for (size_t length = strlen(line); length > 0 && strchr(BLANKS "\f", line[length - 1]); length--) {
    line[length - 1] = '\0';
  }
  char *text = line + strspn(line, BLANKS);
  text += text[0] == '=' ? 1 + strspn(text + 1, BLANKS) : 0; /* odd, but ssh passes over it */
  if (text[0] == '\0' || text[0] == '#') {
    return 0;
  }
  char *keyword = ssh_words_next(&text);
  if (!keyword || keyword[0] == '\0') {
    return 0; /* "== x", or a quote that is not closed: ssh takes it for an empty line */
  }
  for (char *c = keyword; *c; c++) {
    *c = (char)tolower((unsigned char)*c);
  }
  text = text ? text + strspn(text, BLANKS) : NULL;
  if (!text || text[0] == '\0') {
    return ssh_reader_fail(reader, scope, "%s: there is no value", keyword);
  }
  int result = ssh_words_split(&arguments, text);
  if (result) {
    return result == PENSTOCK_E_INVALID ? ssh_reader_fail(reader, scope, "%s: a quote is not closed", keyword)
                                        : ssh_reader_out_of_memory(reader);
  }
  result = read_block(reader, keyword, text, &arguments, scope);
  if (result == 0) {
    const ssh_syntax *syntax = ssh_syntax_find(keyword);
    result = syntax ? read_value(reader, syntax, text, &arguments, scope) : unknown_keyword(reader, keyword, scope);
  }
  ssh_words_clear(&arguments);
  return result < 0 ? result : 0;
}

int ssh_reader_text(ssh_reader *reader, char *text, size_t size, ssh_reader_scope *scope) {
  char *end = text + size;
  scope->line = 0;
  for (char *line = text; line < end;) {
    char *newline = memchr(line, '\n', (size_t)(end - line));
    char *next = newline ? newline + 1 : end;
    if (newline) {
      *newline = '\0';
    }
    scope->line++;
    if (read_line(reader, line, scope)) {
      return PENSTOCK_E_FAILED;
    }
    line = next;
  }
  return 0;
}

/* --- files ---------------------------------------------------------------------------------------- */

static int read_options(ssh_reader *reader) {
  ssh_reader_scope scope = {.is_user = 1, .is_active = 1};
  for (size_t i = 0; i < reader->request->option_count; i++) {
    char *line = strdup(reader->request->options[i]);
    int result = line ? read_line(reader, line, &scope) : ssh_reader_out_of_memory(reader);
    free(line);
    if (result) {
      return result;
    }
  }
  return 0;
}

static int read_named_file(ssh_reader *reader, const char *path) {
  ssh_reader_scope scope = {.is_user = 1, .is_active = 1};
  if (strcasecmp(path, "none") == 0) {
    return 0;
  }
  int result = read_file(reader, path, 0, &scope);
  return result == PENSTOCK_E_NOT_FOUND ? PENSTOCK_E_FAILED : result; /* one that was asked for must be there */
}

static int read_system_file(ssh_reader *reader) {
  char path[sizeof(reader->local.home)];
  ssh_reader_scope machine = {.is_active = 1};
  (void)snprintf(path, sizeof(path), "%s/ssh_config", ssh_path_system_folder);
  char *rooted = ssh_path_rooted(path);
  int result = rooted ? read_file(reader, rooted, ssh_path_system_is_open, &machine) : ssh_reader_out_of_memory(reader);
  free(rooted);
  return result;
}

static int read_usual_files(ssh_reader *reader) {
  char path[sizeof(reader->local.home) + sizeof("/.ssh/config")];
  ssh_reader_scope user = {.is_user = 1, .is_active = 1};
  (void)snprintf(path, sizeof(path), "%s/.ssh/config", reader->local.home);
  int result = read_file(reader, path, 1, &user);
  if (result == 0 || result == PENSTOCK_E_NOT_FOUND) {
    result = read_system_file(reader);
  }
  return result == PENSTOCK_E_NOT_FOUND ? 0 : result;
}

static int read_files(ssh_reader *reader) {
  const char *named = reader->request->config_file;
  return named ? read_named_file(reader, named) : read_usual_files(reader);
}

/* All again, with what the first reading found: `Match final` blocks hold now, and Host is compared with HostName. */
static int read_again(ssh_reader *reader) {
  char *host = ssh_reader_host_name(reader);
  if (!host) {
    return PENSTOCK_E_FAILED;
  }
  for (char *c = host; *c; c++) {
    *c = (char)tolower((unsigned char)*c);
  }
  free(reader->host);
  reader->host = host;
  reader->is_final = 1;
  return read_files(reader);
}

int ssh_reader_begin(ssh_reader *reader, const ssh_request *request, penstock_error *error) {
  memset(reader, 0, sizeof(*reader));
  reader->request = request;
  reader->error = error;
  reader->has_files = 1;
  reader->values = calloc(ssh_syntax_count, sizeof(*reader->values));
  reader->host = strdup(request->host);
  if (!reader->values || !reader->host) {
    return ssh_reader_out_of_memory(reader);
  }
  return ssh_local_get(&reader->local, error);
}

void ssh_reader_end(ssh_reader *reader) {
  for (size_t i = 0; reader->values && i < ssh_syntax_count; i++) {
    ssh_words_clear(&reader->values[i]);
  }
  free(reader->values);
  free(reader->host);
  memset(reader, 0, sizeof(*reader));
}

int ssh_config_read(ssh_config *config, const ssh_request *request, penstock_error *error) {
  ssh_reader reader;
  memset(config, 0, sizeof(*config));
  int result = ssh_reader_begin(&reader, request, error);
  if (result == 0) {
    result = read_options(&reader);
  }
  if (result == 0) {
    result = read_files(&reader);
  }
  if (result == 0 && reader.wants_final) {
    result = read_again(&reader);
  }
  if (result == 0) {
    result = ssh_reader_result(&reader, config);
  }
  ssh_reader_end(&reader);
  if (result) {
    ssh_config_unload(config);
    return PENSTOCK_E_FAILED;
  }
  return 0;
}
