/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <limits.h>
#include <stdlib.h>

#include "cli/complete.h"
#include "cli/out.h"
#include "cli/shells.h"

static int cmd_words(int argc, char **argv) {
  const ps_cli_syntax syntax = {
      "completion words",
      "-- [WORD]...",
      "Prints what the last WORD of a command line may become; WORDs are those after 'penstock'.\n"
      "This is what the scripts for shells ask. The first line says what else may stand there\n"
      "(files, folders, or words: nothing), each other line is a word, a tab, and its meaning.",
      NULL,
      0,
      0,
      INT_MAX};
  char **arguments;
  int exit_code;
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  ps_text out = {0};
  size_t count = 0;
  while (arguments[count]) {
    count++;
  }
  ps_complete((const char *const *)arguments, count, &out);
  ps_out_bytes(out.data, out.size);
  free(out.data);
  return PS_EXIT_OK;
}

static int print_script(const ps_cli_syntax *syntax, const char *script, int argc, char **argv) {
  char **arguments;
  int exit_code;
  if (ps_cli_parse(syntax, argc, argv, &arguments, &exit_code)) {
    ps_out_bytes(script, strlen(script));
    exit_code = PS_EXIT_OK;
  }
  return exit_code;
}

static int cmd_bash(int argc, char **argv) {
  const ps_cli_syntax syntax = {
      "completion bash",
      "",
      "Prints the script that makes bash complete penstock's words. It comes installed; by hand:\n"
      "\n"
      "  penstock completion bash > ~/.local/share/bash-completion/completions/penstock\n"
      "\n"
      "or, without the package bash-completion, in ~/.bashrc:\n"
      "\n"
      "  source <(penstock completion bash)",
      NULL,
      0,
      0,
      0};
  return print_script(&syntax, script_penstock_bash, argc, argv);
}

static int cmd_zsh(int argc, char **argv) {
  const ps_cli_syntax syntax = {
      "completion zsh",
      "",
      "Prints the script that makes zsh complete penstock's words. It comes installed; by hand, in\n"
      "~/.zshrc, after compinit:\n"
      "\n"
      "  source <(penstock completion zsh)",
      NULL,
      0,
      0,
      0};
  return print_script(&syntax, script_penstock_zsh, argc, argv);
}

static int cmd_fish(int argc, char **argv) {
  const ps_cli_syntax syntax = {
      "completion fish",
      "",
      "Prints the script that makes fish complete penstock's words. It comes installed; by hand:\n"
      "\n"
      "  penstock completion fish > ~/.config/fish/completions/penstock.fish",
      NULL,
      0,
      0,
      0};
  return print_script(&syntax, script_penstock_fish, argc, argv);
}

static int cmd_powershell(int argc, char **argv) {
  const ps_cli_syntax syntax = {
      "completion powershell",
      "",
      "Prints the script that makes PowerShell complete penstock's words; in the file that $PROFILE names:\n"
      "\n"
      "  penstock completion powershell | Out-String | Invoke-Expression",
      NULL,
      0,
      0,
      0};
  return print_script(&syntax, script_penstock_powershell, argc, argv);
}

int ps_cmd_completion(int argc, char **argv) {
  static const ps_cli_command commands[] = {
      {"bash", "the script for bash", cmd_bash},
      {"zsh", "the script for zsh", cmd_zsh},
      {"fish", "the script for fish", cmd_fish},
      {"powershell", "the script for PowerShell", cmd_powershell},
      {"words", "what a line may go on with, which is what the scripts ask", cmd_words},
  };
  static const ps_cli_group group = {"completion", commands, sizeof(commands) / sizeof(commands[0])};
  return ps_cli_run_group(&group, argc, argv);
}
