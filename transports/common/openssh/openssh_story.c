/* SPDX-License-Identifier: MIT */
#include "common/openssh/openssh_story.h"

#include <stdlib.h>

#include "common/advice.h"
#include "common/ssh/login/key_file.h"

/* --- reading --------------------------------------------------------------------------------------- */

/* What stands behind `start`, or NULL. */
static const char *after(const char *line, const char *start) {
  size_t length = strlen(start);
  return strncmp(line, start, length) == 0 ? line + length : NULL;
}

static void copy(char *to, size_t size, const char *from, size_t length) {
  (void)snprintf(to, size, "%.*s", (int)(length < size ? length : size - 1), from);
  penstock_utf8_trim(to, size);
}

/* "ssh-ed25519 SHA256:…, serial 0 …" */
static void read_key(openssh_story *story, const char *text) {
  size_t type = strcspn(text, " ");
  copy(story->key_type, sizeof(story->key_type), text, type);
  text += type + strspn(text + type, " ");
  copy(story->key, sizeof(story->key), text, strcspn(text, " ,"));
}

/* "gpu01 [192.0.2.1] port 22." */
static void read_address(openssh_story *story, const char *text) {
  const char *open = strchr(text, '[');
  const char *close = open ? strchr(open, ']') : NULL;
  if (!close) {
    return;
  }
  size_t name = (size_t)(open - text) - (open > text);
  size_t length = (size_t)(close - open - 1);
  story->is_name = name != length || strncmp(text, open + 1, length) != 0;
  size_t rest = strlen(close + 1);
  (void)snprintf(story->address, sizeof(story->address), "%.*s%.*s", (int)(length < 80 ? length : 80), open + 1,
                 (int)(rest > 0 && close[rest] == '.' ? rest - 1 : rest), close + 1);
}

/* The note tells of the stage, and of nothing if that was told already. */
static int reach(openssh_story *story, openssh_stage stage, char *note) {
  int is_further = stage > story->stage;
  story->stage = is_further ? stage : story->stage;
  if (!is_further) {
    note[0] = '\0';
  }
  return is_further;
}

static void note_login(openssh_story *story, const char *text, char *note, size_t note_size) {
  const char *quote = strstr(text, "using \"");
  quote = quote ? quote + 7 : "";
  copy(story->method, sizeof(story->method), quote, strcspn(quote, "\""));
  int is_key = strcmp(story->method, "publickey") == 0 && story->accepted[0];
  (void)snprintf(note, note_size, "%s%s%s", story->method, is_key ? " " : "", is_key ? story->accepted : "");
}

static void note_host(const openssh_story *story, char *note, size_t note_size) {
  const char *name = strrchr(story->known_at, '/');
  (void)snprintf(note, note_size, "%s%s%s %s", name ? name + 1 : story->known_at, story->known_at[0] ? " " : "",
                 story->key_type, story->key);
}

static int is_security_key(const char *key) {
  return strstr(key, "-SK ") != NULL;
}

