/* SPDX-License-Identifier: MIT */
/* How the values of ssh_config(5) are written, and how ssh -G prints them. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "common/ssh/config/ssh_config_syntax.h"

enum { FILES_MAX = 32, RENDERED_SIZE = 64 };

int ssh_syntax_bad(char *why, size_t why_size, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(why, why_size, format, arguments);
  va_end(arguments);
  penstock_utf8_trim(why, why_size);
  return PENSTOCK_E_INVALID;
}

static int add(ssh_words *values, const char *value) {
  return ssh_words_add(values, value, strlen(value));
}

/* The only argument; NULL, with the reason, if there are none, more, or it is empty. */
static const char *only(const ssh_words *arguments, char *why, size_t why_size) {
  if (arguments->count == 0 || arguments->items[0][0] == '\0') {
    (void)ssh_syntax_bad(why, why_size, "there is no value");
    return NULL;
  }
  if (arguments->count > 1) {
    (void)ssh_syntax_bad(why, why_size, "there is more than one value: %s", arguments->items[1]);
    return NULL;
  }
  return arguments->items[0];
}

int ssh_syntax_read_string(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                           char *why, size_t why_size) {
  (void)syntax;
  (void)text;
  const char *word = only(arguments, why, why_size);
  return word ? add(values, word) : PENSTOCK_E_INVALID;
}

int ssh_syntax_read_name(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                         char *why, size_t why_size) {
  int result = ssh_syntax_read_string(syntax, text, arguments, values, why, why_size);
  for (char *c = result ? NULL : values->items[values->count - 1]; c && *c; c++) {
    *c = (char)tolower((unsigned char)*c);
  }
  return result;
}

int ssh_syntax_read_rest(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                         char *why, size_t why_size) {
  (void)syntax;
  (void)arguments;
  text += strspn(text, " \t\r\n=");
  return text[0] ? add(values, text) : ssh_syntax_bad(why, why_size, "there is no command");
}

int ssh_syntax_read_choice(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                           char *why, size_t why_size) {
  char all[SSH_SYNTAX_WHY_SIZE] = "";
  size_t used = 0;
  (void)text;
  const char *word = only(arguments, why, why_size);
  if (!word) {
    return PENSTOCK_E_INVALID;
  }
  for (size_t i = 0; syntax->choices[i]; i += 2) {
    if (strcasecmp(syntax->choices[i], word) == 0) {
      return add(values, syntax->choices[i + 1]);
    }
    if (used < sizeof(all)) {
      used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "", syntax->choices[i]);
    }
  }
  return ssh_syntax_bad(why, why_size, "%.60s is none of: %s", word, all);
}

/* A list of words is printed on one line. `none` says that there are none, so nothing may stand beside it. */
static int check_none(const ssh_words *arguments, const char *none, char *why, size_t why_size) {
  for (size_t i = 0; i < arguments->count; i++) {
    if (arguments->items[i][0] == '\0') {
      return ssh_syntax_bad(why, why_size, "one of the values is empty");
    }
    if (arguments->count > 1 && strcasecmp(arguments->items[i], none) == 0) {
      return ssh_syntax_bad(why, why_size, "%s must stand alone", none);
    }
  }
  return arguments->count > 0 ? 0 : ssh_syntax_bad(why, why_size, "there is no value");
}

int ssh_syntax_read_list(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                         char *why, size_t why_size) {
  (void)syntax;
  (void)text;
  if (check_none(arguments, "none", why, why_size)) {
    return PENSTOCK_E_INVALID;
  }
  if (arguments->count > FILES_MAX) {
    return ssh_syntax_bad(why, why_size, "there are more than %d values", FILES_MAX);
  }
  int result = 0;
  for (size_t i = 0; i < arguments->count && result == 0; i++) {
    result = add(values, arguments->items[i]);
  }
  return result;
}

int ssh_syntax_read_first(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                          char *why, size_t why_size) {
  (void)syntax;
  (void)text;
  return check_none(arguments, "none", why, why_size) ? PENSTOCK_E_INVALID : add(values, arguments->items[0]);
}

int ssh_syntax_read_cnames(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                           char *why, size_t why_size) {
  for (size_t i = 0; i < arguments->count; i++) {
    const char *rule = arguments->items[i];
    const char *colon = strchr(rule, ':');
    if (strcasecmp(rule, "none") != 0 && strcmp(rule, "*") != 0 && (!colon || colon[1] == '\0')) {
      return ssh_syntax_bad(why, why_size, "%s is not a rule like *.a.example.com:*.b.example.com", rule);
    }
  }
  return ssh_syntax_read_list(syntax, text, arguments, values, why, why_size);
}

