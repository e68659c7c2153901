/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <penstock/hostkey.h>
#include <stdlib.h>

#include "base/advice.h"
#include "cli/json_out.h"
#include "cli/out.h"
#include "cli/profile_select.h"
#include "cli/show.h"
#include "cli/visitor.h"
#include "host/prompt.h"
#include "log/log.h"

/* The command line. */
typedef struct trust_line {
  const char *fingerprint;
  int yes;
  int show;
  int json;
  char **arguments;
} trust_line;

/* What the transport lends, once an instance is there. */
typedef struct trust_job {
  const trust_line *line;
  const penstock_hostkey_ext *ext;
  penstock_instance *instance;
  penstock_hostkey key;
} trust_job;

static int parse(int argc, char **argv, trust_line *line) {
  const ps_cli_option options[] = {
      {"fingerprint", "SHA256:...",
       "trust the key unasked if it has this fingerprint, or one of several (SHA256:...,...)", NULL,
       &line->fingerprint},
      {"yes", NULL, "trust unknown keys without a question", &line->yes, NULL},
      {"show", NULL, "only show the key", &line->show, NULL},
      {"json", NULL, "a JSON object for each host; asks nothing", &line->json, NULL},
  };
  const ps_cli_syntax syntax = {
      "trust",
      "PROFILE",
      "Fetches the key that the profile's host shows, and adds it to known_hosts once you say that it is\n"
      "the right one: compare the fingerprint with one from a source you trust, such as\n"
      "'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub' on the host itself. Nothing is authenticated.\n"
      "With hosts on the way (ProxyJump), each that is not known is shown in turn, the nearest first; those\n"
      "that are trusted are logged in to, to see the next.\n"
      "A key that differs from a known one is never accepted here. Exits with 0 if all keys are trusted now,\n"
      "6 if one is not.",
      options,
      sizeof(options) / sizeof(options[0]),
      1,
      1};
  int exit_code;
  return ps_cli_parse(&syntax, argc, argv, &line->arguments, &exit_code) ? -1 : exit_code;
}

/* --- showing ------------------------------------------------------------------------------------ */

static const char *state_name(uint32_t state) {
  switch (state) {
  case PENSTOCK_HOSTKEY_KNOWN:
    return "known";
  case PENSTOCK_HOSTKEY_CHANGED:
    return "changed";
  case PENSTOCK_HOSTKEY_REVOKED:
    return "revoked";
  default:
    return "unknown";
  }
}

/* Lines of a block of text, each made harmless. */
static void print_lines(const char *text) {
  char line[256];
  while (*text) {
    size_t length = strcspn(text, "\n");
    ps_out_line("  %s", ps_show_bytes(line, sizeof(line), text, length));
    text += length + (text[length] == '\n');
  }
}

static void show_key(const penstock_hostkey *key) {
  char host[1024];
  char type[256];
  char fingerprint[512];
  ps_out_line("Host %s shows this %s key:", ps_show_safe(host, sizeof(host), key->host),
              ps_show_safe(type, sizeof(type), key->type));
  ps_out_line("  %s", ps_show_safe(fingerprint, sizeof(fingerprint), key->fingerprint));
  print_lines(key->art);
}

static void print_json(const penstock_hostkey *key, int trusted, const penstock_error *error) {
  ps_json_line(json_pack(
      "{s:o, s:o, s:o, s:s, s:o, s:o, s:I, s:b, s:o}", "host", ps_json_text(key->host), "type", ps_json_text(key->type),
      "fingerprint", ps_json_text(key->fingerprint), "state", state_name(key->state), "known",
      ps_json_text(key->state == PENSTOCK_HOSTKEY_CHANGED ? key->known : NULL), "file", ps_json_text(key->file),
      "remaining", (json_int_t)key->remaining, "trusted", trusted, "error", ps_json_error(error)));
}

