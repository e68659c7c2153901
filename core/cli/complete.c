/* SPDX-License-Identifier: MIT */
#include "cli/complete.h"

#include <stdlib.h>

#include "cli/cli.h"
#include "cli/profile_select.h"
#include "plugin/abi.h"

/* A line, read up to the word that is completed. */
typedef struct partial_line {
  const ps_cli_group *group; /* one of its commands comes next; NULL = the command is there */
  const ps_cli_group *named; /* a COMMAND that is an argument is one of these; NULL = there is no further one */
  ps_cli_syntax syntax;      /* of the command; empty before it is known */
  ps_cli_option options[PS_CLI_MOST_OPTIONS];
  const ps_cli_option *open; /* the option whose value comes next */
  size_t arguments;          /* how many there are already */
  int plain;                 /* "--" was there: no more options */
  int lost;                  /* a word makes no sense */
  char *config;              /* kept for ps_cli_options */

  const char *start; /* what the new word begins with */
  const char *front; /* what stands before that in the word: "--config=" */
  size_t front_size;
  const char *rest; /* what the shell is to look for */
  ps_text *words;
} partial_line;

/* --- reading what is there ---------------------------------------------------------------------- */

static void on_syntax(void *context, const ps_cli_syntax *syntax) {
  partial_line *self = context;
  self->syntax = *syntax;
  if (syntax->option_count > PS_CLI_MOST_OPTIONS) {
    self->syntax.option_count = 0;
  }
  for (size_t i = 0; i < self->syntax.option_count; i++) {
    self->options[i] = syntax->options[i];
  }
  self->syntax.options = self->options;
}

static void on_group(void *context, const ps_cli_group *group) {
  partial_line *self = context;
  self->group = group;
}

static void on_named_group(void *context, const ps_cli_group *group) {
  partial_line *self = context;
  self->named = group;
}

/* The option that a word names; *value is behind its "=", or NULL. */
static const ps_cli_option *find_option(const partial_line *self, const char *word, const char **value) {
  size_t size = strcspn(word, "=");
  *value = word[size] ? word + size + 1 : NULL;
  if (size < 2 || strncmp(word, "--", 2) != 0) {
    return NULL;
  }
  for (size_t i = 0; i < self->syntax.option_count + ps_cli_common_count; i++) {
    const ps_cli_option *option =
        i < self->syntax.option_count ? &self->options[i] : &ps_cli_common_options[i - self->syntax.option_count];
    if (strlen(option->name) == size - 2 && strncmp(option->name, word + 2, size - 2) == 0) {
      return option;
    }
  }
  return NULL;
}

/* Of all values one counts for what is completed: the profiles file. The shell would replace its tilde. */
static void take_value(partial_line *self, const ps_cli_option *option, const char *value) {
  const char *home = getenv("HOME");
  ps_text path = {0};
  if (option->value != &ps_cli_options.config) {
    return;
  }
  if (value[0] == '~' && (value[1] == '/' || value[1] == '\0') && home) {
    ps_text_adds(&path, home);
    value++;
  }
  ps_text_adds(&path, value);
  free(self->config);
  self->config = path.data;
  ps_cli_options.config = path.data;
}

/* The alternatives for an argument, such as "TRANSPORT|FILE". */
typedef struct alternatives {
  const char *text;
  size_t size;
} alternatives;

/* What stands for argument number `at` in a syntax; empty if there is none. */
static alternatives argument_at(const char *text, size_t at) {
  alternatives found = {text, 0};
  for (size_t i = 0;; i++) {
    text += strspn(text, " ");
    size_t size = strcspn(text, " ");
    int repeats = size > 3 && strncmp(text + size - 3, "...", 3) == 0;
    if (size == 0) {
      return found;
    }
    if (i == at || repeats) {
      found = (alternatives){text, size};
      return found;
    }
    text += size;
  }
}

/* Takes the next alternative off, without brackets. NULL once there is none; *kind is NULL if anything may stand. */
static int next_alternative(alternatives *left, const ps_cli_argument **kind) {
  static const char around[] = "[]|'.";
  while (left->size > 0 && strchr(around, left->text[0])) {
    left->text++;
    left->size--;
  }
  size_t size = 0;
  while (size < left->size && !strchr(around, left->text[size])) {
    size++;
  }
  *kind = ps_cli_argument_find(left->text, size);
  left->text += size;
  left->size -= size;
  return size > 0;
}

static void walk_argument(partial_line *self, const char *word) {
  const ps_cli_reader reader = {self, on_syntax, on_group};
  const ps_cli_reader named = {self, NULL, on_named_group};
  const ps_cli_command *command;
  const ps_cli_argument *kind;
  if (self->group) {
    command = ps_cli_find(self->group, word);
    self->group = NULL;
    self->lost = !command;
    if (command) {
      ps_cli_read(command, &reader);
    }
    return;
  }
  alternatives left = argument_at(self->syntax.arguments, self->arguments++);
  while (next_alternative(&left, &kind)) {
    if (kind && kind->fill == PS_FILL_COMMANDS) {
      command = self->named ? ps_cli_find(self->named, word) : NULL;
      self->named = NULL;
      if (command) {
        ps_cli_read(command, &named);
      }
    }
  }
}

static void walk(partial_line *self, const char *word) {
  const char *value;
  if (self->open) {
    take_value(self, self->open, word);
    self->open = NULL;
  } else if (self->plain || word[0] != '-' || word[1] == '\0') {
    walk_argument(self, word);
  } else if (strcmp(word, "--") == 0) {
    self->plain = 1;
  } else {
    const ps_cli_option *option = find_option(self, word, &value);
    if (option && option->argument && value) {
      take_value(self, option, value);
    } else if (option && option->argument) {
      self->open = option;
    }
  }
}

