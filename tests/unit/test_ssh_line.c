/* SPDX-License-Identifier: MIT */
/* Pasted ssh lines: what a shell makes of them, and then ssh. What ssh itself makes of them: test_ssh_command.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/ssh/line/ssh_line.h"

/* --- a machine ----------------------------------------------------------------------------------------- */

static const char *variable(void *context, const char *name) {
  static const char *const known[][2] = {
      {"HOME", "/home/ann"}, {"PORT", "2222"},       {"EMPTY", ""},
      {"TWO", "-p 2222"},    {"QUOTED", "a 'b\" c"}, {"EVIL", "\033[31m"},
  };
  (void)context;
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    if (strcmp(known[i][0], name) == 0) {
      return known[i][1];
    }
  }
  return NULL;
}

static int exists(void *context, const char *path) {
  (void)context;
  return strstr(path, "missing") == NULL;
}

static const shell_words_world world = {.variable = variable, .exists = exists};

/* --- lines that mean something --------------------------------------------------------------------------- */

/* Adds to a text of 2048 bytes. */
static void add(char *text, const char *separator, const char *more) {
  size_t used = strlen(text);
  assert_true(used + strlen(separator) + strlen(more) + 1 < 2048);
  (void)snprintf(text + used, 2048 - used, "%s%s", separator, more);
}

/* The request in one line: host, -F and its file, each option; " | " between them. */
static void describe(const char *given, char *meaning, char *notes) {
  ssh_line line;
  ssh_request request = {0};
  penstock_error error = {.struct_size = sizeof(error)};
  meaning[0] = notes[0] = '\0';
  if (ssh_line_parse(&line, given, &world, &error) || ssh_line_request(&request, &line, &error)) {
    fail_msg("%s\n%s", given, error.what);
  }
  add(meaning, "", request.host ? request.host : "");
  if (request.config_file) {
    add(meaning, " | -F ", request.config_file);
  }
  for (size_t i = 0; i < request.option_count; i++) {
    add(meaning, " | ", request.options[i]);
  }
  if (line.endpoint) {
    add(meaning, " | ", line.listen);
    add(meaning, " to ", line.endpoint);
  }
  for (size_t i = 0; i < line.note_count; i++) {
    assert_true(line.notes[i].text[0] != '\0');
    add(notes, i ? "\n" : "", line.notes[i].text);
  }
  ssh_request_clear(&request);
  ssh_line_clear(&line);
}

typedef struct good {
  const char *line;
  const char *meaning;
  const char *notes; /* parts of the notes, in their order, separated by `~`; NULL = there is none */
} good;

static void check_notes(const char *line, const char *notes, const char *wanted) {
  char copy[512];
  char *rest = NULL;
  const char *from = notes;
  if (!wanted) {
    if (notes[0]) {
      fail_msg("%s\nnotes: %s", line, notes);
    }
    return;
  }
  (void)snprintf(copy, sizeof(copy), "%s", wanted);
  for (char *part = strtok_r(copy, "~", &rest); part; part = strtok_r(NULL, "~", &rest)) {
    const char *found = strstr(from, part);
    if (!found) {
      fail_msg("%s\nno `%s` in the notes: %s", line, part, notes);
      return;
    }
    from = found + strlen(part);
  }
}

static void check_all(const good *rows, size_t count) {
  char meaning[2048];
  char notes[2048];
  for (size_t i = 0; i < count; i++) {
    describe(rows[i].line, meaning, notes);
    if (strcmp(meaning, rows[i].meaning) != 0) {
      fail_msg("%s\nmeans:  %s\nwanted: %s", rows[i].line, meaning, rows[i].meaning);
    }
    check_notes(rows[i].line, notes, rows[i].notes);
  }
}

#define CHECK_ALL(rows) check_all(rows, sizeof(rows) / sizeof((rows)[0]))

