/* SPDX-License-Identifier: MIT */
/* The whole of a line: what stands before ssh, its options, its host, the remote command. */
#include <stdlib.h>
#include <strings.h>

#include "common/ssh/config/ssh_path.h"
#include "common/ssh/line/ssh_line_internal.h"

#define FORM "ssh [OPTION]... [USER@]HOST"

/* --- what is found ------------------------------------------------------------------------------------- */

int ssh_line_no_memory(ssh_line_reader *self) {
  return penstock_fail(self->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

int ssh_line_fail(ssh_line_reader *self, uint32_t at, const char *next, const char *format, ...) {
  char what[384];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(what, sizeof(what), format, arguments);
  va_end(arguments);
  penstock_utf8_trim(what, sizeof(what));
  (void)shell_words_fail(self->error, self->text, at, "%s", what);
  if (next) {
    penstock_next(self->error, "%s", next);
  }
  return PENSTOCK_E_FAILED;
}

int ssh_line_tell(ssh_line_reader *self, int is_warning, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  penstock_utf8_trim(text, sizeof(text));
  ssh_line *line = self->line;
  ssh_line_note *grown = realloc(line->notes, (line->note_count + 1) * sizeof(*grown));
  if (!grown) {
    return ssh_line_no_memory(self);
  }
  line->notes = grown;
  grown[line->note_count] = (ssh_line_note){.is_warning = is_warning, .text = strdup(text)};
  if (!grown[line->note_count].text) {
    return ssh_line_no_memory(self);
  }
  line->note_count++;
  return 0;
}

static void clear_setting(ssh_line_setting *setting) {
  free(setting->keyword);
  free(setting->value);
}

int ssh_line_add(ssh_line_reader *self, const char *keyword, const char *value, int is_written) {
  ssh_line *line = self->line;
  ssh_line_setting *grown = realloc(line->settings, (line->setting_count + 1) * sizeof(*grown));
  if (!grown) {
    return ssh_line_no_memory(self);
  }
  line->settings = grown;
  ssh_line_setting *setting = &grown[line->setting_count];
  *setting = (ssh_line_setting){.keyword = strdup(keyword), .value = strdup(value), .is_written = is_written};
  if (!setting->keyword || !setting->value) {
    clear_setting(setting);
    return ssh_line_no_memory(self);
  }
  line->setting_count++;
  return 0;
}

int ssh_line_replace(ssh_line_reader *self, const char *keyword, const char *value) {
  ssh_line *line = self->line;
  size_t kept = 0;
  for (size_t i = 0; i < line->setting_count; i++) {
    if (strcasecmp(line->settings[i].keyword, keyword) == 0) {
      clear_setting(&line->settings[i]);
    } else {
      line->settings[kept++] = line->settings[i];
    }
  }
  line->setting_count = kept;
  return ssh_line_add(self, keyword, value, 0);
}

const ssh_line_setting *ssh_line_find(const ssh_line *line, const char *keyword) {
  for (size_t i = 0; i < line->setting_count; i++) {
    if (strcasecmp(line->settings[i].keyword, keyword) == 0) {
      return &line->settings[i];
    }
  }
  return NULL;
}

void ssh_line_clear(ssh_line *line) {
  for (size_t i = 0; i < line->setting_count; i++) {
    clear_setting(&line->settings[i]);
  }
  for (size_t i = 0; i < line->note_count; i++) {
    free(line->notes[i].text);
  }
  free(line->settings);
  free(line->notes);
  free(line->host);
  free(line->config_file);
  free(line->listen);
  free(line->endpoint);
  memset(line, 0, sizeof(*line));
}

int ssh_line_request(ssh_request *request, const ssh_line *line, penstock_error *error) {
  ssh_request made = {0};
  int result = ssh_request_set_host(&made, line->host, error);
  if (result == 0 && line->config_file) {
    made.config_file = strdup(line->config_file);
    result = made.config_file ? 0 : PENSTOCK_E_NOMEM;
  }
  for (size_t i = 0; i < line->setting_count && result == 0; i++) {
    const ssh_line_setting *setting = &line->settings[i];
    result = setting->is_written ? ssh_request_add_written(&made, setting->keyword, setting->value)
                                 : ssh_request_add(&made, setting->keyword, setting->value);
  }
  if (result == 0) {
    *request = made;
    return 0;
  }
  ssh_request_clear(&made);
  if (result != PENSTOCK_E_FAILED) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  return PENSTOCK_E_FAILED;
}

/* --- before the options -------------------------------------------------------------------------------- */

/* Length of the name if the word is NAME=value, as a shell sets a variable for one command; else 0. */
static size_t assigned_name(const char *text) {
  size_t size = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
  return size > 0 && text[size] == '=' && !(text[0] >= '0' && text[0] <= '9') ? size : 0;
}

static int tell_assignment(ssh_line_reader *self, const char *text, size_t size) {
  return ssh_line_tell(self, 1, "%.*s=… before ssh has no effect: set the variable where penstock is started",
                       (int)(size < 100 ? size : 100), text);
}

static const char *base_name(const char *path) {
  for (const char *at = path; *at; at++) {
    path = *at == '/' || *at == '\\' ? at + 1 : path;
  }
  return path;
}

static int refuse_program(ssh_line_reader *self, const shell_word *word) {
  static const char *const others[][2] = {
      {"autossh", "Write ssh in its place, without -M PORT and -f: penstock reconnects by itself"},
      {"sshpass", "penstock never sends a password: set up a key (its .pub file's line goes into .ssh/authorized_keys "
                  "there), and paste the line from ssh on"},
      {"sudo", "Paste the line from ssh on: penstock connects as the user that it runs as"},
      {"doas", "Paste the line from ssh on: penstock connects as the user that it runs as"},
      {"nohup", "Paste the line from ssh on: penstock stays by itself"},
      {"scp", "Give the ssh command that reaches the host; scp's -P PORT is ssh's -p PORT"},
      {"sftp", "Give the ssh command that reaches the host; sftp's -P PORT is ssh's -p PORT"},
  };
  const char *next = "Paste the whole line: " FORM;
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
    next = strcmp(base_name(word->text), others[i][0]) == 0 ? others[i][1] : next;
  }
  return ssh_line_fail(self, word->at[0], next, "`%.100s` is not ssh", word->text);
}

/* Reads up to and with the word `ssh`. */
static int read_program(ssh_line_reader *self) {
  for (; self->next < self->words.count; self->next++) {
    const shell_word *word = &self->words.items[self->next];
    size_t name = assigned_name(word->text);
    if (name > 0) {
      if (tell_assignment(self, word->text, name)) {
        return PENSTOCK_E_FAILED;
      }
      continue;
    }
    if (strcmp(word->text, "exec") == 0 || strcmp(word->text, "command") == 0 ||
        strcmp(base_name(word->text), "env") == 0) {
      continue;
    }
    if (strcmp(base_name(word->text), "ssh") == 0 || strcasecmp(base_name(word->text), "ssh.exe") == 0) {
      self->next++;
      return 0;
    }
    return refuse_program(self, word);
  }
  return ssh_line_fail(self, self->words.end, "Paste the whole line: " FORM,
                       self->words.count ? "the line ends before ssh" : "the line is empty");
}

/* --- the host ------------------------------------------------------------------------------------------ */

/* Sets the host to `size` bytes of the argument from `start` on. */
static int set_host(ssh_line_reader *self, ssh_line_argument argument, size_t start, size_t size) {
  ssh_request request = {0};
  penstock_error error;
  char *host = strndup(argument.text + start, size);
  if (!host) {
    return ssh_line_no_memory(self);
  }
  if (ssh_request_set_host(&request, host, &error)) {
    (void)ssh_line_fail(self, argument.at[start], error.next, "%s", error.what);
    free(host);
    return PENSTOCK_E_FAILED;
  }
  ssh_request_clear(&request);
  self->line->host = host;
  return 0;
}

/* As in ssh, a user or port that was said earlier stays. */
static int add_first(ssh_line_reader *self, const char *keyword, const char *value) {
  return ssh_line_find(self->line, keyword) ? 0 : ssh_line_add(self, keyword, value, 0);
}

static int add_user(ssh_line_reader *self, ssh_line_argument argument, size_t start, size_t size) {
  char *user = strndup(argument.text + start, size);
  int result = 0;
  if (!user) {
    return ssh_line_no_memory(self);
  }
  if (size == 0) {
    result = ssh_line_fail(self, argument.at[start], "Write USER@HOST", "there is no user before the @");
  } else if (!ssh_request_is_user(user)) {
    result = ssh_line_fail(self, argument.at[start],
                           "Write USER@HOST: a user name has no blanks, quotes or signs of the shell",
                           "`%.100s` is not a user name", user);
  } else {
    result = add_first(self, "User", user);
  }
  free(user);
  return result;
}

static int hex_digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/* The user of a URI, with %41 for A. */
static int add_uri_user(ssh_line_reader *self, ssh_line_argument argument, size_t start, size_t size) {
  char user[256];
  uint32_t at[256];
  size_t used = 0;
  const char *text = argument.text + start;
  size_t end = memchr(text, ';', size) ? (size_t)((const char *)memchr(text, ';', size) - text) : size;
  if (end >= sizeof(user)) {
    return ssh_line_fail(self, argument.at[start], NULL, "the user's name is longer than 255 bytes");
  }
  for (size_t i = 0; i < end; i++, used++) {
    int is_coded = text[i] == '%' && i + 2 < end && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    int byte = is_coded ? hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]) : (unsigned char)text[i];
    if (byte < ' ' || byte == 0x7F) {
      return ssh_line_fail(self, argument.at[start + i], NULL, "a control character in the user's name");
    }
    at[used] = argument.at[start + i];
    user[used] = (char)(unsigned char)byte;
    i += is_coded ? 2 : 0;
  }
  user[used] = '\0';
  at[used] = argument.at[start + end];
  return add_user(self, (ssh_line_argument){user, at}, 0, used);
}