/* --- offering what may come --------------------------------------------------------------------- */

/* Offers lead + word. What would not be one line of output is left out. */
static void offer(const partial_line *self, const char *lead, const char *word, const char *meaning) {
  char whole[512];
  char line[256];
  int size = snprintf(whole, sizeof(whole), "%s%s", lead, word);
  if (size < 0 || (size_t)size >= sizeof(whole) || strpbrk(whole, "\t\r\n") ||
      strncmp(whole, self->start, strlen(self->start)) != 0) {
    return;
  }
  (void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(meaning, "\n"), meaning);
  penstock_utf8_trim(line, sizeof(line));
  for (char *tab = strchr(line, '\t'); tab; tab = strchr(tab, '\t')) {
    *tab = ' ';
  }
  ps_text_add(self->words, self->front, self->front_size);
  ps_text_addf(self->words, "%s\t", whole);
  ps_text_add_safe(self->words, line);
  ps_text_adds(self->words, "\n");
}

static void offer_commands(const partial_line *self, const ps_cli_group *group) {
  for (size_t i = 0; group && i < group->count; i++) {
    offer(self, "", group->commands[i].name, group->commands[i].summary);
  }
}

static void offer_options(const partial_line *self) {
  for (size_t i = 0; i < self->syntax.option_count; i++) {
    offer(self, "--", self->options[i].name, self->options[i].help);
  }
  for (size_t i = 0; i < ps_cli_common_count; i++) {
    offer(self, "--", ps_cli_common_options[i].name, ps_cli_common_options[i].help);
  }
  offer(self, "--", ps_cli_help_option.name, ps_cli_help_option.help);
  if (self->group == &ps_cli_program) {
    offer(self, "--", ps_cli_version_option.name, ps_cli_version_option.help);
  }
}

static void offer_profiles(const partial_line *self) {
  ps_profiles profiles;
  if (ps_profiles_load(&profiles) == 0) {
    for (size_t i = 0; i < ps_config_profile_count(profiles.config); i++) {
      const char *name = ps_config_profile_name(profiles.config, i);
      const char *meaning = ps_config_raw(profiles.config, name, "description");
      if (!meaning) {
        meaning = ps_config_raw(profiles.config, name, "transport");
      }
      if (!ps_config_is_template(profiles.config, name)) {
        offer(self, "", name, meaning ? meaning : "");
      }
    }
  }
  ps_profiles_free(&profiles);
}

/* A plugin's file is named after its transport: nothing need be loaded. */
static void offer_transports(const partial_line *self) {
  ps_profiles profiles;
  ps_plugin_request request = {0};
  if (ps_profiles_load(&profiles) == 0 && profiles.gateway) {
    request.plugin_path = ps_settings_string(profiles.gateway, "plugin_path");
  }
  char **folders = ps_registry_folders(&request);
  for (size_t i = 0; folders && folders[i]; i++) {
    char **files = ps_registry_files(folders[i]);
    for (size_t k = 0; files && files[k]; k++) {
      char name[64];
      const char *slash = strrchr(files[k], '/');
      const char *base = slash ? slash + 1 : files[k];
      (void)snprintf(name, sizeof(name), "%.*s", (int)(strlen(base) - strlen(PENSTOCK_PLUGIN_SUFFIX)), base);
      if (ps_abi_transport_name(name)) {
        offer(self, "", name, "transport");
      }
    }
    ps_registry_free_list(files);
  }
  ps_registry_free_list(folders);
  ps_profiles_free(&profiles);
}

static void offer_alternatives(partial_line *self, alternatives left) {
  const ps_cli_argument *kind;
  while (next_alternative(&left, &kind)) {
    switch (kind ? kind->fill : 0) {
    case PS_FILL_WORDS:
      for (size_t i = 0; kind->words[i]; i++) {
        offer(self, "", kind->words[i], kind->kind);
      }
      break;
    case PS_FILL_FILES:
      self->rest = "files";
      break;
    case PS_FILL_FOLDERS:
      self->rest = "folders";
      break;
    case PS_FILL_PROFILES:
      offer_profiles(self);
      break;
    case PS_FILL_TRANSPORTS:
      offer_transports(self);
      break;
    case PS_FILL_COMMANDS:
      offer_commands(self, self->named);
      break;
    default:
      break;
    }
  }
}

static void offer_all(partial_line *self, const char *word) {
  const char *value;
  self->start = word;
  if (self->open) {
    offer_alternatives(self, (alternatives){self->open->argument, strlen(self->open->argument)});
  } else if (!self->plain && word[0] == '-') {
    const ps_cli_option *option = find_option(self, word, &value);
    if (!value) {
      offer_options(self);
    } else if (option && option->argument) {
      self->start = value;
      self->front = word;
      self->front_size = (size_t)(value - word);
      offer_alternatives(self, (alternatives){option->argument, strlen(option->argument)});
    }
  } else if (self->group) {
    offer_commands(self, self->group);
  } else if (self->syntax.arguments) {
    offer_alternatives(self, argument_at(self->syntax.arguments, self->arguments));
  }
}

void ps_complete(const char *const *words, size_t count, ps_text *out) {
  ps_text found = {0};
  partial_line self = {
      .group = &ps_cli_program, .named = &ps_cli_program, .front = "", .rest = "words", .words = &found};
  const char *config = ps_cli_options.config;
  for (size_t i = 0; i + 1 < count && !self.lost; i++) {
    walk(&self, words[i]);
  }
  if (count > 0 && !self.lost) {
    offer_all(&self, words[count - 1]);
  }
  ps_text_addf(out, "%s\n", self.rest);
  ps_text_adds(out, found.data ? found.data : "");
  free(found.data);
  ps_cli_options.config = config;
  free(self.config);
}