static void a_shell_would_split_them_so(void **state) {
  static const good rows[] = {
      {"ssh h", "h", NULL},
      {"  ssh \t h  \n", "h", NULL},
      {"ssh h\r\n", "h", NULL},
      {"\n\nssh h\n\n", "h", NULL},
      {"$ ssh h", "h", NULL},
      {"  $ ssh h", "h", NULL},
      {"# ssh h", "h", NULL},
      {"% ssh h", "h", NULL},
      {"exec ssh h", "h", NULL},
      {"command ssh h", "h", NULL},
      {"/usr/bin/ssh h", "h", NULL},
      {"C:/Windows/System32/OpenSSH/ssh.exe h", "h", NULL},
      {"A=b C=d ssh h", "h", "A=~C="},
      {"env LC_ALL=C ssh h", "h", "LC_ALL=… before ssh has no effect"},
      {"ssh \\\n  -p 22 \\\r\n h", "h | Port=22", NULL},
      {"ss\\\nh h", "h", NULL},
      {"ssh 'h'", "h", NULL},
      {"s'sh' \"h\"", "h", NULL},
      {"ssh -i 'a key' h", "h | IdentityFile=\"a key\"", "-i a key counts from"},
      {"ssh -i \"/a key\" h", "h | IdentityFile=\"/a key\"", NULL},
      {"ssh -i /a\\ key h", "h | IdentityFile=\"/a key\"", NULL},
      {"ssh -i '/it'\\''s' h", "h | IdentityFile=\"/it's\"", NULL},
      {"ssh -i \"/a\\$b\" h", "h | IdentityFile=/a$b", NULL},
      {"ssh -i '/a\\b' h", "h | IdentityFile=\"/a\\\\b\"", NULL},
      {"ssh -i \"/a\\b\" h", "h | IdentityFile=\"/a\\\\b\"", NULL},
      {"ssh -i \"/a\\\\b\" h", "h | IdentityFile=\"/a\\\\b\"", NULL},
      {"ssh -i \"/a\\\nb\" h", "h | IdentityFile=/ab", NULL},
      {"ssh -i ~/.ssh/k h", "h | IdentityFile=/home/ann/.ssh/k", NULL},
      {"ssh -i '~/.ssh/k' h", "h | IdentityFile=/home/ann/.ssh/k", NULL},
      {"ssh -i ~root/k h", "h | IdentityFile=~root/k", NULL},
      {"ssh -F ~ h", "h | -F /home/ann", NULL},
      {"ssh -F x~ h", "h | -F x~", "-F x~ counts from"},
      {"ssh -i $HOME/k h", "h | IdentityFile=/home/ann/k", NULL},
      {"ssh -i ${HOME}/k h", "h | IdentityFile=/home/ann/k", NULL},
      {"ssh -i \"$HOME/a k\" h", "h | IdentityFile=\"/home/ann/a k\"", NULL},
      {"ssh -i '$HOME' h", "h | IdentityFile=$HOME", "-i $HOME counts from"},
      {"ssh -p $PORT h", "h | Port=2222", NULL},
      {"ssh -p$PORT h", "h | Port=2222", NULL},
      {"ssh $TWO h", "h | Port=2222", NULL},
      {"ssh $EMPTY h", "h", NULL},
      {"ssh -i /a$ h", "h | IdentityFile=/a$", NULL},
      {"ssh -l \"$PORT\"x h", "h | User=2222x", NULL},
      {"ssh -o \"ProxyCommand=x $QUOTED\" h", "h | ProxyCommand=x a 'b\" c", NULL},
      {"ssh h # the first one", "h", NULL},
      {"ssh h # | it's; $(all) ignored", "h", NULL},
      {"ssh h 'a;b' \"c|d\" e\\&f", "h", "the remote command `a;b c|d e&f`"},
      {"ssh h \xC3\xA4", "h", "the remote command `\xC3\xA4`"},
  };
  (void)state;
  CHECK_ALL(rows);
}