static int read_debug(openssh_story *story, const char *text, char *note, size_t note_size) {
  const char *rest;
  if ((rest = after(text, "Connecting to "))) {
    read_address(story, rest);
    (void)snprintf(note, note_size, "%s", story->address);
    return reach(story, OPENSSH_CALLING, note);
  }
  if (after(text, "Executing proxy")) {
    story->by_proxy = 1;
  } else if (after(text, "Connection established") || after(text, "Remote protocol version")) {
    rest = strstr(text, "remote software version ");
    copy(story->server, sizeof(story->server), rest ? rest + 24 : "", rest ? strlen(rest + 24) : 0);
    (void)snprintf(note, note_size, "%s", story->by_proxy ? "by another program" : story->address);
    return reach(story, OPENSSH_CONNECTED, note);
  } else if ((rest = strstr(text, "banner line 0: "))) {
    copy(story->greeting, sizeof(story->greeting), rest + 15, strlen(rest + 15));
  } else if ((rest = after(text, "Server host key: "))) {
    read_key(story, rest);
  } else if ((rest = after(text, "Server host certificate: "))) {
    story->has_certificate = 1;
    read_key(story, rest);
  } else if ((rest = after(text, "Found key in ")) || (rest = after(text, "Found CA key in "))) {
    copy(story->known_at, sizeof(story->known_at), rest, strlen(rest));
  } else if (strstr(text, "SSH2_MSG_NEWKEYS sent")) {
    note_host(story, note, note_size);
    return reach(story, OPENSSH_VERIFIED, note);
  } else if ((rest = after(text, "Server accepts key: "))) {
    copy(story->accepted, sizeof(story->accepted), rest, strlen(rest));
    if (is_security_key(rest)) {
      (void)snprintf(note, note_size, "touch the security key now: %s", rest);
    }
  } else if (after(text, "Authenticated to ")) {
    note_login(story, text, note, note_size);
    return reach(story, OPENSSH_LOGGED_IN, note);
  } else if (after(text, "Entering interactive session")) {
    return reach(story, OPENSSH_READY, note);
  }
  return 0;
}

static void keep_line(openssh_story *story, const char *line) {
  char *to = story->lines[story->line_count++ % OPENSSH_STORY_LINES];
  copy(to, sizeof(story->lines[0]), line, strlen(line));
  for (char *c = to; *c; c++) {
    if ((unsigned char)*c < ' ' || *c == 0x7F) {
      *c = '?';
    }
  }
}

static void read_complaint(openssh_story *story, const char *line) {
  const char *rest;
  if (strstr(line, "HOST IDENTIFICATION HAS CHANGED")) {
    story->has_changed = 1;
  } else if (strstr(line, "REVOKED HOST KEY DETECTED")) {
    story->is_revoked = 1;
  } else if (after(line, "Offending ") && (rest = strstr(line, " in "))) {
    copy(story->offending, sizeof(story->offending), rest + 4, strlen(rest + 4));
  } else if ((rest = after(line, "Load key \""))) {
    copy(story->bad_key, sizeof(story->bad_key), rest, strcspn(rest, "\""));
  }
}

int openssh_story_add(openssh_story *story, const char *line, char *note, size_t note_size) {
  note[0] = '\0';
  const char *debug = after(line, "debug1: ");
  if (debug) {
    return read_debug(story, debug, note, note_size);
  }
  if (after(line, "Authenticated to ")) { /* of level VERBOSE, in some versions */
    return read_debug(story, line, note, note_size);
  }
  if (after(line, "Transferred: ") || after(line, "Bytes per second: ")) { /* of -v, at the end */
    return 0;
  }
  if (line[0] == '\0' || line[0] == '@' || after(line, "debug") || after(line, "OpenSSH_")) {
    read_complaint(story, line);
    return 0;
  }
  read_complaint(story, line);
  keep_line(story, line);
  return 0;
}

/* --- the error ------------------------------------------------------------------------------------- */

/* A line of ssh's, and what it means. The first row that is found in any of the lines holds. */
typedef struct meaning {
  const char *words;
  uint32_t leg;
  uint32_t error_class;
  const char *next;
} meaning;

static const char next_network[] =
    "Check that the machine is on, that a VPN it needs is up, and that no firewall is between";
static const char next_hung_up[] =
    "Check `port`. A server that has too many logins under way (MaxStartups), or that blocks this address, hangs up in "
    "this way; its log says why";
static const char next_proxy[] =
    "Try the ProxyCommand by hand: it must connect its standard input and output to the SSH server, which then greets "
    "with SSH-2.0-...";
static const char next_settings[] =
    "Correct that line; `ssh -G HOST` checks your ssh_config, and the option ssh_config "
    "of the profile names another file, or none";

