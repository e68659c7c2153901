/* SPDX-License-Identifier: MIT */
/*
 * The system's ssh, asked with -G. It prints its own defaults along with what was written; a second answer, for a
 * host of no file, tells which is which. That one is asked for once a process: a reconnect runs ssh once. The first
 * time all questions are asked at once, since each takes ssh some 10 ms.
 */
#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/ssh/config/ssh_child.h"
#include "common/ssh/config/ssh_config.h"
#include "common/ssh/config/ssh_program.h"

static int out_of_memory(penstock_error *error) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

/* The arguments of one question. `argv` is freed by the caller, its words are not its own. */
static const char **arguments(const char *program, const ssh_request *request) {
  size_t count = 0;
  const char **argv = calloc(2 * request->option_count + 8, sizeof(*argv));
  if (!argv) {
    return NULL;
  }
  argv[count++] = program;
  argv[count++] = "-G";
  if (request->config_file) {
    argv[count++] = "-F";
    argv[count++] = request->config_file;
  }
  for (size_t i = 0; i < request->option_count; i++) {
    argv[count++] = "-o";
    argv[count++] = request->options[i];
  }
  argv[count++] = "--";
  argv[count] = request->host;
  return argv;
}

/* One line of what ssh -G printed; `text` is written to. */
static int add_line(ssh_config *config, char *text) {
  char *space = strchr(text, ' ');
  if (space) {
    *space = '\0';
  }
  for (char *c = text; *c; c++) {
    *c = (char)tolower((unsigned char)*c); /* "canonicalizePermittedcnames" */
  }
  return text[0] == '\0' ? 0 : ssh_config_add(config, text, space ? space + 1 : "", 1);
}

static int parse(ssh_config *config, char *output) {
  char *rest = NULL;
  for (char *line = strtok_r(output, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
    if (add_line(config, line)) {
      return PENSTOCK_E_FAILED;
    }
  }
  return 0;
}

static int fail(penstock_error *error, const ssh_request *request, const ssh_child_result *result) {
  static const char ours[] = "command-line"; /* what we wrote after -o; then comes " line 0: " or ": line 0: " */
  const char *words = result->error_output;
  if (result->timed_out) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                        "`ssh -G %s`, which reads your ssh_config, did not end in time", request->host);
    penstock_next(error, "Try it by hand: a `Match exec` command may hang");
  } else if (strncmp(words, ours, sizeof(ours) - 1) == 0) {
    const char *said = strstr(words, "line 0: ");
    words = said ? said + 8 : words;
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                        "ssh does not accept an option of the profile, for %s: %.*s", request->host,
                        (int)strcspn(words, "\r\n"), words);
    penstock_next(error, "See what ssh_config(5) says of it; `ssh -Q cipher` lists ciphers");
  } else {
    size_t length = strcspn(words, "\r\n");
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                        "ssh does not accept the settings of %s: %.*s", request->host, (int)length, words);
    penstock_next(error, "`ssh -G %s` shows it too; the option ssh_config names another file, or none", request->host);
  }
  if (error) {
    (void)snprintf(error->detail, sizeof(error->detail), "%s", words);
    penstock_utf8_trim(error->detail, sizeof(error->detail));
  }
  return PENSTOCK_E_FAILED;
}

/* Asks ssh. Returns 0, 1 if there is none, or a negative code with `error`. */
static int ask(ssh_config *config, const ssh_request *request, uint64_t deadline_ms, penstock_error *error) {
  ssh_child_result result;
  const char *program = ssh_program();
  const char **argv = program ? arguments(program, request) : NULL;
  if (!program) {
    return 1;
  }
  if (!argv) {
    return out_of_memory(error);
  }
  int code = ssh_child_run(argv, deadline_ms, &result, error);
  free(argv);
  if (code) {
    return code;
  }
  if (result.is_missing) {
    return 1;
  }
  if (result.timed_out || result.code != 0) {
    code = fail(error, request, &result);
  } else if (parse(config, result.output)) {
    code = out_of_memory(error);
  }
  ssh_child_clear(&result);
  return code;
}

/* Marks the lines that are ssh's own defaults. Lines of one keyword are compared as a whole, in their order. */
static void mark_defaults(ssh_config *config, const ssh_config *defaults) {
  for (size_t i = 0; i < config->count; i++) {
    const char *keyword = config->lines[i].keyword;
    size_t ours = 0;
    size_t theirs = 0;
    int same = 1;
    const ssh_config_line *line;
    while (same && (line = ssh_config_next(config, keyword, &ours))) {
      const ssh_config_line *other = ssh_config_next(defaults, keyword, &theirs);
      same = other && strcmp(other->value, line->value) == 0;
    }
    config->lines[i].is_set = !same || ssh_config_next(defaults, keyword, &theirs) != NULL;
  }
}