/* ssh://[user@]host[:port][/] */
static int read_uri(ssh_line_reader *self, ssh_line_argument argument) {
  static const char form[] = "Write ssh://USER@HOST:PORT";
  const char *text = argument.text;
  size_t at = strlen("ssh://");
  const char *sign = strchr(text + at, '@');
  if (sign) {
    if (add_uri_user(self, argument, at, (size_t)(sign - text) - at)) {
      return PENSTOCK_E_FAILED;
    }
    at = (size_t)(sign - text) + 1;
  }
  size_t size = text[at] == '[' ? strcspn(text + at, "]") + 1 : strcspn(text + at, ":/");
  if (size > strlen(text + at)) {
    return ssh_line_fail(self, argument.at[at], form, "the bracket is not closed");
  }
  size_t port_at = at + size;
  if (text[port_at] == ':') {
    char port[8];
    unsigned number;
    size_t digits = strcspn(text + port_at + 1, "/");
    if (!ssh_line_is_port(text + port_at + 1, digits, &number)) {
      return ssh_line_fail(self, argument.at[port_at + 1], form, "this is no port number (1 to 65535)");
    }
    (void)snprintf(port, sizeof(port), "%u", number);
    if (add_first(self, "Port", port)) {
      return PENSTOCK_E_FAILED;
    }
    port_at += 1 + digits;
  }
  if (text[port_at] != '\0' && strcmp(text + port_at, "/") != 0) {
    return ssh_line_fail(self, argument.at[port_at], form, "a URI for ssh has nothing after the port");
  }
  return set_host(self, argument, at, size);
}