int ssh_syntax_read_send_env(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                             char *why, size_t why_size) {
  int result = 0;
  (void)syntax;
  (void)text;
  for (size_t i = 0; i < arguments->count && result == 0; i++) {
    const char *name = arguments->items[i];
    result = name[0] == '\0' || strchr(name, '=') ? ssh_syntax_bad(why, why_size, "'%s' is not a variable's name", name)
                                                  : add(values, name);
  }
  return result;
}

/* Of two values for one name the first one holds. */
static int is_set_already(const ssh_words *values, const char *pair) {
  size_t length = strcspn(pair, "=") + 1;
  for (size_t i = 0; i < values->count; i++) {
    if (strncmp(values->items[i], pair, length) == 0) {
      return 1;
    }
  }
  return 0;
}

int ssh_syntax_read_set_env(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                            char *why, size_t why_size) {
  int result = 0;
  (void)syntax;
  (void)text;
  for (size_t i = 0; i < arguments->count && result == 0; i++) {
    const char *pair = arguments->items[i];
    if (!strchr(pair, '=')) {
      result = ssh_syntax_bad(why, why_size, "'%s' is not NAME=value", pair);
    } else if (!is_set_already(values, pair)) {
      result = add(values, pair);
    }
  }
  return result;
}

/* A number in base `base` from 0 to `max`, and nothing behind it. Returns 0 or a negative code. */
static int read_number(const char *text, int base, unsigned long max, unsigned long *number) {
  char *end = NULL;
  errno = 0;
  *number = strtoul(text, &end, base);
  return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0 && *number <= max ? 0 : PENSTOCK_E_INVALID;
}

int ssh_syntax_read_number(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                           char *why, size_t why_size) {
  char rendered[RENDERED_SIZE];
  unsigned long number = 0;
  (void)syntax;
  (void)text;
  const char *word = only(arguments, why, why_size);
  if (!word) {
    return PENSTOCK_E_INVALID;
  }
  if (read_number(word, 10, INT_MAX, &number)) {
    return ssh_syntax_bad(why, why_size, "%s is not a number from 0 to %d", word, INT_MAX);
  }
  (void)snprintf(rendered, sizeof(rendered), "%lu", number);
  return add(values, rendered);
}