/* ssh's own defaults and version, asked for once: they change only when ssh is replaced. Kept while we are loaded. */
static struct {
  pthread_mutex_t lock;
  int is_known;
  ssh_config defaults;
  char version[64]; /* "OpenSSH_9.2p1" */
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

__attribute__((destructor)) static void forget(void) {
  ssh_config_unload(&known.defaults);
}

/* `ssh -V` says it on standard error: "OpenSSH_9.2p1 Debian-2, OpenSSL …". Without it we can do. */
static void ask_version(uint64_t deadline_ms) {
  const char *const argv[] = {ssh_program(), "-V", NULL};
  ssh_child_result result;
  if (!argv[0] || ssh_child_run(argv, deadline_ms, &result, NULL) || result.is_missing) {
    return;
  }
  if (result.error_output) {
    (void)snprintf(known.version, sizeof(known.version), "%.*s", (int)strcspn(result.error_output, " ,\r\n"),
                   result.error_output);
  }
  ssh_child_clear(&result);
}

static void *ask_version_beside(void *context) {
  ask_version(*(const uint64_t *)context);
  return NULL;
}

/* With the lock. */
static int learn(uint64_t deadline_ms, penstock_error *error) {
  pthread_t beside;
  int is_beside = pthread_create(&beside, NULL, ask_version_beside, &deadline_ms) == 0;
  char name[] = "penstock.invalid"; /* no file is read, so any name will do */
  char none[] = "none";
  const ssh_request nothing = {.host = name, .config_file = none};
  int result = ask(&known.defaults, &nothing, deadline_ms, error);
  if (is_beside) {
    (void)pthread_join(beside, NULL);
  } else if (result == 0) {
    ask_version(deadline_ms);
  }
  if (result == 0) {
    known.is_known = 1;
  } else {
    ssh_config_unload(&known.defaults);
  }
  return result;
}

/* If it fails, judge() tries again, and says why. */
static void *learn_beside(void *context) {
  (void)pthread_mutex_lock(&known.lock);
  if (!known.is_known) {
    (void)learn(*(const uint64_t *)context, NULL);
  }
  (void)pthread_mutex_unlock(&known.lock);
  return NULL;
}

static int is_known(void) {
  (void)pthread_mutex_lock(&known.lock);
  int result = known.is_known;
  (void)pthread_mutex_unlock(&known.lock);
  return result;
}

/* Tells what was written from ssh's own defaults, and where it comes from. */
static int judge(ssh_config *config, uint64_t deadline_ms, penstock_error *error) {
  (void)pthread_mutex_lock(&known.lock);
  int result = known.is_known ? 0 : learn(deadline_ms, error);
  if (result == 0) {
    mark_defaults(config, &known.defaults);
    (void)snprintf(config->source, sizeof(config->source), "ssh -G (%s)", known.version[0] ? known.version : "ssh");
  }
  (void)pthread_mutex_unlock(&known.lock);
  return result;
}

static int ask_system(ssh_config *config, const ssh_request *request, uint64_t deadline_ms, penstock_error *error) {
  pthread_t beside;
  int is_beside = !is_known() && pthread_create(&beside, NULL, learn_beside, &deadline_ms) == 0;
  int result = ask(config, request, deadline_ms, error);
  if (is_beside) {
    (void)pthread_join(beside, NULL);
  }
  if (result == 0) {
    result = judge(config, deadline_ms, error);
  }
  if (result) {
    ssh_config_unload(config);
  }
  return result;
}

int ssh_config_load(ssh_config *config, const ssh_request *request, ssh_config_origin origin, uint64_t deadline_ms,
                    penstock_error *error) {
  memset(config, 0, sizeof(*config));
  if (origin != SSH_CONFIG_READER) {
    int result = ask_system(config, request, deadline_ms, error);
    if (result <= 0) {
      return result;
    }
  }
  if (origin == SSH_CONFIG_SYSTEM) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "there is no %s on this machine",
                        ssh_program_name);
    penstock_next(error, "%s", ssh_program_source);
    return PENSTOCK_E_FAILED;
  }
  return ssh_config_read(config, request, error);
}
