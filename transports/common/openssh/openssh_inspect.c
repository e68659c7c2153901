/* SPDX-License-Identifier: MIT */
/* penstock check: what ssh would be started with, found out without a connection. */
#include "common/openssh/openssh_command.h"
#include "common/openssh/openssh_internal.h"

static const char *value_of(const ssh_config *lines, const char *keyword) {
  const ssh_config_line *line = ssh_config_get(lines, keyword);
  return line ? line->value : "";
}

static void tell(const penstock_check_sink *sink, const char *name, const char *text) {
  if (text[0] && strcmp(text, "none") != 0) {
    sink->found(sink->context, name, text);
  }
}

/* The options that ssh gets, as they would be typed. */
static void tell_options(const penstock_check_sink *sink, const openssh_command *command) {
  char text[2048] = "";
  size_t used = 0;
  for (size_t i = 0; i + 1 < command->count && used < sizeof(text); i++) {
    if (strcmp(command->argv[i], "-o") == 0) {
      used += (size_t)snprintf(text + used, sizeof(text) - used, "%s-o %s", used ? " " : "", command->argv[i + 1]);
    }
  }
  penstock_utf8_trim(text, sizeof(text));
  tell(sink, "ssh options", text);
}

static void tell_settings(const openssh_link *link, const ssh_config *lines, const penstock_check_sink *sink) {
  char text[1024];
  (void)snprintf(text, sizeof(text), "%s%s%s", lines->source, link->request.config_file ? ", file: " : "",
                 link->request.config_file ? link->request.config_file : "");
  tell(sink, "settings", text);
  (void)snprintf(text, sizeof(text), "%s, port %s, user %s", value_of(lines, "hostname"), value_of(lines, "port"),
                 value_of(lines, "user"));
  tell(sink, "host", text);
  tell(sink, "by way of", value_of(lines, "proxyjump"));
  tell(sink, "proxy command", value_of(lines, "proxycommand"));
  (void)snprintf(text, sizeof(text), "%s%s", link->extra.fingerprint ? link->extra.fingerprint : "",
                 link->extra.fingerprint ? " alone" : value_of(lines, "userknownhostsfile"));
  tell(sink, "host key", text);
}

int32_t openssh_link_inspect(openssh_link *link, uint64_t deadline_ms, const penstock_check_sink *sink,
                             penstock_error *error) {
  openssh_command command = {0};
  ssh_config lines = {0};
  int result = openssh_folder_open(&link->folder, error);
  if (result == 0) {
    result = openssh_connect_plan(link, &command, &lines, deadline_ms, error);
  }
  if (result == 0) {
    tell_settings(link, &lines, sink);
    tell_options(sink, &command);
    tell(sink, "streams", openssh_program_ways);
  }
  openssh_command_clear(&command);
  ssh_config_unload(&lines);
  openssh_folder_close(&link->folder);
  return result ? PENSTOCK_E_FAILED : PENSTOCK_OK;
}