static const meaning meanings[] = {
    {"Bad configuration option", PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, next_settings},
    {"terminating, ", PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, next_settings},
    {"command-line", PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, next_settings},
    {"extra arguments at end of line", PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, next_settings},
    {"Bad owner or permissions", PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, advice_config_rights},
    {"Can't open user config file", PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
     "Correct `ssh_config` in the profile, or take it out"},
    {"Could not resolve hostname", PENSTOCK_LEG_DNS, PENSTOCK_CLASS_TRANSIENT,
     "Check the spelling of `host` and the network; `ssh -G HOST` shows what an alias stands for"},
    {"Too many authentication failures", PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
     "The server gave up before the right key came: name it with `key`, and set `identities_only = yes`"},
    {"Permission denied (", PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
     "Check `user` and `key`; the public key must stand in the host's authorized_keys, or the method that the server "
     "wants in `auth`"},
    {"Unable to negotiate", PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_CONFIG,
     "The two have no algorithm in common: `ssh_options` can allow what the server offers (KexAlgorithms, "
     "HostKeyAlgorithms, Ciphers, MACs)"},
    {"no matching ", PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_CONFIG,
     "The two have no algorithm in common: `ssh_options` can allow what the server offers (KexAlgorithms, "
     "HostKeyAlgorithms, Ciphers, MACs)"},
    {"KnownHostsCommand", PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "Correct KnownHostsCommand in your ssh_config"},
    {"ssh_askpass: exec", PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
     "ssh cannot run our helper for questions: set TMPDIR to a folder whose file system is not mounted noexec"},
    {"unix_listener", PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
     "ssh cannot make its control socket: set TMPDIR to a folder with a short path"},
    {"ControlPath", PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
     "ssh cannot make its control socket: set TMPDIR to a folder with a short path"},
    {"ControlSocket", PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
     "ssh cannot make its control socket: set TMPDIR to a folder with a short path"},
    {"open failed: administratively prohibited", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_CONFIG,
     "The hop does not let connections through: its sshd_config needs `AllowTcpForwarding yes` (or `local`), and "
     "PermitOpen, if it is set, must name the next host"},
    {"open failed: connect failed", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT,
     "The hop cannot connect to the next host: check that host's name and port as the hop sees them, and that sshd "
     "runs "
     "there"},
    {"Connection refused", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT,
     "The machine answers, but no SSH server listens there: check `port`, and that sshd runs"},
    {"connect to host", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, next_network},
    {"timed out", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, next_network},
    {"not responding", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, next_network},
    {"stdio forwarding failed", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT,
     "The hop cannot reach the next host, or does not allow it (AllowTcpForwarding, PermitOpen)"},
    {"open failed", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT,
     "The hop cannot reach the next host, or does not allow it (AllowTcpForwarding, PermitOpen)"},
    {"closed by", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, next_hung_up},
    {"reset by", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, next_hung_up},
    {"Broken pipe", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, next_network},
};

/* The line of `text` that holds `words`, into `line`; 0 if there is none. */
static int find_in_text(const char *text, const char *words, char *line, size_t size) {
  const char *found = text ? strstr(text, words) : NULL;
  if (!found) {
    return 0;
  }
  const char *start = found;
  while (start > text && start[-1] != '\n') {
    start--;
  }
  copy(line, size, start, strcspn(start, "\r\n"));
  return 1;
}

/* The same for ssh's own lines, the last one first. */
static int find_in_story(const openssh_story *story, const char *words, char *line, size_t size) {
  size_t kept = story->line_count < OPENSSH_STORY_LINES ? story->line_count : OPENSSH_STORY_LINES;
  for (size_t i = 0; i < kept; i++) {
    const char *each = story->lines[(story->line_count - 1 - i) % OPENSSH_STORY_LINES];
    if (strstr(each, words)) {
      copy(line, size, each, strlen(each));
      return 1;
    }
  }
  return 0;
}

/* "Permission denied (publickey)." of a hop must not be taken for the host's: what others say counts only where ssh
 * itself knows nothing better than that its connection has gone. */