/* Tells the outcome; `error` NULL = the key is trusted. */
static int finish(const trust_job *trust, const char *words, const penstock_error *error) {
  if (trust->line->json) {
    print_json(&trust->key, !error, error);
  } else if (error) {
    ps_cli_print_error(PS_STDERR, "Not trusted", error);
  } else {
    char file[4096];
    ps_out_line("%s %s.", words, ps_show_safe(file, sizeof(file), trust->key.file));
  }
  return (int)ps_cli_exit_code(error);
}

static int refuse(const trust_job *trust, const char *what, const char *next) {
  penstock_error error;
  penstock_fail(&error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY, "%s", what);
  penstock_next(&error, "%s", next);
  return finish(trust, NULL, &error);
}

/* --- deciding ----------------------------------------------------------------------------------- */

static int refuse_changed(const trust_job *trust) {
  penstock_error error;
  char host[300];
  char file[1100];
  const penstock_hostkey *key = &trust->key;
  penstock_fail(&error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                "the key of %.200s has CHANGED: it shows %s, known is %s", key->host, key->fingerprint, key->known);
  penstock_next(&error, "only if you know why it changed: ssh-keygen -f %s -R %s",
                ps_advice_quote(file, sizeof(file), key->file), ps_advice_quote(host, sizeof(host), key->host));
  (void)snprintf(error.detail, sizeof(error.detail),
                 "Somebody may be listening in between, or the host was set up anew.\n"
                 "The known key stands in %s.\nAfter the line above, 'penstock trust %s' asks anew.",
                 key->file, trust->line->arguments[0]);
  return finish(trust, NULL, &error);
}

static int refuse_revoked(const trust_job *trust) {
  penstock_error error;
  const penstock_hostkey *key = &trust->key;
  penstock_fail(&error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                "the key that %.200s shows is revoked: %s stands as @revoked in %s", key->host, key->fingerprint,
                key->file);
  penstock_next(&error,
                "it was withdrawn, perhaps because it was stolen: ask the host's administrator for the new one");
  return finish(trust, NULL, &error);
}

/* Is it one of those that the user gave: as ssh-keygen prints it, but perhaps with base64's padding? */
static int is_given(const char *given, const char *shown) {
  size_t size = strlen(shown);
  for (;;) {
    size_t length = strcspn(given, ",");
    size_t bare = length;
    while (bare > 0 && given[bare - 1] == '=') {
      bare--;
    }
    if (bare == size && strncmp(given, shown, size) == 0) {
      return 1;
    }
    if (given[length] == '\0') {
      return 0;
    }
    given += length + 1;
  }
}

static int accept(const trust_job *trust) {
  penstock_error error;
  memset(&error, 0, sizeof(error));
  if (trust->ext->accept(trust->instance, &error) != PENSTOCK_OK) {
    return finish(trust, NULL, &error);
  }
  return finish(trust, "Trusted: the key was added to", NULL);
}

static int ask(const trust_job *trust) {
  char answer[16];
  if (trust->line->json || ps_cli_options.batch) {
    return refuse(trust, "the key is unknown, and there is nobody to ask",
                  "compare the fingerprint and give it with --fingerprint");
  }
  switch (ps_prompt(PENSTOCK_PROMPT_CONFIRM, NULL, "Is this the right key? Trust it?", answer, sizeof(answer))) {
  case PENSTOCK_OK:
    return accept(trust);
  case PENSTOCK_E_CANCELLED:
    return refuse(trust, "you did not say yes",
                  "nothing was written; ask the host's administrator for the fingerprint");
  default:
    return refuse(trust, "the key is unknown, and there is no terminal to ask on",
                  "compare the fingerprint and give it with --fingerprint");
  }
}