/* Seconds of "90", "1h30m", "2w". Returns -1 if it is none of these, or too long. */
static long read_seconds(const char *text) {
  static const char units[] = "sSmMhHdDwW";
  static const long seconds[] = {1, 60, 3600, 86400, 604800};
  long total = 0;
  do {
    char *end = NULL;
    errno = 0;
    if (!isdigit((unsigned char)text[0])) {
      return -1;
    }
    long count = strtol(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : units;
    if (errno || !unit) {
      return -1;
    }
    long factor = seconds[(unit - units) / 2];
    if (count > INT_MAX / factor || total > INT_MAX - count * factor) {
      return -1;
    }
    total += count * factor;
    text = *end ? end + 1 : end;
  } while (*text);
  return total;
}

int ssh_syntax_read_time(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                         char *why, size_t why_size) {
  char rendered[RENDERED_SIZE];
  (void)syntax;
  (void)text;
  const char *word = only(arguments, why, why_size);
  if (!word) {
    return PENSTOCK_E_INVALID;
  }
  if (strcmp(word, "none") == 0) {
    return 0; /* as if it had not been written */
  }
  long seconds = read_seconds(word);
  if (seconds < 0) {
    return ssh_syntax_bad(why, why_size, "%s is not a time like 90 or 1m30s", word);
  }
  (void)snprintf(rendered, sizeof(rendered), "%ld", seconds);
  return add(values, rendered);
}

unsigned ssh_syntax_port(const char *text) {
  unsigned long number = 0;
  struct addrinfo *found = NULL;
  const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  if (read_number(text, 10, 65535, &number) == 0) {
    return (unsigned)number;
  }
  if (isdigit((unsigned char)text[0]) || getaddrinfo(NULL, text, &hints, &found)) {
    return 0;
  }
  struct sockaddr_in address;
  memcpy(&address, found->ai_addr, sizeof(address));
  freeaddrinfo(found);
  return ntohs(address.sin_port);
}

int ssh_syntax_read_port(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                         char *why, size_t why_size) {
  char rendered[RENDERED_SIZE];
  (void)syntax;
  (void)text;
  const char *word = only(arguments, why, why_size);
  unsigned port = word ? ssh_syntax_port(word) : 0;
  if (!word || port == 0) {
    return word ? ssh_syntax_bad(why, why_size, "%s is not a port from 1 to 65535", word) : PENSTOCK_E_INVALID;
  }
  (void)snprintf(rendered, sizeof(rendered), "%u", port);
  return add(values, rendered);
}

/* "1G": a number with K, M, G, T, P or E for powers of 1024, and maybe a fraction. Returns -1 if it is none. */
static long long read_scaled(const char *text) {
  static const char units[] = "bBkKmMgGtTpPeE";
  char *end = NULL;
  errno = 0;
  if (!isdigit((unsigned char)text[0])) {
    return -1;
  }
  double number = strtod(text, &end);
  const char *unit = *end ? strchr(units, *end) : units;
  if (errno || !unit || (*end && end[1]) || strpbrk(text, "xXnN")) {
    return -1;
  }
  for (ptrdiff_t power = (unit - units) / 2; power > 0; power--) {
    number *= 1024;
  }
  return number < (double)LLONG_MAX ? (long long)number : -1;
}

int ssh_syntax_read_rekey(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                          char *why, size_t why_size) {
  char rendered[RENDERED_SIZE];
  (void)syntax;
  (void)text;
  if (arguments->count == 0 || arguments->count > 2) {
    return ssh_syntax_bad(why, why_size, "an amount of data is wanted, and maybe a time: 1G 1h");
  }
  const char *amount = arguments->items[0];
  const char *time = arguments->count == 2 ? arguments->items[1] : "none";
  long long bytes = strcmp(amount, "default") == 0 ? 0 : read_scaled(amount);
  long seconds = strcmp(time, "none") == 0 ? 0 : read_seconds(time);
  if (bytes < 0 || (bytes > 0 && bytes < 16)) {
    return ssh_syntax_bad(why, why_size, "%s is not an amount of data like 500M (at least 16 bytes)", amount);
  }
  if (seconds < 0) {
    return ssh_syntax_bad(why, why_size, "%s is not a time like 90 or 1m30s", time);
  }
  (void)snprintf(rendered, sizeof(rendered), "%lld %ld", bytes, seconds);
  return add(values, rendered);
}

int ssh_syntax_read_persist(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                            char *why, size_t why_size) {
  char rendered[RENDERED_SIZE];
  (void)syntax;
  (void)text;
  const char *word = only(arguments, why, why_size);
  if (!word) {
    return PENSTOCK_E_INVALID;
  }
  if (strcmp(word, "no") == 0 || strcmp(word, "false") == 0) {
    return add(values, "no");
  }
  long seconds = strcmp(word, "yes") == 0 || strcmp(word, "true") == 0 ? 0 : read_seconds(word);
  if (seconds < 0) {
    return ssh_syntax_bad(why, why_size, "%s is neither yes nor no nor a time", word);
  }
  (void)snprintf(rendered, sizeof(rendered), "%ld", seconds);
  return add(values, seconds == 0 ? "yes" : rendered);
}

int ssh_syntax_read_add_keys(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                             char *why, size_t why_size) {
  static const char *const words[] = {"yes",   "true", "true", "true",    "no",      "false", "false",
                                      "false", "ask",  "ask",  "confirm", "confirm", NULL};
  char rendered[RENDERED_SIZE];
  (void)syntax;
  (void)text;
  const char *how = NULL;
  for (size_t i = 0; words[i] && arguments->count > 0; i += 2) {
    if (strcasecmp(arguments->items[0], words[i]) == 0) {
      how = words[i + 1];
    }
  }
  if (how && arguments->count == 1) {
    return add(values, how);
  }
  int is_confirm = how && strcmp(how, "confirm") == 0 && arguments->count == 2;
  long seconds = is_confirm || (!how && arguments->count == 1) ? read_seconds(arguments->items[is_confirm]) : -1;
  if (seconds < 0) {
    return ssh_syntax_bad(why, why_size, "yes, no, ask, confirm or a time is wanted, or confirm and a time");
  }
  (void)snprintf(rendered, sizeof(rendered), "%s%ld", is_confirm ? "confirm " : "", seconds);
  return add(values, seconds > 0 ? rendered : is_confirm ? "confirm" : "true");
}

int ssh_syntax_read_forward_agent(const ssh_syntax *syntax, const char *text, const ssh_words *arguments,
                                  ssh_words *values, char *why, size_t why_size) {
  static const char *const words[] = {"yes", "yes", "true", "yes", "no", "no", "false", "no", NULL};
  (void)syntax;
  (void)text;
  const char *word = only(arguments, why, why_size);
  for (size_t i = 0; word && words[i]; i += 2) {
    if (strcasecmp(words[i], word) == 0) {
      return add(values, words[i + 1]);
    }
  }
  return word ? add(values, word) : PENSTOCK_E_INVALID; /* the path of an agent's socket */
}

int ssh_syntax_read_escape(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                           char *why, size_t why_size) {
  char rendered[RENDERED_SIZE];
  (void)syntax;
  (void)text;
  const char *word = only(arguments, why, why_size);
  if (!word) {
    return PENSTOCK_E_INVALID;
  }
  int is_control = word[0] == '^' && word[1] >= 64 && word[1] < 127 && word[2] == '\0';
  if (strcmp(word, "none") != 0 && word[1] != '\0' && !is_control) {
    return ssh_syntax_bad(why, why_size, "%s is not a character, ^ and a letter, or none", word);
  }
  (void)snprintf(rendered, sizeof(rendered), "%s%s", is_control ? "\\" : "", word);
  return add(values, rendered);
}

/* IPQoS: a class by its name, or a number, which is printed as its class if it is one. Returns NULL if it is neither.
 */
static const char *read_class(const char *word, char rendered[RENDERED_SIZE]) {
  static const struct {
    const char *name;
    unsigned value;
  } classes[] = {{"none", UINT_MAX},   {"af11", 0x28}, {"af12", 0x30}, {"af13", 0x38},     {"af21", 0x48},
                 {"af22", 0x50},       {"af23", 0x58}, {"af31", 0x68}, {"af32", 0x70},     {"af33", 0x78},
                 {"af41", 0x88},       {"af42", 0x90}, {"af43", 0x98}, {"cs0", 0x00},      {"cs1", 0x20},
                 {"cs2", 0x40},        {"cs3", 0x60},  {"cs4", 0x80},  {"cs5", 0xa0},      {"cs6", 0xc0},
                 {"cs7", 0xe0},        {"ef", 0xb8},   {"le", 0x04},   {"lowdelay", 0x10}, {"throughput", 0x08},
                 {"reliability", 0x04}};
  unsigned long number = 0;
  int is_number = read_number(word, 0, 255, &number) == 0;
  for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
    if (is_number ? classes[i].value == number : strcasecmp(classes[i].name, word) == 0) {
      return classes[i].name;
    }
  }
  (void)snprintf(rendered, RENDERED_SIZE, "0x%02lx", number);
  return is_number ? rendered : NULL;
}