static void ssh_would_read_them_so(void **state) {
  static const good rows[] = {
      {"ssh u@h", "h | User=u", NULL},
      {"ssh a@b@h", "h | User=a@b", NULL},
      {"ssh -l a b@h", "h | User=a", NULL},
      {"ssh b@h -l a", "h | User=b", NULL},
      {"ssh -o User=c -l a b@h", "h | User=c", NULL},
      {"ssh -l a -o User=c h", "h | User=a | User=c", NULL},
      {"ssh -p22 -p 33 h", "h | Port=22", NULL},
      {"ssh -o Port=44 -p 33 h", "h | Port=44", NULL},
      {"ssh h -p 33", "h | Port=33", NULL},
      {"ssh ssh://u@h:2222", "h | User=u | Port=2222", NULL},
      {"ssh ssh://h/", "h", NULL},
      {"ssh SSH://h", "h", NULL},
      {"ssh ssh://u%40x@[::1]:22", "::1 | User=u@x | Port=22", NULL},
      {"ssh 'ssh://u;x=y@h'", "h | User=u", NULL},
      {"ssh -p 1 ssh://h:2", "h | Port=1", NULL},
      {"ssh ::1", "::1", NULL},
      {"ssh fe80::1%eth0", "fe80::1%eth0", NULL},
      {"ssh [::1]", "::1", NULL},
      {"ssh -c a -c b h", "h | Ciphers=b", NULL},
      {"ssh -oCiphers=a -c b h", "h | Ciphers=b", NULL},
      {"ssh -c b -oCiphers=a h", "h | Ciphers=b | Ciphers=a", NULL},
      {"ssh -m x -b 1.2.3.4 -B eth0 h", "h | MACs=x | BindAddress=1.2.3.4 | BindInterface=eth0", NULL},
      {"ssh -4 -6 h", "h | AddressFamily=inet6", NULL},
      {"ssh -C h", "h | Compression=yes", NULL},
      {"ssh -oCompression=no -C h", "h | Compression=yes", NULL},
      {"ssh -i /a -i /b h", "h | IdentityFile=/a | IdentityFile=/b", NULL},
      {"ssh -i /missing h", "h", "-i /missing: there is no such file"},
      {"ssh -i /%h/missing h", "h | IdentityFile=/%h/missing", NULL},
      {"ssh -I /lib/p11.so h", "h | PKCS11Provider=/lib/p11.so", NULL},
      {"ssh -J a,u@b:22 h", "h | ProxyJump=a,u@b:22", NULL},
      {"ssh -Jnone h", "h | ProxyJump=none", NULL},
      {"ssh -J a -o ProxyCommand=x h", "h | ProxyJump=a | ProxyCommand=x", NULL},
      {"ssh -F a -F none h", "h | -F none", NULL},
      {"ssh -A -a h", "h | ForwardAgent=no", NULL},
      {"ssh -K h", "h | GSSAPIAuthentication=yes | GSSAPIDelegateCredentials=yes", NULL},
      {"ssh -K -k h", "h | GSSAPIAuthentication=yes | GSSAPIDelegateCredentials=no", NULL},
      {"ssh -M -S /s h", "h | ControlMaster=yes | ControlPath=/s", NULL},
      {"ssh -MM h", "h | ControlMaster=ask", NULL},
      {"ssh -v h", "h | LogLevel=DEBUG1", NULL},
      {"ssh -vvvvv h", "h | LogLevel=DEBUG3", NULL},
      {"ssh -q h", "h | LogLevel=QUIET", "-q has no effect"},
      {"ssh -v -q -v h", "h | LogLevel=FATAL", "-q"},
      {"ssh -o LogLevel=ERROR -v h", "h | LogLevel=DEBUG1", NULL},
      {"ssh -P lab h", "h | Tag=lab", NULL},
      {"ssh -oPort=1 h", "h | Port=1", NULL},
      {"ssh -o 'Port 1' h", "h | Port=1", NULL},
      {"ssh -o ' port =  1' h", "h | Port=1", NULL},
      {"ssh -o 'ProxyCommand ssh -W %h:%p \"a b\"' h", "h | ProxyCommand=ssh -W %h:%p \"a b\"", NULL},
      {"ssh -o 'IdentityFile=\"/a b\"' h", "h | IdentityFile=\"/a b\"", NULL},
      {"ssh -o NoSuchThing=1 h", "h | NoSuchThing=1", "-o NoSuchThing: no setting"},
      {"ssh -o StrictHostKeyCheking=no h", "h | StrictHostKeyCheking=no", "did you mean StrictHostKeyChecking?"},
      {"ssh -o prot=22 h", "h | prot=22", "did you mean Port?"},
      {"ssh -Cp2222 h", "h | Compression=yes | Port=2222", NULL},
      {"ssh -4CvNTp 2222 h", "h | AddressFamily=inet | Compression=yes | LogLevel=DEBUG1 | Port=2222",
       "-N has no effect~-T has no effect"},
      {"ssh -- h", "h", NULL},
      {"ssh -p 1 -- h -p 2", "h | Port=1", "the remote command `-p 2`"},
      {"ssh h -- -p 2", "h", "the remote command `-p 2`"},
      {"ssh h -p 1 ls -p 2", "h | Port=1", "the remote command `ls -p 2`"},
      {"ssh h ls", "h", "the remote command `ls` is not run"},
  };
  (void)state;
  CHECK_ALL(rows);
}

