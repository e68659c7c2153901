/* SPDX-License-Identifier: MIT */
/* The options of ssh(1), as OpenSSH's ssh.c reads them. */
#include <stdlib.h>
#include <strings.h>

#include "common/ssh/config/ssh_keywords.h"
#include "common/ssh/config/ssh_path.h"
#include "common/ssh/line/ssh_line_internal.h"

/* What an option does. */
typedef enum option_act {
  ACT_NOTE,    /* nothing here: `text` says why */
  ACT_REFUSE,  /* ssh refuses it too: `text` says why */
  ACT_FIRST,   /* sets `keyword` to its argument, unless that is set already */
  ACT_LAST,    /* sets `keyword` to its argument, whatever was set */
  ACT_SET,     /* sets `keyword` to `text`, whatever was set */
  ACT_SPECIAL, /* see take_special */
  ACT_FORWARD  /* see ssh_line_forward.c */
} option_act;

typedef struct option_rule {
  char letter;
  option_act act;
  const char *argument; /* what its argument is; NULL = it takes none */
  const char *keyword;
  const char *text;
} option_rule;

static const option_rule rules[] = {
    {'1', ACT_REFUSE, NULL, NULL, "version 1 of the SSH protocol is gone"},
    {'2', ACT_NOTE, NULL, NULL, "version 2 of the protocol is the only one there is"},
    {'4', ACT_SET, NULL, "AddressFamily", "inet"},
    {'6', ACT_SET, NULL, "AddressFamily", "inet6"},
    {'A', ACT_SET, NULL, "ForwardAgent", "yes"},
    {'a', ACT_SET, NULL, "ForwardAgent", "no"},
    {'B', ACT_LAST, "INTERFACE", "BindInterface", NULL},
    {'b', ACT_LAST, "ADDRESS", "BindAddress", NULL},
    {'C', ACT_SET, NULL, "Compression", "yes"},
    {'c', ACT_LAST, "CIPHERS", "Ciphers", NULL},
    {'D', ACT_FORWARD, "[ADDRESS:]PORT", NULL, NULL},
    {'E', ACT_NOTE, "FILE", NULL, "penstock's log goes where `log_file` or --log-file says"},
    {'e', ACT_NOTE, "CHARACTER", NULL, "there is no terminal, and so no escape character"},
    {'F', ACT_SPECIAL, "FILE", NULL, NULL},
    {'f', ACT_NOTE, NULL, NULL, "penstock goes into the background as the shell or a service manager puts it there"},
    {'G', ACT_NOTE, NULL, NULL, "it makes ssh print its settings; penstock connects"},
    {'g', ACT_NOTE, NULL, NULL, "who may connect to the local port is said by `listen`, `expose` and `peers`"},
    {'I', ACT_LAST, "LIBRARY", "PKCS11Provider", NULL},
    {'i', ACT_SPECIAL, "FILE", NULL, NULL},
    {'J', ACT_SPECIAL, "[USER@]HOST[:PORT]", NULL, NULL},
    {'K', ACT_SPECIAL, NULL, NULL, NULL},
    {'k', ACT_SET, NULL, "GSSAPIDelegateCredentials", "no"},
    {'L', ACT_FORWARD, "[ADDRESS:]PORT:HOST:PORT", NULL, NULL},
    {'l', ACT_FIRST, "USER", "User", NULL},
    {'M', ACT_SPECIAL, NULL, NULL, NULL},
    {'m', ACT_LAST, "MACS", "MACs", NULL},
    {'N', ACT_NOTE, NULL, NULL, "penstock runs no shell on the host anyway"},
    {'n', ACT_NOTE, NULL, NULL, "penstock sends none of its input to the host"},
    {'O', ACT_NOTE, "COMMAND", NULL, "it speaks to a running ssh, and penstock connects by itself"},
    {'o', ACT_SPECIAL, "KEYWORD=VALUE", NULL, NULL},
    {'P', ACT_SPECIAL, "TAG", NULL, NULL},
    {'p', ACT_SPECIAL, "PORT", NULL, NULL},
    {'Q', ACT_NOTE, "WHAT", NULL, "it makes ssh list algorithms; penstock connects"},
    {'q', ACT_SPECIAL, NULL, NULL, "how much penstock says is set by `log_level` or --log-level"},
    {'R', ACT_FORWARD, "[ADDRESS:]PORT[:HOST:PORT]", NULL, NULL},
    {'S', ACT_LAST, "PATH", "ControlPath", NULL},
    {'s', ACT_NOTE, NULL, NULL, "penstock uses no subsystem of the host"},
    {'T', ACT_NOTE, NULL, NULL, "penstock needs no terminal anyway"},
    {'t', ACT_NOTE, NULL, NULL, "penstock needs no terminal"},
    {'V', ACT_NOTE, NULL, NULL, "it makes ssh print its version; penstock connects"},
    {'v', ACT_SPECIAL, NULL, NULL, NULL},
    {'W', ACT_NOTE, "HOST:PORT", NULL, "penstock connects to `endpoint` by itself"},
    {'w', ACT_NOTE, "TUNNEL", NULL, "penstock makes no network device"},
    {'X', ACT_NOTE, NULL, NULL, "penstock has no windows to forward"},
    {'x', ACT_NOTE, NULL, NULL, "penstock has no windows to forward anyway"},
    {'Y', ACT_NOTE, NULL, NULL, "penstock has no windows to forward"},
    {'y', ACT_NOTE, NULL, NULL, "penstock's log goes where `log_file` or --log-file says"},
};