static int decide(const trust_job *trust) {
  const trust_line *line = trust->line;
  const penstock_hostkey *key = &trust->key;
  if (!line->json) {
    show_key(key);
  }
  if (key->state == PENSTOCK_HOSTKEY_CHANGED) {
    return refuse_changed(trust);
  }
  if (key->state == PENSTOCK_HOSTKEY_REVOKED) {
    return refuse_revoked(trust);
  }
  if (line->fingerprint && !is_given(line->fingerprint, key->fingerprint)) {
    char what[512];
    (void)snprintf(what, sizeof(what), "the host shows %s, not %.128s", key->fingerprint, line->fingerprint);
    return refuse(trust, what, "do not connect before you know why; the fingerprint may be of another key type");
  }
  if (key->state == PENSTOCK_HOSTKEY_KNOWN) {
    return finish(trust, "This key is known already: it stands in", NULL);
  }
  if (line->show) {
    return refuse(trust, "this key is unknown", "without --show, 'penstock trust' asks whether to trust it");
  }
  return line->fingerprint || line->yes ? accept(trust) : ask(trust);
}

/* --- an instance to ask ------------------------------------------------------------------------- */

/* Host for host, until one is not trusted or none is left. */
static int go_along(trust_job *trust, uint64_t deadline_ms) {
  penstock_error error;
  uint32_t remaining;
  int exit_code;
  do {
    remaining = trust->key.remaining;
    trust->key = (penstock_hostkey){.struct_size = (uint32_t)sizeof(trust->key)};
    memset(&error, 0, sizeof(error));
    if (trust->ext->fetch(trust->instance, deadline_ms, &trust->key, &error) != PENSTOCK_OK) {
      return finish(trust, NULL, &error);
    }
    exit_code = decide(trust);
    /* They get fewer, or the transport goes round in circles. */
  } while (exit_code == PS_EXIT_OK && trust->key.remaining > 0 && (remaining == 0 || trust->key.remaining < remaining));
  return exit_code;
}

static int with_instance(void *context, penstock_instance *instance, const ps_profile *profile) {
  trust_job *trust = context;
  penstock_error error;
  int64_t deadline = ps_settings_int(profile->settings, "connect_timeout", 30000);
  trust->instance = instance;
  trust->ext =
      profile->transport->get_extension ? profile->transport->get_extension(instance, PENSTOCK_EXT_HOSTKEY) : NULL;
  if (trust->ext) {
    return go_along(trust, (uint64_t)deadline);
  }
  memset(&error, 0, sizeof(error));
  penstock_fail(&error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_CONFIG,
                "transport '%s' has no host keys: there is nothing to trust", profile->transport->name);
  penstock_next(&error, "name a profile that reaches its host over SSH");
  return finish(trust, NULL, &error);
}

static int run(const trust_line *line) {
  ps_profiles profiles;
  ps_profile profile = {0};
  trust_job trust = {.line = line};
  int exit_code = PS_EXIT_CONFIG;
  const char *name = NULL;
  if (ps_profiles_load(&profiles) != 0 ||
      ((name = ps_profiles_choose(&profiles, "trust", line->arguments[0], &exit_code)) != NULL &&
       (ps_profile_open(&profiles, name, &profile), ps_problems_fatal(&profiles.problems) > 0))) {
    ps_cli_print_problems(PS_STDERR, &profiles.problems);
  } else if (name) {
    penstock_error error;
    exit_code = ps_visit_instance(&profile, with_instance, &trust, &error);
    if (error.what[0]) {
      ps_cli_print_error(PS_STDERR, "Failed", &error);
    }
  }
  ps_profile_close(&profile);
  ps_profiles_free(&profiles);
  return exit_code;
}

int ps_cmd_trust(int argc, char **argv) {
  trust_line line = {0};
  int exit_code = parse(argc, argv, &line);
  if (exit_code >= 0) {
    return exit_code;
  }
  if ((exit_code = ps_cli_open_log(NULL, PENSTOCK_LOG_WARN)) != 0) {
    return exit_code;
  }
  exit_code = run(&line);
  ps_log_close();
  return exit_code;
}