static void what_has_no_effect_is_named_once(void **state) {
  static const good rows[] = {
      {"ssh -t h", "h", "-t has no effect: penstock needs no terminal"},
      {"ssh -TXYxNnfgsyGV2 h", "h",
       "-T has~-X has~-Y has~-x has~-N has~-n has~-f has~-g has~-s has~-y has~-G has~-V has~-2 has"},
      {"ssh -E /log -e none -W a:1 -w any -O check -Q cipher h", "h",
       "-E /log has~-e none has~-W a:1 has~-w any has~-O check has~-Q cipher has"},
  };
  char meaning[2048];
  char notes[2048];
  (void)state;
  CHECK_ALL(rows);
  describe("ssh -tt -t h -t", meaning, notes);
  assert_string_equal(notes, "-t has no effect: penstock needs no terminal");
}

static void forwards_are_explained(void **state) {
  static const good rows[] = {
      {"ssh -L 9090:localhost:19090 h", "h | 127.0.0.1:9090 to localhost:19090",
       "listen = 127.0.0.1:9090, endpoint = localhost:19090"},
      {"ssh -L9090:gpu:1 h", "h | 127.0.0.1:9090 to gpu:1", "listen = 127.0.0.1:9090"},
      {"ssh -L localhost:1:h:2 h", "h | 127.0.0.1:1 to h:2", "-L localhost:1:h:2"},
      {"ssh -L 127.0.0.2:1:h:2 h", "h | 127.0.0.2:1 to h:2", "listen = 127.0.0.2:1"},
      {"ssh -L '[::1]:1:[fe80::2]:2' h", "h | [::1]:1 to [fe80::2]:2", "listen = [::1]:1"},
      {"ssh -L '*:1:h:2' h", "h | 127.0.0.1:1 to h:2", "listen = 127.0.0.1:1~other machines~expose = yes"},
      {"ssh -L :1:h:2 h", "h | 127.0.0.1:1 to h:2", "would let other machines connect"},
      {"ssh -L 0.0.0.0:1:h:2 h", "h | 127.0.0.1:1 to h:2", "would let other machines connect"},
      {"ssh -L 1:a:2 -L 3:b:4 h", "h | 127.0.0.1:1 to a:2", "-L 1:a:2~-L 3:b:4 has no effect"},
      {"ssh -L /sock:h:2 h", "h", "no UNIX sockets"},
      {"ssh -L 1:/sock h", "h", "no UNIX sockets"},
      {"ssh -D 1080 h", "h", "-D 1080 has no effect: penstock is no SOCKS proxy"},
      {"ssh -D '[::1]:1080' h", "h", "-D [::1]:1080"},
      {"ssh -R 1:h:2 h", "h", "-R 1:h:2 has no effect"},
      {"ssh -R 1080 h", "h", "-R 1080 has no effect"},
  };
  (void)state;
  CHECK_ALL(rows);
}