static const option_rule *find_rule(char letter) {
  for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
    if (rules[i].letter == letter) {
      return &rules[i];
    }
  }
  return NULL;
}

/* --- what is wrong ------------------------------------------------------------------------------------- */

/* `--port` and the like, which ssh does not have. */
static int refuse_long(ssh_line_reader *self, const shell_word *word) {
  static const struct {
    const char *start;
    const char *next;
  } meant[] = {
      {"--port", "Write -p PORT"},
      {"--user", "Write -l USER"},
      {"--login", "Write -l USER"},
      {"--identity", "Write -i FILE"},
      {"--key", "Write -i FILE"},
      {"--jump", "Write -J HOST"},
      {"--config", "Write -F FILE"},
      {"--option", "Write -o KEY=VAL"},
      {"--verbose", "Write -v"},
      {"--compress", "Write -C"},
      {"--cipher", "Write -c CIPHERS"},
      {"--proxy", "Write -J HOST"},
      {"--bind", "Write -b ADDRESS"},
      {"--mac", "Write -m MACS"},
      {"--forward", "Write -L PORT:HOST:PORT"},
      {"--local", "Write -L PORT:HOST:PORT"},
  };
  const char *next = "Write the option as ssh(1) has it: one letter, such as -p PORT";
  for (size_t i = 0; i < sizeof(meant) / sizeof(meant[0]); i++) {
    next = strncmp(word->text, meant[i].start, strlen(meant[i].start)) == 0 ? meant[i].next : next;
  }
  return ssh_line_fail(self, word->at[0], next, "`%.60s`: ssh has no long options", word->text);
}