int ssh_syntax_read_qos(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                        char *why, size_t why_size) {
  char first[RENDERED_SIZE];
  char second[RENDERED_SIZE];
  char both[2 * RENDERED_SIZE];
  (void)syntax;
  (void)text;
  const char *interactive = arguments->count > 0 ? read_class(arguments->items[0], first) : NULL;
  const char *bulk = arguments->count > 1 ? read_class(arguments->items[1], second) : interactive;
  if (!interactive || !bulk || arguments->count > 2) {
    return ssh_syntax_bad(why, why_size, "one or two classes of service are wanted: af21 cs1");
  }
  (void)snprintf(both, sizeof(both), "%s %s", interactive, bulk);
  return add(values, both);
}

int ssh_syntax_read_mask(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                         char *why, size_t why_size) {
  char rendered[RENDERED_SIZE];
  unsigned long mask = 0;
  (void)syntax;
  (void)text;
  const char *word = only(arguments, why, why_size);
  if (!word || read_number(word, 8, 0777, &mask)) {
    return word ? ssh_syntax_bad(why, why_size, "%s is not a mode like 0177", word) : PENSTOCK_E_INVALID;
  }
  (void)snprintf(rendered, sizeof(rendered), "0%lo", mask);
  return add(values, rendered);
}

/* A device's number, or `any`; it ends at `end`. */
static int is_device(const char *text, const char *end) {
  size_t length = (size_t)(end - text);
  size_t digits = strspn(text, "0123456789");
  return (length == 3 && strncasecmp(text, "any", 3) == 0) || (length > 0 && length < 10 && digits >= length);
}

int ssh_syntax_read_tunnel(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                           char *why, size_t why_size) {
  char rendered[RENDERED_SIZE];
  (void)syntax;
  (void)text;
  const char *word = only(arguments, why, why_size);
  if (!word) {
    return PENSTOCK_E_INVALID;
  }
  const char *end = word + strlen(word);
  const char *colon = strchr(word, ':');
  if (!is_device(word, colon ? colon : end) || (colon && !is_device(colon + 1, end))) {
    return ssh_syntax_bad(why, why_size, "%s is not a pair of devices like 0:any", word);
  }
  (void)snprintf(rendered, sizeof(rendered), "%s%s", word, colon ? "" : ":any");
  return add(values, rendered);
}