/* --- lines that mean nothing ------------------------------------------------------------------------------ */

typedef struct bad {
  const char *line;
  unsigned at;      /* the character that is named */
  const char *what; /* a part of the error */
} bad;

static void wrong_lines_say_at_which_character(void **state) {
  static const bad rows[] = {
      {"", 1, "the line is empty"},
      {"  \n", 1, "the line is empty"},
      {"$ ", 1, "the line is empty"},
      {"A=b", 4, "ends before ssh"},
      {"ssh", 4, "the host is missing"},
      {"ssh -v", 7, "the host is missing"},
      {"ssh --", 7, "the host is missing"},
      {"ssh -V", 7, "the host is missing"},
      {"scp a b:", 1, "`scp` is not ssh"},
      {"sudo ssh h", 1, "`sudo` is not ssh"},
      {"autossh -M 0 h", 1, "`autossh` is not ssh"},
      {"sshpass -p x ssh h", 1, "`sshpass` is not ssh"},
      {"-p 22 h", 1, "`-p` is not ssh"},
      {"ssh -z h", 6, "ssh has no option -z"},
      {"ssh -Cz h", 7, "ssh has no option -z"},
      {"ssh -4CP22 h", 9, "-P is how scp says the port"},
      {"ssh -P 2222 h", 8, "-P is how scp says the port"},
      {"ssh --port 22 h", 5, "ssh has no long options"},
      {"ssh -\xC3\xA4 h", 6, "ssh has no such option"},
      {"ssh -p", 7, "-p needs an argument"},
      {"ssh h -Cp", 10, "-p needs an argument"},
      {"ssh -o", 7, "-o needs an argument"},
      {"ssh -p x h", 8, "`x` is no port"},
      {"ssh -p 0 h", 8, "`0` is no port"},
      {"ssh -p 65536 h", 8, "is no port"},
      {"ssh -p 99999999999999999999 h", 8, "is no port"},
      {"ssh -p '' h", 8, "is no port"},
      {"ssh -p-22 h", 7, "is no port"},
      {"ssh -1 h", 6, "version 1"},
      {"ssh -o Port h", 8, "`Port` is no setting"},
      {"ssh -o Port= h", 8, "is no setting"},
      {"ssh -o =1 h", 8, "is no setting"},
      {"ssh -o '' h", 8, "is no setting"},
      {"ssh -J a -J b h", 11, "a second -J"},
      {"ssh -o ProxyCommand=x -J b h", 24, "exclude each other"},
      {"ssh -J 'a b' h", 10, "a host's name holds no blank"},
      {"ssh -i 'a\"b' h", 10, "cannot hold a double quote"},
      {"ssh -b '' h", 8, "an empty argument"},
      {"ssh -F '' h", 8, "the file's name is empty"},
      {"ssh @h", 5, "no user before the @"},
      {"ssh u@", 7, "not the name or address"},
      {"ssh h:22", 6, "takes no port after the host"},
      {"ssh u@h:22", 8, "takes no port after the host"},
      {"ssh 'a b'", 6, "not the name or address"},
      {"ssh 'u;x@h'", 6, "is not a user name"},
      {"ssh -l 'u;x' h", 9, "is not a user name"},
      {"ssh -l '-u' h", 9, "is not a user name"},
      {"ssh -o 'User=u$(x)' h", 14, "is not a user name"},
      {"ssh ''", 5, "not the name or address"},
      {"ssh 'h;reboot'", 6, "not the name or address"},
      {"ssh -- -oProxyCommand=x", 8, "not the name or address"},
      {"ssh - h", 5, "not the name or address"},
      {"ssh ssh://", 11, "not the name or address"},
      {"ssh ssh://@h", 11, "no user before the @"},
      {"ssh ssh://h:x", 13, "no port number"},
      {"ssh ssh://h:0", 13, "no port number"},
      {"ssh ssh://h/path", 12, "nothing after the port"},
      {"ssh ssh://[::1:22", 11, "the bracket is not closed"},
      {"ssh ssh://u%00@h", 12, "a control character in the user's name"},
      {"ssh ssh://u%1bx@h", 12, "a control character in the user's name"},
      {"ssh h | less", 7, "`|` pipes"},
      {"ssh h; reboot", 6, "`;` begins another command"},
      {"ssh h &", 7, "`&` runs the command in the background"},
      {"ssh h && ls", 7, "`&`"},
      {"ssh h > log", 7, "`>` sends"},
      {"ssh h 2>&1", 8, "`>` sends"},
      {"ssh h < in", 7, "`<` takes"},
      {"(ssh h)", 1, "`(` begins a subshell"},
      {"ssh $(cat host)", 5, "$( would run a command"},
      {"ssh \"$(cat host)\"", 6, "$( would run a command"},
      {"ssh `cat host`", 5, "` would run a command"},
      {"ssh \"`cat host`\"", 6, "` would run a command"},
      {"ssh 'h", 5, "the quote that opens here is not closed"},
      {"ssh \"h", 5, "the quote that opens here is not closed"},
      {"ssh 'h\nx'", 5, "is not closed"},
      {"ssh h \\", 7, "ends with a backslash"},
      {"ssh h\nssh g", 7, "a second line begins here"},
      {"ssh $NOPE", 5, "the variable NOPE is not set"},
      {"ssh -p ${NOPE} h", 8, "the variable NOPE is not set"},
      {"ssh ${HOME", 5, "only $NAME and ${NAME} are known"},
      {"ssh ${HOME:-x}", 5, "only $NAME and ${NAME} are known"},
      {"ssh $1", 5, "only $NAME and ${NAME} are known"},
      {"ssh $$", 5, "only $NAME and ${NAME} are known"},
      {"ssh $'h'", 5, "only some shells know"},
      {"ssh \xE2\x80\x93p 22 h", 5, "a typographic dash"},
      {"ssh -i \xE2\x80\x9Ck\xE2\x80\x9D h", 8, "a typographic quote"},
      {"ssh\xC2\xA0h", 4, "a no-break space"},
      {"ssh \xC3\xA4\xC3\xA4\xC3\xA4 | x", 9, "`|` pipes"},
      {"ssh \033[31mh", 5, "a control character (0x1B)"},
      {"ssh '\033[31mh'", 6, "a control character (0x1B)"},
      {"ssh $EVIL", 5, "a control character (0x1B)"},
      {"ssh h\rx", 6, "a control character (0x0D)"},
      {"ssh -L x h", 8, "does not say what to forward"},
      {"ssh -L 1:2 h", 8, "does not say what to forward"},
      {"ssh -L x:h:2 h", 8, "`x` is no port"},
      {"ssh -L 1:h:x h", 12, "`x` is no port"},
      {"ssh -L 1::2 h", 10, "the host is empty"},
      {"ssh -L 1:2:3:4:5 h", 16, "too many parts"},
      {"ssh -L '[::1:1:h:2' h", 9, "the bracket is not closed"},
      {"ssh -L '[::1]x:1:h:2' h", 14, "a colon is missing"},
      {"ssh -D x h", 8, "`x` is no port"},
      {"ssh -D 1:2:3 h", 8, "does not say what to forward"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    ssh_line line;
    char start[32];
    penstock_error error = {.struct_size = sizeof(error)};
    if (ssh_line_parse(&line, rows[i].line, &world, &error) == 0) {
      fail_msg("no error in: %s", rows[i].line);
    }
    (void)snprintf(start, sizeof(start), "character %u: ", rows[i].at);
    if (strncmp(error.what, start, strlen(start)) != 0 || !strstr(error.what, rows[i].what)) {
      fail_msg("%s\nis: %s\nwanted: %s…%s", rows[i].line, error.what, start, rows[i].what);
    }
    assert_int_equal(error.leg, PENSTOCK_LEG_LOCAL);
    assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
    assert_null(line.host);
  }
}

static void the_place_is_shown(void **state) {
  ssh_line line;
  penstock_error error = {.struct_size = sizeof(error)};
  (void)state;
  assert_int_not_equal(ssh_line_parse(&line, "ssh -z h", &world, &error), 0);
  assert_string_equal(error.detail, "ssh -z h\n     ^");
  assert_string_equal(error.next, "`ssh` alone lists its options; a setting without one is -o KEYWORD=VALUE");
  assert_int_not_equal(ssh_line_parse(&line, "ssh -j x h", &world, &error), 0);
  assert_string_equal(error.next, "Write -J [USER@]HOST[:PORT] if that is meant");
  /* Not where the columns are not the characters. */
  assert_int_not_equal(ssh_line_parse(&line, "ssh -z \xC3\xA4", &world, &error), 0);
  assert_string_equal(error.detail, "");
}

static void a_line_has_its_limits(void **state) {
  ssh_line line;
  penstock_error error = {.struct_size = sizeof(error)};
  size_t size = (size_t)400 * 1024;
  char *text = malloc(size + 1);
  (void)state;
  assert_non_null(text);
  memset(text, 'x', size);
  memcpy(text, "ssh ", 4);
  text[size] = '\0';
  assert_int_not_equal(ssh_line_parse(&line, text, &world, &error), 0);
  assert_non_null(strstr(error.what, "more than 262144 bytes"));
  for (size_t i = 4; i < size; i++) {
    text[i] = i % 2 ? ' ' : 'x';
  }
  assert_int_not_equal(ssh_line_parse(&line, text, &world, &error), 0);
  assert_non_null(strstr(error.what, "word number 1001"));
  free(text);
}

/* As cmd and PowerShell have it: a backslash is a part of a path. */
static void paths_of_windows_keep_their_backslashes(void **state) {
  static const shell_words_world windows = {.variable = variable, .exists = exists, .has_backslashes = 1};
  static const char *const lines[][2] = {
      {"C:\\Windows\\System32\\OpenSSH\\ssh.exe -i C:\\Users\\ann\\key far", "C:/Users/ann/key"},
      {"ssh -i \"C:\\a b\\key\" far", "C:/a b/key"},
      {"ssh -i \\\\server\\share\\key far", "//server/share/key"},
      {"ssh -i ~\\.ssh\\key far", "/home/ann/.ssh/key"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
    ssh_line line;
    penstock_error error = {.struct_size = sizeof(error)};
    if (ssh_line_parse(&line, lines[i][0], &windows, &error)) {
      fail_msg("%s: %s", lines[i][0], error.what);
    }
    assert_string_equal(line.host, "far");
    assert_string_equal(ssh_line_find(&line, "IdentityFile")->value, lines[i][1]);
    ssh_line_clear(&line);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_shell_would_split_them_so),
      cmocka_unit_test(ssh_would_read_them_so),
      cmocka_unit_test(what_has_no_effect_is_named_once),
      cmocka_unit_test(forwards_are_explained),
      cmocka_unit_test(wrong_lines_say_at_which_character),
      cmocka_unit_test(the_place_is_shown),
      cmocka_unit_test(a_line_has_its_limits),
      cmocka_unit_test(paths_of_windows_keep_their_backslashes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