static int refuse_unknown(ssh_line_reader *self, char letter, uint32_t at) {
  char next[96];
  char other = (char)((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ? letter ^ 0x20 : 0);
  const option_rule *near = other ? find_rule(other) : NULL;
  if (near) {
    (void)snprintf(next, sizeof(next), "Write -%c%s%s if that is meant", near->letter, near->argument ? " " : "",
                   near->argument ? near->argument : "");
  } else {
    (void)snprintf(next, sizeof(next), "`ssh` alone lists its options; a setting without one is -o KEYWORD=VALUE");
  }
  if ((unsigned char)letter > ' ' && (unsigned char)letter < 0x7F) {
    return ssh_line_fail(self, at, next, "ssh has no option -%c", letter);
  }
  return ssh_line_fail(self, at, next, "ssh has no such option");
}

static int refuse_missing(ssh_line_reader *self, const option_rule *rule) {
  char next[96];
  (void)snprintf(next, sizeof(next), "Write -%c %s", rule->letter, rule->argument);
  return ssh_line_fail(self, self->words.end, next, "-%c needs an argument, and the line ends here", rule->letter);
}

/* A value that no line of ssh_config can hold. */
static int check_value(ssh_line_reader *self, ssh_line_argument argument) {
  const char *bad = strchr(argument.text, '"');
  if (bad) {
    return ssh_line_fail(self, argument.at[bad - argument.text], NULL, "a setting of ssh cannot hold a double quote");
  }
  return argument.text[0] ? 0 : ssh_line_fail(self, argument.at[0], NULL, "an empty argument");
}

static int check_user(ssh_line_reader *self, ssh_line_argument argument, const char *user) {
  return ssh_request_is_user(user)
             ? 0
             : ssh_line_fail(self, argument.at[user - argument.text], NULL, "`%.100s` is not a user name", user);
}

/* --- single options ------------------------------------------------------------------------------------ */

int ssh_line_is_port(const char *text, size_t size, unsigned *port) {
  unsigned number = 0;
  if (size == 0 || size > 5) {
    return 0;
  }
  for (size_t i = 0; i < size; i++) {
    if (text[i] < '0' || text[i] > '9') {
      return 0;
    }
    number = number * 10 + (unsigned)(text[i] - '0');
  }
  *port = number;
  return number >= 1 && number <= 65535;
}

static int take_port(ssh_line_reader *self, ssh_line_argument argument) {
  char text[8];
  unsigned port;
  if (!ssh_line_is_port(argument.text, strlen(argument.text), &port)) {
    return ssh_line_fail(self, argument.at[0], "Write -p and a number", "`%.60s` is no port (1 to 65535)",
                         argument.text);
  }
  (void)snprintf(text, sizeof(text), "%u", port);
  return ssh_line_find(self->line, "Port") ? 0 : ssh_line_add(self, "Port", text, 0);
}

/* As ssh does, a key file that is not there is left out with a warning. */
static int take_identity(ssh_line_reader *self, ssh_line_argument argument) {
  const char *path = argument.text;
  if (check_value(self, argument)) {
    return PENSTOCK_E_FAILED;
  }
  int is_home = path[0] == '~' && (path[1] == '/' || (path[1] == '\\' && self->world->has_backslashes));
  const char *home = is_home ? self->world->variable(self->world->context, "HOME") : NULL;
  size_t size = strlen(path) + (home ? strlen(home) : 0) + 1;
  char *whole = malloc(size);
  if (!whole) {
    return ssh_line_no_memory(self);
  }
  (void)snprintf(whole, size, "%s%s", home ? home : "", home ? path + 1 : path);
  for (char *at = whole; *at && self->world->has_backslashes; at++) {
    if (*at == '\\') {
      *at = '/'; /* which reads the same in a profile and in ssh_config */
    }
  }
  /* Where tokens or another user's home are in it, only ssh knows the path. */
  int is_there = strchr(whole, '%') || whole[0] == '~' || self->world->exists(self->world->context, whole);
  int result = is_there ? ssh_line_add(self, "IdentityFile", whole, 0)
                        : ssh_line_tell(self, 1, "-i %.300s: there is no such file; it is left out, as ssh does", path);
  if (result == 0 && is_there && !ssh_path_is_whole(whole) && whole[0] != '~' && whole[0] != '%') {
    self->line->settings[self->line->setting_count - 1].is_relative = 1;
    result = ssh_line_tell(self, 1,
                           "-i %.300s counts from the folder in which penstock is started: write the whole path", path);
  }
  free(whole);
  return result;
}

static int take_jump(ssh_line_reader *self, ssh_line_argument argument, uint32_t at) {
  if (ssh_line_find(self->line, "ProxyJump")) {
    return ssh_line_fail(self, at, "Write the hosts in one -J, with commas: -J FIRST,SECOND", "a second -J");
  }
  if (ssh_line_find(self->line, "ProxyCommand")) {
    return ssh_line_fail(self, at, "Take one of them out", "-J and ProxyCommand exclude each other");
  }
  const char *bad = strpbrk(argument.text, " \t\"'");
  if (bad) {
    return ssh_line_fail(self, argument.at[bad - argument.text], "Write -J [USER@]HOST[:PORT],...",
                         "a host's name holds no blank or quote");
  }
  return check_value(self, argument) || ssh_line_add(self, "ProxyJump", argument.text, 0) ? PENSTOCK_E_FAILED : 0;
}

static const char *const levels[] = {"QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG1", "DEBUG2", "DEBUG3"};
enum { LEVEL_QUIET = 0, LEVEL_DEBUG1 = 5, LEVEL_DEBUG3 = 7 };

/* -v and -q, which take turns in ssh in just this way. */
static int take_level(ssh_line_reader *self, char letter) {
  if (letter == 'q') {
    self->log_level = LEVEL_QUIET;
  } else if (self->verbosity == 0) {
    self->verbosity = 1;
    self->log_level = LEVEL_DEBUG1;
  } else if (self->log_level < LEVEL_DEBUG3) {
    self->log_level++;
  }
  return ssh_line_replace(self, "LogLevel", levels[self->log_level]);
}

static int take_master(ssh_line_reader *self) {
  const ssh_line_setting *master = ssh_line_find(self->line, "ControlMaster");
  int is_yes = master && (strcasecmp(master->value, "yes") == 0 || strcasecmp(master->value, "true") == 0);
  return ssh_line_replace(self, "ControlMaster", is_yes ? "ask" : "yes");
}

/* -P is a tag for Match since OpenSSH 9.4. Most who write it mean scp's. */
static int take_tag(ssh_line_reader *self, ssh_line_argument argument) {
  unsigned port;
  if (ssh_line_is_port(argument.text, strlen(argument.text), &port)) {
    char next[32];
    (void)snprintf(next, sizeof(next), "Write -p %u", port);
    return ssh_line_fail(self, argument.at[0], next, "-P is how scp says the port; for ssh it is -p");
  }
  return check_value(self, argument) ||
                 (!ssh_line_find(self->line, "Tag") && ssh_line_add(self, "Tag", argument.text, 0))
             ? PENSTOCK_E_FAILED
             : 0;
}

/* How many letters are to be changed, added or taken out to make one word of the other. */
static size_t distance(const char *a, const char *b) {
  size_t row[64];
  size_t size = strlen(b) < 63 ? strlen(b) : 63;
  for (size_t k = 0; k <= size; k++) {
    row[k] = k;
  }
  for (size_t i = 0; a[i]; i++) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t k = 0; k < size; k++) {
      size_t change = diagonal + (strncasecmp(a + i, b + k, 1) != 0);
      size_t other = (row[k] < row[k + 1] ? row[k] : row[k + 1]) + 1;
      diagonal = row[k + 1];
      row[k + 1] = change < other ? change : other;
    }
  }
  return row[size];
}

