/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <getopt.h>

#include "base/nearest.h"
#include "cli/out.h"
#include "cli/show.h"

/* What getopt_long returns for --help; the options of the table follow. Above all characters, which short options
 * return. */
#define HELP_VALUE 1000

int ps_cli_usage(const char *command, const char *format, ...) {
  char text[512];
  char safe[2048];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  (void)fprintf(stderr, "penstock%s%s: %s\n", command ? " " : "", command ? command : "",
                ps_show_safe(safe, sizeof(safe), text));
  (void)fprintf(stderr, "Try 'penstock %s%s--help'.\n", command ? command : "", command ? " " : "");
  return PS_EXIT_USAGE;
}

static const ps_cli_reader *current_reader;

void ps_cli_read(const ps_cli_command *command, const ps_cli_reader *reader) {
  const ps_cli_reader *before = current_reader;
  char name[64];
  char help[] = "--help";
  char *line[] = {name, help, NULL};
  (void)snprintf(name, sizeof(name), "%s", command->name);
  current_reader = reader;
  (void)command->run(2, line);
  current_reader = before;
}

const ps_cli_reader *ps_cli_current_reader(void) {
  return current_reader;
}

/* Few, so that each means the same wherever it is. */
char ps_cli_letter(const ps_cli_option *option) {
  static const struct {
    const char *name;
    char letter;
  } letters[] = {{"help", 'h'}, {"detach", 'd'}, {"follow", 'f'}, {"lines", 'n'}};
  for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
    if (strcmp(option->name, letters[i].name) == 0) {
      return letters[i].letter;
    }
  }
  return '\0';
}

void ps_cli_print_option(const ps_cli_option *option) {
  char name[64];
  const char *help = option->help;
  const char letter[] = {'-', ps_cli_letter(option), ',', ' ', '\0'};
  (void)snprintf(name, sizeof(name), "%s--%s%s%s", letter[1] ? letter : "", option->name, option->argument ? " " : "",
                 option->argument ? option->argument : "");
  for (const char *column = name; *help; column = "") {
    size_t size = strcspn(help, "\n");
    ps_out_line("  %-22s %.*s", column, (int)size, help);
    help += size + (help[size] == '\n');
  }
}

static void print_help(const ps_cli_syntax *syntax) {
  ps_out_line("Usage: penstock %s [OPTION]...%s%s", syntax->command, syntax->arguments[0] ? " " : "",
              syntax->arguments);
  ps_out_text("");
  ps_out_text(syntax->text);
  ps_out_text("");
  ps_out_text("Options:");
  for (size_t i = 0; i < syntax->option_count; i++) {
    ps_cli_print_option(&syntax->options[i]);
  }
  ps_cli_print_option(&ps_cli_help_option);
  ps_out_text("");
  ps_out_text("Options of every command (--config, --log-level, --batch, --color ...) and exit codes: penstock --help");
}

/* The word that getopt_long stumbled over is the one it looked at last. */
static int complain(const ps_cli_syntax *syntax, char **argv, int value) {
  const char *word = argv[optind - 1];
  char name[64];
  ps_nearest nearest;
  if (value == ':') {
    return ps_cli_usage(syntax->command, "option '%s' needs a value", word);
  }
  if (optopt > 0 && optopt < HELP_VALUE) {
    return ps_cli_usage(syntax->command, "unknown option '-%c'", optopt);
  }
  const char *plain = word + strspn(word, "-");
  (void)snprintf(name, sizeof(name), "%.*s", (int)(strcspn(plain, "=") < 63 ? strcspn(plain, "=") : 63), plain);
  ps_nearest_init(&nearest, name);
  ps_nearest_offer(&nearest, "help");
  for (size_t i = 0; i < syntax->option_count; i++) {
    ps_nearest_offer(&nearest, syntax->options[i].name);
  }
  if (nearest.best && strcmp(nearest.best, name) == 0) {
    return ps_cli_usage(syntax->command, "option '--%s' takes no value", name);
  }
  return ps_cli_usage(syntax->command, "unknown option '--%s'%s%s%s", name, nearest.best ? "; did you mean '--" : "",
                      nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
}

/* The long options, and in `letters` the short ones, after what getopt_long wants first. */
static void fill_table(const ps_cli_syntax *syntax, struct option *table, char *letters) {
  *letters++ = ':';
  *letters++ = 'h';
  for (size_t i = 0; i < syntax->option_count; i++) {
    *letters = ps_cli_letter(&syntax->options[i]);
    if (*letters) {
      letters++;
      *letters = ':'; /* overwritten by the next one, or the end, if it takes no value */
      letters += syntax->options[i].argument ? 1 : 0;
    }
    table[i] = (struct option){.name = syntax->options[i].name,
                               .has_arg = syntax->options[i].argument ? required_argument : no_argument,
                               .val = HELP_VALUE + 1 + (int)i};
  }
  table[syntax->option_count] = (struct option){.name = "help", .has_arg = no_argument, .val = HELP_VALUE};
  table[syntax->option_count + 1] = (struct option){.name = NULL};
  *letters = '\0';
}

/* The option that getopt_long has found. */
static const ps_cli_option *option_of(const ps_cli_syntax *syntax, int value) {
  size_t at = 0;
  while (value < HELP_VALUE && ps_cli_letter(&syntax->options[at]) != value) {
    at++;
  }
  return &syntax->options[value < HELP_VALUE ? at : (size_t)(value - HELP_VALUE - 1)];
}

int ps_cli_parse(const ps_cli_syntax *syntax, int argc, char **argv, char ***arguments, int *exit_code) {
  struct option table[PS_CLI_MOST_OPTIONS];
  char letters[2 * PS_CLI_MOST_OPTIONS + 3];
  int value;
  *exit_code = PS_EXIT_FAILED;
  if (syntax->option_count + 2 > PS_CLI_MOST_OPTIONS) {
    return 0;
  }
  fill_table(syntax, table, letters);
  /* glibc: 0 starts anew, also after another command line was read in this process (tests, `help CMD`). */
  optind = 0;
  opterr = 0;
  while ((value = getopt_long(argc, argv, letters, table, NULL)) != -1) {
    if (value == 'h' || value == HELP_VALUE) {
      if (!current_reader) {
        print_help(syntax);
      } else if (current_reader->syntax) {
        current_reader->syntax(current_reader->context, syntax);
      }
      *exit_code = PS_EXIT_OK;
      return 0;
    }
    if (value == '?' || value == ':') {
      *exit_code = complain(syntax, argv, value);
      return 0;
    }
    const ps_cli_option *option = option_of(syntax, value);
    if (option->argument) {
      *option->value = optarg;
    } else {
      *option->flag = 1;
    }
  }
  int count = argc - optind;
  if (count > syntax->most) {
    *exit_code = ps_cli_usage(syntax->command, "'%s' is one argument too many", argv[optind + syntax->most]);
    return 0;
  }
  if (count < syntax->least) {
    *exit_code = ps_cli_usage(syntax->command, "%s is missing", syntax->arguments);
    return 0;
  }
  *arguments = argv + optind;
  return 1;
}
