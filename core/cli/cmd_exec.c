/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdlib.h>

#include "cli/far_command.h"
#include "log/json.h"

/* What cannot be the command's: as with env, timeout and docker exec. */
#define EXIT_OURS 125
/* Nobody reads what it prints: as a program that a broken pipe ended. */
#define EXIT_PIPE 141

/* The command's words. NULL after a complaint. */
static json_t *words_of(char **command) {
  json_t *words = json_array();
  for (char **word = command; *word; word++) {
    json_t *text = json_string(*word);
    if (!text || json_array_append_new(words, text) != 0) {
      (void)ps_cli_usage("exec", "argument %d of the command is no UTF-8 text", (int)(word - command));
      json_decref(words);
      return NULL;
    }
  }
  return words;
}

static int run(const char *gateway, json_t *words) {
  ps_far_end end;
  penstock_error error = {.struct_size = sizeof(error)};
  json_t *fields = json_pack("{s:o, s:i}", "command", words, "merge", ps_term_is_one_place());
  const ps_far_command wanted = {
      .gateway = gateway, .request = "exec", .fields = fields, .takes_input = 1, .emit = ps_far_to_stdout};
  int code = ps_far_run(&wanted, &end, &error);
  if (end.errors.data) {
    (void)ps_term_write(PS_STDERR, end.errors.data, end.errors.size);
  }
  if (code != PENSTOCK_OK && code != PENSTOCK_E_CANCELLED && code != PENSTOCK_E_LIMIT) {
    ps_cli_print_error(PS_STDERR, end.has_begun ? "Not run to its end" : "Not run", &error);
  }
  free(end.errors.data);
  json_decref(fields);
  return code == PENSTOCK_OK ? end.status : code == PENSTOCK_E_CANCELLED ? EXIT_PIPE : EXIT_OURS;
}

int ps_cmd_exec(int argc, char **argv) {
  char **arguments;
  int exit_code;
  int own = 0;
  const ps_cli_syntax syntax = {
      "exec",
      "[PROFILE] -- PROGRAM [ARGUMENT]...",
      "Runs one command where the solver lives, over the connection of a gateway that runs, whether or\n"
      "not the solver does. Its input and output are this command's; no shell reads its words:\n"
      "  penstock exec -- nvidia-smi\n"
      "  penstock exec lab -- sh -c 'tail -n 50 ~/ppf/server.log | grep -i cuda'\n"
      "\n"
      "What it says on standard error comes at its end, the last 64 KiB of it; or in its place, where\n"
      "standard output and standard error are the same. If this command ends, so does that one.\n"
      "\n"
      "Exits as the command did (128 + N: signal N ended it; 127: there is no such program; 126: it\n"
      "cannot be run), and with 125 if penstock could not run it, or its end was not seen.",
      NULL,
      0,
      0,
      1};
  while (own < argc && strcmp(argv[own], "--") != 0) {
    own++;
  }
  char **command = own < argc ? argv + own + 1 : argv + argc;
  argv[own] = NULL;
  if (!ps_cli_parse(&syntax, own, argv, &arguments, &exit_code)) {
    return exit_code == PS_EXIT_OK ? exit_code : EXIT_OURS;
  }
  if (!command[0]) {
    (void)ps_cli_usage("exec", "the command is missing: penstock exec [PROFILE] -- PROGRAM [ARGUMENT]...");
    return EXIT_OURS;
  }
  json_t *words = words_of(command);
  return words ? run(arguments[0], words) : EXIT_OURS;
}