/* A setting that nobody knows may be one for a newer ssh; most likely it is mistyped. */
static int tell_unknown(ssh_line_reader *self, const char *keyword) {
  size_t count = 0;
  size_t letters = strlen(keyword);
  size_t least = letters < 4 ? 2 : letters < 9 ? 3 : letters / 3 + 1; /* two letters may have changed places */
  const char *near = NULL;
  const ssh_keyword *known = ssh_keywords(&count);
  for (size_t i = 0; i < count; i++) {
    size_t edits = distance(keyword, known[i].name);
    near = edits < least ? known[i].name : near;
    least = edits < least ? edits : least;
  }
  return ssh_line_tell(self, 1, "-o %s: no setting of ssh_config(5) that penstock knows%s%s%s", keyword,
                       near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/* -o "Keyword=value" or "Keyword value". */
static int take_setting(ssh_line_reader *self, ssh_line_argument argument) {
  char keyword[64];
  const char *start = argument.text + strspn(argument.text, " \t");
  size_t size = strspn(start, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
  const char *value = start + size + strspn(start + size, " \t");
  value += *value == '=';
  value += strspn(value, " \t");
  if (size == 0 || size >= sizeof(keyword) || value == start + size || value[0] == '\0') {
    return ssh_line_fail(self, argument.at[start - argument.text],
                         "Write -o KEYWORD=VALUE, such as -o ConnectTimeout=10", "`%.100s` is no setting",
                         argument.text);
  }
  memcpy(keyword, start, size);
  keyword[size] = '\0';
  const ssh_keyword *known = ssh_keyword_find(keyword);
  if (strcasecmp(keyword, "User") == 0 && check_user(self, argument, value)) {
    return PENSTOCK_E_FAILED;
  }
  if (!known && tell_unknown(self, keyword)) {
    return PENSTOCK_E_FAILED;
  }
  if (strcasecmp(keyword, "LogLevel") == 0 && self->log_level < 0) {
    for (int i = 0; i <= LEVEL_DEBUG3; i++) {
      self->log_level = strcasecmp(value, levels[i]) == 0 ? i : self->log_level;
    }
    self->log_level = strcasecmp(value, "DEBUG") == 0 ? LEVEL_DEBUG1 : self->log_level;
  }
  return ssh_line_add(self, known ? known->name : keyword, value, 1);
}

static int take_config_file(ssh_line_reader *self, ssh_line_argument argument) {
  char *copy = argument.text[0] ? strdup(argument.text) : NULL;
  if (!copy) {
    return argument.text[0] ? ssh_line_no_memory(self)
                            : ssh_line_fail(self, argument.at[0], "Write -F FILE", "the file's name is empty");
  }
  free(self->line->config_file);
  self->line->config_file = copy;
  return 0;
}

/* Notes that an option has no effect, once. */
static int tell_ignored(ssh_line_reader *self, const option_rule *rule, const char *argument) {
  unsigned char *told = &self->told[(unsigned char)rule->letter & 0x7F];
  if (*told) {
    return 0;
  }
  *told = 1;
  return ssh_line_tell(self, 1, "-%c%s%.100s has no effect: %s", rule->letter, rule->argument ? " " : "", argument,
                       rule->text);
}

static int take_special(ssh_line_reader *self, const option_rule *rule, ssh_line_argument argument, uint32_t at) {
  switch (rule->letter) {
  case 'F':
    return take_config_file(self, argument);
  case 'i':
    return take_identity(self, argument);
  case 'J':
    return take_jump(self, argument, at);
  case 'K':
    return ssh_line_replace(self, "GSSAPIAuthentication", "yes") ||
                   ssh_line_replace(self, "GSSAPIDelegateCredentials", "yes")
               ? PENSTOCK_E_FAILED
               : 0;
  case 'M':
    return take_master(self);
  case 'o':
    return take_setting(self, argument);
  case 'P':
    return take_tag(self, argument);
  case 'p':
    return take_port(self, argument);
  case 'q':
    return take_level(self, 'q') || tell_ignored(self, rule, "") ? PENSTOCK_E_FAILED : 0;
  default:
    return take_level(self, 'v');
  }
}

static int take_option(ssh_line_reader *self, const option_rule *rule, ssh_line_argument argument, uint32_t at) {
  switch (rule->act) {
  case ACT_NOTE:
    return tell_ignored(self, rule, argument.text);
  case ACT_REFUSE:
    return ssh_line_fail(self, at, "Leave the option out", "-%c: %s", rule->letter, rule->text);
  case ACT_FIRST: /* the user */
    if (check_value(self, argument) || check_user(self, argument, argument.text)) {
      return PENSTOCK_E_FAILED;
    }
    return ssh_line_find(self->line, rule->keyword) ? 0 : ssh_line_add(self, rule->keyword, argument.text, 0);
  case ACT_LAST:
    return check_value(self, argument) ? PENSTOCK_E_FAILED : ssh_line_replace(self, rule->keyword, argument.text);
  case ACT_SET:
    return ssh_line_replace(self, rule->keyword, rule->text);
  case ACT_FORWARD:
    return ssh_line_read_forward(self, rule->letter, argument);
  default:
    return take_special(self, rule, argument, at);
  }
}

/* --- the options of a line ----------------------------------------------------------------------------- */

/* The letters of one word; self->next is already past it. */
static int read_word(ssh_line_reader *self, const shell_word *word) {
  for (size_t i = 1; i < word->size; i++) {
    const option_rule *rule = find_rule(word->text[i]);
    if (!rule) {
      return refuse_unknown(self, word->text[i], word->at[i]);
    }
    if (!rule->argument) {
      if (take_option(self, rule, (ssh_line_argument){"", word->at + i}, word->at[i])) {
        return PENSTOCK_E_FAILED;
      }
      continue;
    }
    ssh_line_argument argument = {word->text + i + 1, word->at + i + 1};
    if (i + 1 == word->size) {
      if (self->next == self->words.count) {
        return refuse_missing(self, rule);
      }
      const shell_word *following = &self->words.items[self->next++];
      argument = (ssh_line_argument){following->text, following->at};
    }
    return take_option(self, rule, argument, word->at[i]);
  }
  return 0;
}

int ssh_line_read_options(ssh_line_reader *self, int *is_ended) {
  while (self->next < self->words.count) {
    const shell_word *word = &self->words.items[self->next];
    if (word->text[0] != '-' || word->size == 1) {
      return 0;
    }
    self->next++;
    if (strcmp(word->text, "--") == 0) {
      *is_ended = 1;
      return 0;
    }
    if (word->text[1] == '-') {
      return refuse_long(self, word);
    }
    if (read_word(self, word)) {
      return PENSTOCK_E_FAILED;
    }
  }
  return 0;
}