static const meaning *find_meaning(const openssh_story *story, const char *others, char *line, size_t size) {
  size_t count = sizeof(meanings) / sizeof(meanings[0]);
  const meaning *own = NULL;
  for (size_t i = 0; i < count && !own; i++) {
    own = find_in_story(story, meanings[i].words, line, size) ? &meanings[i] : NULL;
  }
  if (own && !(own->leg == PENSTOCK_LEG_TCP && story->stage < OPENSSH_VERIFIED)) {
    return own;
  }
  for (size_t i = 0; i < count; i++) {
    if (find_in_text(others, meanings[i].words, line, size)) {
      return &meanings[i];
    }
  }
  return own;
}

/* Its last lines, the others' first. */
static void add_detail(const openssh_story *story, const char *others, penstock_error *error) {
  size_t size = sizeof(error->detail);
  size_t used = 0;
  const char *line = others ? others : "";
  while (*line && used < size / 2) {
    size_t length = strcspn(line, "\r\n");
    if (length > 0 && strncmp(line, "debug", 5) != 0 && strncmp(line, "OpenSSH_", 8) != 0 && line[0] != '@') {
      int room = (int)(length < size / 2 - used ? length : size / 2 - used);
      used += (size_t)snprintf(error->detail + used, size - used, "%s%.*s", used ? "\n" : "", room, line);
    }
    line += length;
    line += strspn(line, "\r\n");
  }
  size_t kept = story->line_count < OPENSSH_STORY_LINES ? story->line_count : OPENSSH_STORY_LINES;
  for (size_t i = kept; i > 0 && used < size; i--) {
    used += (size_t)snprintf(error->detail + used, size - used, "%s%s", used ? "\n" : "",
                             story->lines[(story->line_count - i) % OPENSSH_STORY_LINES]);
  }
  penstock_utf8_trim(error->detail, size);
}

static void host_key_error(const openssh_story *story, const openssh_story_context *context, penstock_error *error) {
  const char *host = context->host;
  char line[400];
  if (story->is_revoked) {
    (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                        "%s showed a revoked key: %s %s (@revoked in %s)", host, story->key_type, story->key,
                        story->offending[0] ? story->offending : "a known_hosts file");
    penstock_next(error, "The key was withdrawn, perhaps because it was stolen: ask the host's administrator for the "
                         "new one");
  } else if (context->fingerprint) {
    (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                        "%s showed the %s key %s, and not the pinned one, %s", host, story->key_type, story->key,
                        context->fingerprint);
    penstock_next(error, "Do not connect until you know why. If the pin is of another of the host's keys, set "
                         "host_key_fingerprint to the one shown");
  } else if (story->has_changed) {
    (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                        "the host key of %s has changed: another one is known (%s), shown was %s %s", host,
                        story->offending[0] ? story->offending : "in known_hosts", story->key_type, story->key);
    penstock_next(error,
                  "Someone may be in between: ask the administrator. Only if the change is right: %s, then penstock "
                  "trust %s",
                  find_in_story(story, "ssh-keygen -f", line, sizeof(line)) ? line + strspn(line, " ")
                                                                            : "remove the old key with ssh-keygen -R",
                  context->profile);
  } else {
    (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                        "the host key of %s is not known: %s %s", host, story->key_type, story->key);
    penstock_next(error, "Compare the fingerprint with what the host's administrator says, then: penstock trust %s",
                  context->profile);
  }
}

/* `line` is what the hop's ssh says of the key; "" = no more than that it refuses it. */
static void hop_key_error(const openssh_story_context *context, const char *line, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                      "the host key of a hop on the way is not trusted%s%s", line[0] ? ": " : "", line);
  penstock_next(
      error,
      "penstock trust %s shows the keys of the hosts on the way, one after the other; if one has changed, ask "
      "its administrator first",
      context->profile);
}

