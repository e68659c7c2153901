/* SPDX-License-Identifier: MIT */
#include "cli/plugin_show.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/json_out.h"
#include "cli/out.h"
#include "cli/show.h"
#include "cli/term.h"
#include "config/value.h"

static const char *type_name(uint32_t type) {
  static const char *const names[] = {
      [PENSTOCK_OPTION_STRING] = "string",   [PENSTOCK_OPTION_INT] = "int",           [PENSTOCK_OPTION_BOOL] = "bool",
      [PENSTOCK_OPTION_CHOICE] = "choice",   [PENSTOCK_OPTION_DURATION] = "duration", [PENSTOCK_OPTION_PATH] = "path",
      [PENSTOCK_OPTION_ADDRESS] = "address", [PENSTOCK_OPTION_LIST] = "list",         [PENSTOCK_OPTION_ENV] = "env",
  };
  return type < sizeof(names) / sizeof(names[0]) && names[type] ? names[type] : "?";
}

static const struct {
  uint32_t flag;
  const char *name;
} flag_names[] = {
    {PENSTOCK_OPTION_REQUIRED, "required"},     {PENSTOCK_OPTION_SECRET, "secret"},     {PENSTOCK_OPTION_LIVE, "live"},
    {PENSTOCK_OPTION_DEPRECATED, "deprecated"}, {PENSTOCK_OPTION_FAR_PATH, "far-path"},
};

static void add_limit(ps_text *text, const penstock_option *option, int64_t value) {
  if (option->type == PENSTOCK_OPTION_DURATION) {
    ps_duration_add(text, value);
  } else {
    ps_text_addf(text, "%" PRId64, value);
  }
}

static int has_range(const penstock_option *option) {
  int is_number = option->type == PENSTOCK_OPTION_INT || option->type == PENSTOCK_OPTION_DURATION;
  return is_number && (option->min != 0 || option->max != 0);
}

/* "choice red|green, default red, live". `also` is a word that is a value too; "" if there is none. */
static void add_facts(ps_text *text, const penstock_option *option, const char *type, const char *also) {
  ps_text_adds(text, type);
  if (has_range(option)) {
    ps_text_adds(text, " ");
    add_limit(text, option, option->min);
    ps_text_adds(text, "..");
    add_limit(text, option, option->max);
  }
  ps_text_adds(text, also);
  for (size_t i = 0; option->choices && option->choices[i]; i++) {
    ps_text_adds(text, i ? "|" : " ");
    ps_text_add_safe(text, option->choices[i]);
  }
  if (option->default_value) {
    ps_text_adds(text, ", default ");
    ps_text_add_safe(text, option->default_value[0] ? option->default_value : "empty");
  }
  for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++) {
    if (option->flags & flag_names[i].flag) {
      ps_text_addf(text, ", %s", flag_names[i].name);
    }
  }
}

void ps_option_add_facts(ps_text *text, const penstock_option *option) {
  add_facts(text, option, option->flags & PS_OPTION_FOLDERS ? "folders" : type_name(option->type),
            option->flags & PS_OPTION_AUTO ? " or auto" : "");
}

static void print_option(const penstock_option *option) {
  ps_text facts = {0};
  char help[2048];
  add_facts(&facts, option, type_name(option->type), ""); /* our private flags mean nothing here */
  ps_out_line("  %-20s %s", option->key, facts.data ? facts.data : "");
  ps_out_line("  %-20s %s", "", ps_show_safe(help, sizeof(help), option->help));
  free(facts.data);
}

static void print_transport(const penstock_transport *transport) {
  char summary[2048];
  ps_out_text("");
  ps_out_line("%stransport = %s%s   %s", ps_term_style(PS_STDOUT, PS_STYLE_STRONG), transport->name,
              ps_term_style(PS_STDOUT, PS_STYLE_END), ps_show_safe(summary, sizeof(summary), transport->summary));
  ps_out_line("  %s", transport->launch ? "It can launch the solver."
                                        : "It only forwards: it cannot launch the solver (probe = auto means tcp).");
  for (uint32_t i = 0; i < transport->option_count; i++) {
    print_option(&transport->options[i]);
  }
  if (transport->option_count == 0) {
    ps_out_text("  It has no options of its own.");
  }
}

void ps_plugin_print(const ps_plugin *plugin) {
  char path[1024];
  char version[256];
  char license[512];
  ps_out_line("plugin %s %s (%s)", plugin->plugin->name,
              ps_show_safe(version, sizeof(version), plugin->plugin->version),
              ps_show_safe(license, sizeof(license), plugin->plugin->license));
  ps_out_line("file   %s", ps_show_safe(path, sizeof(path), plugin->path));
  for (uint32_t i = 0; i < plugin->plugin->transport_count; i++) {
    print_transport(plugin->plugin->transports[i]);
  }
}

static json_t *flags_json(uint32_t flags) {
  json_t *list = json_array();
  for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++) {
    if (flags & flag_names[i].flag) {
      (void)json_array_append_new(list, json_string(flag_names[i].name));
    }
  }
  return list;
}

static json_t *choices_json(const penstock_option *option) {
  json_t *list = option->choices ? json_array() : json_null();
  for (size_t i = 0; option->choices && option->choices[i]; i++) {
    (void)json_array_append_new(list, ps_json_text(option->choices[i]));
  }
  return list;
}

static json_t *option_json(const penstock_option *option) {
  int ranged = has_range(option);
  return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "key", ps_json_text(option->key), "type",
                   type_name(option->type), "default", ps_json_text(option->default_value), "min",
                   ranged ? json_integer(option->min) : json_null(), "max",
                   ranged ? json_integer(option->max) : json_null(), "choices", choices_json(option), "flags",
                   flags_json(option->flags), "help", ps_json_text(option->help));
}

static json_t *transport_json(const penstock_transport *transport, int with_options) {
  json_t *object = json_pack("{s:o, s:o, s:b}", "name", ps_json_text(transport->name), "summary",
                             ps_json_text(transport->summary), "launches", transport->launch != NULL);
  if (with_options) {
    json_t *options = json_array();
    for (uint32_t i = 0; i < transport->option_count; i++) {
      (void)json_array_append_new(options, option_json(&transport->options[i]));
    }
    (void)json_object_set_new(object, "options", options);
  }
  return object;
}

json_t *ps_plugin_json(const ps_plugin *plugin, int with_options) {
  json_t *transports = json_array();
  for (uint32_t i = 0; i < plugin->plugin->transport_count; i++) {
    (void)json_array_append_new(transports, transport_json(plugin->plugin->transports[i], with_options));
  }
  return json_pack("{s:o, s:o, s:o, s:o, s:o}", "path", ps_json_text(plugin->path), "name",
                   ps_json_text(plugin->plugin->name), "version", ps_json_text(plugin->plugin->version), "license",
                   ps_json_text(plugin->plugin->license), "transports", transports);
}