static int read_host(ssh_line_reader *self, const shell_word *word) {
  const ssh_line_argument argument = {word->text, word->at};
  if (strncasecmp(word->text, "ssh://", 6) == 0) {
    return read_uri(self, argument);
  }
  const char *sign = strrchr(word->text, '@');
  size_t user = sign ? (size_t)(sign - word->text) : 0;
  if (sign && add_user(self, argument, 0, user)) {
    return PENSTOCK_E_FAILED;
  }
  size_t start = sign ? user + 1 : 0;
  const char *colon = strchr(word->text + start, ':');
  if (colon && strchr(colon + 1, ':') == NULL && word->text[start] != '[') {
    char next[256];
    (void)snprintf(next, sizeof(next), "Write the port as an option: ssh -p %.20s %.*s", colon[1] ? colon + 1 : "PORT",
                   (int)(colon - word->text < 200 ? colon - word->text : 200), word->text);
    return ssh_line_fail(self, word->at[colon - word->text], next, "ssh takes no port after the host");
  }
  return set_host(self, argument, start, word->size - start);
}

/* --- the whole ----------------------------------------------------------------------------------------- */

static int tell_command(ssh_line_reader *self) {
  char command[200] = "";
  size_t used = 0;
  for (size_t i = self->next; i < self->words.count && used < sizeof(command); i++) {
    used +=
        (size_t)snprintf(command + used, sizeof(command) - used, "%s%s", used ? " " : "", self->words.items[i].text);
  }
  penstock_utf8_trim(command, sizeof(command));
  return ssh_line_tell(
      self, 1, "the remote command `%s` is not run: penstock starts the solver by root, program and args", command);
}

static int tell_config_file(ssh_line_reader *self) {
  const char *file = self->line->config_file;
  if (!file || ssh_path_is_whole(file) || strcasecmp(file, "none") == 0) {
    return 0;
  }
  return ssh_line_tell(self, 1, "-F %.300s counts from the folder in which penstock is started: write the whole path",
                       file);
}

static int read_line(ssh_line_reader *self) {
  int is_ended = 0;
  if (read_program(self) || ssh_line_read_options(self, &is_ended)) {
    return PENSTOCK_E_FAILED;
  }
  if (self->next == self->words.count) {
    return ssh_line_fail(self, self->words.end, "Name it: " FORM, "the host is missing");
  }
  if (read_host(self, &self->words.items[self->next++])) {
    return PENSTOCK_E_FAILED;
  }
  /* ssh takes options after the host too, until a word is none or "--" has ended them. */
  if (!is_ended && ssh_line_read_options(self, &is_ended)) {
    return PENSTOCK_E_FAILED;
  }
  if (tell_config_file(self)) {
    return PENSTOCK_E_FAILED;
  }
  return self->next < self->words.count ? tell_command(self) : 0;
}

int ssh_line_parse(ssh_line *line, const char *text, const shell_words_world *world, penstock_error *error) {
  ssh_line_reader self = {
      .line = line, .text = text, .world = world ? world : &shell_words_here, .log_level = -1, .error = error};
  memset(line, 0, sizeof(*line));
  int result = shell_words_split(&self.words, text, self.world, error);
  if (result == 0) {
    result = read_line(&self);
  }
  shell_words_clear(&self.words);
  if (result) {
    ssh_line_clear(line);
  }
  return result;
}