/* sshd says in place of its name that it is asked too much. Returns 0 if it is something else. */
static int explain_hang_up(const openssh_story *story, const openssh_story_context *context, penstock_error *error) {
  if (strstr(story->greeting, "Exceeded MaxStartups")) {
    (void)penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT,
                        "the SSH server of %s has too many logins under way, and turned this one away (MaxStartups)",
                        context->host);
    penstock_next(error, "It is tried again. If that goes on, raise `MaxStartups` in its sshd_config, or look for what "
                         "connects to it all the time");
  } else if (strstr(story->greeting, "Not allowed at this time")) {
    (void)penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT,
                        "the SSH server of %s turns this address away for a while, after failed logins "
                        "(PerSourcePenalties)",
                        context->host);
    penstock_next(error, "It is tried again. Mend the logins that fail; its administrator sees them in sshd's log");
  } else {
    return 0;
  }
  return 1;
}

/* What is known better than that the server has had enough. Returns 0 if nothing is. */
static int login_error(const openssh_story *story, const openssh_story_context *context, penstock_error *error) {
  key_file file;
  if (story->unanswered[0]) {
    (void)penstock_fail(error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
                        "the login to %s waits for an answer, and there is nobody to ask: %s", context->host,
                        story->unanswered);
    penstock_next(error, "Load the key into the agent (ssh-add), or set `passphrase` (env:, file: or command:)");
    return 1;
  }
  if (!story->bad_key[0]) {
    return 0;
  }
  key_file_look(&file, story->bad_key);
  (void)penstock_fail(error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH, "key file %s %s", story->bad_key,
                      file.problem[0] ? file.problem : "cannot be used by ssh");
  penstock_next(error, "%s", file.remedy[0] ? file.remedy : "Name another key with `key`");
  key_file_clear(&file);
  return 1;
}

static void other_error(const openssh_story *story, const openssh_story_context *context, penstock_error *error) {
  char line[400] = "";
  const meaning *found = find_meaning(story, context->others, line, sizeof(line));
  if (found && found->error_class == PENSTOCK_CLASS_AUTH && login_error(story, context, error)) {
    return;
  }
  if (found) {
    const char *words = strncmp(line, "ssh: ", 5) == 0 ? line + 5 : line;
    (void)penstock_fail(error, found->leg, found->error_class, "ssh cannot connect to %s: %s", context->host, words);
    penstock_next(error, "%s",
                  found->next == next_hung_up && story->by_proxy && !context->by_jump ? next_proxy : found->next);
  } else {
    const char *last =
        story->line_count ? story->lines[(story->line_count - 1) % OPENSSH_STORY_LINES] : "it does not say why";
    (void)penstock_fail(error, story->stage < OPENSSH_CONNECTED ? PENSTOCK_LEG_TCP : PENSTOCK_LEG_AUTH,
                        PENSTOCK_CLASS_TRANSIENT, "ssh to %s ended with status %d: %s", context->host,
                        context->exit_code, last);
    penstock_next(error, "Try `ssh -v %s` by hand", context->host);
  }
}

void openssh_story_error(const openssh_story *story, const openssh_story_context *context, penstock_error *error) {
  static const char refused[] = "Host key verification failed";
  char line[400];
  if (story->stage < OPENSSH_VERIFIED && find_in_story(story, refused, line, sizeof(line))) {
    host_key_error(story, context, error);
  } else if (story->stage < OPENSSH_CONNECTED && find_in_text(context->others, refused, line, sizeof(line))) {
    if (!find_in_text(context->others, "is known for", line, sizeof(line)) &&
        !find_in_text(context->others, "ey for ", line, sizeof(line))) {
      line[0] = '\0';
    }
    hop_key_error(context, line, error);
  } else if (story->stage < OPENSSH_VERIFIED && explain_hang_up(story, context, error)) {
    /* that was it */
  } else if (story->stage < OPENSSH_LOGGED_IN) {
    other_error(story, context, error);
  } else {
    const meaning *found = find_meaning(story, NULL, line, sizeof(line));
    (void)penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "the SSH connection to %s broke: %s",
                        context->host,
                        found                      ? line
                        : context->exit_code == -1 ? "ssh has ended"
                                                   : "ssh was ended");
  }
  add_detail(story, context->others, error);
}
