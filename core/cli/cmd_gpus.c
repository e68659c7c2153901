/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdlib.h>

#include "cli/far_command.h"
#include "cli/gateways.h"
#include "cli/json_out.h"
#include "cli/out.h"
#include "cli/show.h"

/* What is asked for, in this order. */
enum { INDEX, UUID, NAME, MEMORY_TOTAL, MEMORY_USED, USE, DRIVER, COLUMNS };
#define QUERY "--query-gpu=index,uuid,name,memory.total,memory.used,utilization.gpu,driver_version"
/* More than any machine's answer. */
#define ANSWER_MOST ((size_t)256 * 1024)

static int keep(void *context, const void *data, size_t size) {
  ps_text *answer = context;
  ps_text_add(answer, data, answer->size < ANSWER_MOST ? size : 0);
  return PENSTOCK_OK;
}

/* --- reading ------------------------------------------------------------------------------------ */

/* Parts a line at its commas; returns how many columns it has. */
static int part(char *line, char *columns[COLUMNS]) {
  int count = 0;
  while (line && count < COLUMNS) {
    char *comma = strchr(line, ',');
    if (comma) {
      *comma = '\0';
    }
    line += strspn(line, " ");
    columns[count++] = line;
    line = comma ? comma + 1 : NULL;
  }
  return line ? COLUMNS + 1 : count;
}

/* "[N/A]", "[Not Supported]": a device that does not tell. */
static json_t *number(const char *text) {
  char *end = NULL;
  long value = strtol(text, &end, 10);
  return end != text && *end == '\0' ? json_integer(value) : json_null();
}

static json_t *gpu(char *columns[COLUMNS]) {
  return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "index", number(columns[INDEX]), "uuid",
                   ps_json_text(columns[UUID]), "name", ps_json_text(columns[NAME]), "memory_total_mib",
                   number(columns[MEMORY_TOTAL]), "memory_used_mib", number(columns[MEMORY_USED]),
                   "utilization_percent", number(columns[USE]), "driver_version", ps_json_text(columns[DRIVER]));
}

/* The rows of an answer, a new reference; NULL with `error` if it has something else in it. */
static json_t *read_rows(char *text, penstock_error *error) {
  json_t *rows = json_array();
  char *columns[COLUMNS];
  for (char *line = text, *next; line && *line; line = next) {
    char *end = strchr(line, '\n');
    next = end ? end + 1 : NULL;
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '\0') {
      continue;
    }
    if (part(line, columns) != COLUMNS) {
      (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_INTERNAL,
                          "nvidia-smi has answered something else than was asked: %.200s", line);
      penstock_next(error, "look at it: penstock exec -- nvidia-smi");
      json_decref(rows);
      return NULL;
    }
    (void)json_array_append_new(rows, gpu(columns));
  }
  return rows;
}

/* --- asking ------------------------------------------------------------------------------------- */

static void failed_there(const ps_far_end *end, const char *said, penstock_error *error) {
  if (end->status == 127 || end->status == 126) {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG,
                        "there is no nvidia-smi where the solver lives");
    penstock_next(error, "install the NVIDIA driver's tools there; a container has them if it was given GPUs "
                         "(`docker run --gpus all`)");
  } else {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "nvidia-smi ended with status %d",
                        end->status);
    penstock_next(error, "what it said is below; the driver may not run");
  }
  (void)snprintf(error->detail, sizeof(error->detail), "%s%s", said ? said : "",
                 end->errors.data ? end->errors.data : "");
  penstock_utf8_trim(error->detail, sizeof(error->detail));
}

/* A new reference; NULL with `error` and *exit_code. */
static json_t *ask(const char *gateway, int *exit_code, penstock_error *error) {
  ps_far_end end;
  ps_text answer = {0};
  json_t *rows = NULL;
  json_t *fields = json_pack("{s:[s,s,s]}", "command", "nvidia-smi", QUERY, "--format=csv,noheader,nounits");
  const ps_far_command wanted = {
      .gateway = gateway, .request = "exec", .fields = fields, .emit = keep, .context = &answer};
  int code = ps_far_run(&wanted, &end, error);
  if (code == PENSTOCK_OK && end.status != 0) {
    failed_there(&end, answer.data, error);
  } else if (code == PENSTOCK_OK) {
    rows = read_rows(answer.data, error);
  }
  *exit_code = rows ? (int)PS_EXIT_OK : ps_gateway_exit_code(error, code);
  free(end.errors.data);
  free(answer.data);
  json_decref(fields);
  return rows;
}

/* --- showing ------------------------------------------------------------------------------------ */

static const char *text_of(const json_t *row, const char *key, char *safe, size_t size) {
  const char *text = json_string_value(json_object_get(row, key));
  return ps_show_safe(safe, size, text ? text : "?");
}

static const char *number_of(const json_t *row, const char *key, char *text, size_t size) {
  const json_t *value = json_object_get(row, key);
  (void)snprintf(text, size, json_is_integer(value) ? "%lld" : "?", (long long)json_integer_value(value));
  return text;
}

static void print_rows(const json_t *rows) {
  char index[24];
  char total[24];
  char used[24];
  char use[24];
  char name[128];
  char uuid[128];
  char driver[64];
  if (json_array_size(rows) == 0) {
    ps_out_line("There is no GPU where the solver lives.");
    return;
  }
  ps_out_line("%5s  %-28s %15s  %4s  %-10s  %s", "INDEX", "NAME", "MEMORY (MiB)", "USE", "DRIVER", "UUID");
  for (size_t i = 0; i < json_array_size(rows); i++) {
    const json_t *row = json_array_get(rows, i);
    char memory[56];
    (void)snprintf(memory, sizeof(memory), "%s / %s", number_of(row, "memory_used_mib", used, sizeof(used)),
                   number_of(row, "memory_total_mib", total, sizeof(total)));
    ps_out_line("%5s  %-28s %15s  %3s%%  %-10s  %s", number_of(row, "index", index, sizeof(index)),
                text_of(row, "name", name, sizeof(name)), memory,
                number_of(row, "utilization_percent", use, sizeof(use)),
                text_of(row, "driver_version", driver, sizeof(driver)), text_of(row, "uuid", uuid, sizeof(uuid)));
  }
}

int ps_cmd_gpus(int argc, char **argv) {
  int json = 0;
  char **arguments;
  int exit_code;
  penstock_error error = {.struct_size = sizeof(error)};
  const ps_cli_option options[] = {{"json", NULL, "one JSON object", &json, NULL}};
  const ps_cli_syntax syntax = {
      "gpus",
      "[PROFILE]",
      "Lists the GPUs where the solver lives, as nvidia-smi there tells them, over the connection of a\n"
      "gateway that runs. An index or a UUID is what a profile's `gpu` takes. Without PROFILE: the only\n"
      "gateway.",
      options,
      1,
      0,
      1};
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  json_t *rows = ask(arguments[0], &exit_code, &error);
  if (json) {
    ps_json_line(json_pack("{s:o, s:o}", "gpus", rows ? json_incref(rows) : json_array(), "error",
                           ps_json_error(rows ? NULL : &error)));
  } else if (rows) {
    print_rows(rows);
  } else {
    ps_cli_print_error(PS_STDERR, "Failed", &error);
  }
  json_decref(rows);
  return exit_code;
}
