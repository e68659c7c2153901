/* SPDX-License-Identifier: MIT */
/*
 * A pasted line against the system's own shell and ssh: the settings that `ssh -G` prints for it are those that it
 * prints for the request that we make of the line, and for the profile that we say the line means.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "common/process_runtime.h"
#include "common/ssh/config/ssh_child.h"
#include "common/ssh/config/ssh_profile.h"
#include "common/ssh/line/ssh_line_explain.h"
#include "config/ini_text.h"
#include "config/sections.h"

static char folder[] = "/tmp/penstock-test-XXXXXX";

static const penstock_option options[] = {SSH_HOST_OPTION, SSH_OPTIONS, PROCESS_RUNTIME_OPTIONS};
static const penstock_transport transport = {.struct_size = sizeof(transport),
                                             .name = "ssh",
                                             .options = options,
                                             .option_count = sizeof(options) / sizeof(options[0])};

/* --- what ssh says ------------------------------------------------------------------------------------- */

/* Settings of what has no meaning for penstock: the line's notes name it. */
static int is_left_out(const char *line) {
  static const char *const left_out[] = {
      "requesttty ",       "sessiontype ",   "stdinnull ",      "forkafterauthentication ",
      "gatewayports ",     "escapechar ",    "tunnel ",         "tunneldevice ",
      "localforward ",     "remoteforward ", "dynamicforward ", "forwardx11 ",
      "forwardx11trusted "};
  for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
    if (strncmp(line, left_out[i], strlen(left_out[i])) == 0) {
      return 1;
    }
  }
  return 0;
}

static void add_row(ps_text *out, const char *row) {
  if (!is_left_out(row)) {
    ps_text_addf(out, "%s\n", row);
  }
}

/* `ssh -G` of the words after "ssh", through the shell. NULL if ssh refuses the line. */
static char *ask_shell(const char *line) {
  ps_text command = {0};
  ps_text out = {0};
  char row[8192];
  const char *rest = strstr(line, "ssh") + 3;
  ps_text_addf(&command, "ssh -G%s 2>/dev/null", rest);
  FILE *pipe = popen(command.data, "r"); /* NOLINT(cert-env33-c): the shell is what is compared with */
  assert_non_null(pipe);
  ps_text_adds(&out, "");
  while (fgets(row, sizeof(row), pipe)) {
    row[strcspn(row, "\n")] = '\0';
    add_row(&out, row);
  }
  int status = pclose(pipe);
  free(command.data);
  if (status != 0) {
    free(out.data);
    return NULL;
  }
  return out.data;
}

/* The same for a request: as ssh_config_system.c asks, but without asking for the defaults too. */
static char *ask_for(const ssh_request *request) {
  ssh_child_result result;
  penstock_error error = {.struct_size = sizeof(error)};
  const char **argv = calloc(2 * request->option_count + 8, sizeof(*argv));
  size_t count = 0;
  char *rest = NULL;
  ps_text out = {0};
  assert_non_null(argv);
  argv[count++] = "ssh";
  argv[count++] = "-G";
  if (request->config_file) {
    argv[count++] = "-F";
    argv[count++] = request->config_file;
  }
  for (size_t i = 0; i < request->option_count; i++) {
    argv[count++] = "-o";
    argv[count++] = request->options[i];
  }
  argv[count++] = "--";
  argv[count] = request->host;
  assert_int_equal(ssh_child_run(argv, 20000, &result, &error), 0);
  if (result.code != 0) {
    fail_msg("%s: %s", request->host, result.error_output);
  }
  for (char *row = strtok_r(result.output, "\n", &rest); row; row = strtok_r(NULL, "\n", &rest)) {
    add_row(&out, row);
  }
  ssh_child_clear(&result);
  free(argv);
  return out.data;
}

/* --- the profile that a line means ----------------------------------------------------------------------- */

static void on_key(void *context, const char *key, const char *text, const char *const *items, const char *comment) {
  ps_text *out = context;
  assert_int_equal(items ? ps_ini_add_list(out, key, items, comment) : ps_ini_add_key(out, key, text, comment), 0);
}

static void on_note(void *context, uint32_t level, const char *text) {
  (void)context;
  assert_true(level == PENSTOCK_LOG_WARN || level == PENSTOCK_LOG_INFO);
  assert_true(text[0] != '\0');
}

static char *explain(const ssh_line *line) {
  ps_text out = {0};
  penstock_error error = {.struct_size = sizeof(error)};
  const penstock_explain_sink sink = {.struct_size = sizeof(sink), .context = &out, .key = on_key, .note = on_note};
  ps_text_adds(&out, "[lab]\n");
  if (ssh_line_explain(line, &sink, &error)) {
    fail_msg("%s", error.what);
  }
  return out.data;
}

/* Reads the profile as a file, and asks ssh for what it comes to. */
static char *ask_for_profile(const char *ini) {
  ps_problems problems = {0};
  ssh_request request = {0};
  penstock_error error = {.struct_size = sizeof(error)};
  char path[64];
  (void)snprintf(path, sizeof(path), "%s/penstock.ini", folder);
  ps_config *config = ps_config_parse(path, ini, strlen(ini), &problems);
  ps_settings *settings = ps_config_check_profile(config, "lab", &transport, &problems);
  if (problems.count > 0) {
    fail_msg("%s\n%d: %s", ini, problems.items[0].line, problems.items[0].text);
  }
  if (ssh_profile_request(&request, ps_settings_abi(settings), NULL, &error)) {
    fail_msg("%s\n%s", ini, error.what);
  }
  char *answer = ask_for(&request);
  ssh_request_clear(&request);
  ps_settings_free(settings);
  ps_config_free(config);
  ps_problems_clear(&problems);
  return answer;
}

/* --- lines --------------------------------------------------------------------------------------------- */

/* The first line that differs, for the message. */
static void assert_same(const char *line, const char *what, const char *ssh, const char *ours) {
  if (strcmp(ssh, ours) == 0) {
    return;
  }
  while (*ssh && *ssh == *ours && strcspn(ssh, "\n") == strcspn(ours, "\n") &&
         strncmp(ssh, ours, strcspn(ssh, "\n")) == 0) {
    size_t size = strcspn(ssh, "\n") + 1;
    ssh += size;
    ours += size;
  }
  fail_msg("%s\n%s\nssh says: %.*s\nwe say:   %.*s", line, what, (int)strcspn(ssh, "\n"), ssh, (int)strcspn(ours, "\n"),
           ours);
}

static const char *const lines[] = {
    "ssh gpu01",
    "ssh GPU01",
    "ssh ann@gpu01",
    "ssh a@b@gpu01",
    "ssh -p 2222 gpu01",
    "ssh gpu01 -p 2222",
    "ssh -p22 -p 33 gpu01",
    "ssh -o Port=44 -p 33 gpu01",
    "ssh -p 33 -o Port=44 gpu01",
    "ssh -l ann bob@gpu01",
    "ssh bob@gpu01 -l ann",
    "ssh -o User=x bob@gpu01",
    "ssh ssh://ann@gpu01:2200/",
    "ssh ssh://a%41b@gpu01",
    "ssh -p 1 ssh://gpu01:2",
    "ssh ::1",
    "ssh fe80::1%lo",
    "ssh -i key gpu01",
    "ssh -i \"$FOLDER/a key\" gpu01",
    "ssh -i $FOLDER/a\\ key -i \"$FOLDER/it's\" gpu01",
    "ssh -i missing gpu01",
    "ssh -i missing -i key gpu01",
    "ssh -i ~/nothing gpu01",
    "ssh -i key -o IdentitiesOnly=yes gpu01",
    "ssh -i key -o IdentityFile=other gpu01",
    "ssh -o 'IdentityFile=\"a key\"' -i key gpu01",
    "ssh -o IdentityFile=none gpu01",
    "ssh -i \"$FOLDER/back\\slash\" gpu01",
    "ssh -F \"$FOLDER/config\" gpu01",
    "ssh -F \"$FOLDER/config\" -i key gpu01",
    "ssh -F \"$FOLDER/config\" -i key keys",
    "ssh -F \"$FOLDER/config\" -i key only",
    "ssh -F \"$FOLDER/config\" -i key -o IdentitiesOnly=no only",
    "ssh -F \"$FOLDER/config\" ann@keys -p 9",
    "ssh -F config gpu01",
    "ssh -F \"$FOLDER/config\" -F none gpu01",
    "ssh -J gate gpu01",
    "ssh -J a,bob@b:22,ssh://c:33 gpu01",
    "ssh -J none gpu01",
    "ssh -F \"$FOLDER/config\" -J gate proxied",
    "ssh -J gate -o ProxyCommand=x gpu01",
    "ssh -o ProxyCommand='ssh -W %h:%p \"gate\"' gpu01",
    "ssh -o 'ProxyCommand none' gpu01",
    "ssh -c aes128-ctr gpu01",
    "ssh -c aes128-ctr -c aes256-ctr gpu01",
    "ssh -oCiphers=aes128-ctr -c aes256-ctr gpu01",
    "ssh -c aes256-ctr -oCiphers=aes128-ctr gpu01",
    "ssh -c ^aes256-ctr gpu01",
    "ssh -c +aes256-cbc gpu01",
    "ssh -m hmac-sha2-256 gpu01",
    "ssh -m hmac-sha2-256 -m hmac-sha2-512 gpu01",
    "ssh -b 127.0.0.1 -B lo gpu01",
    "ssh -b 127.0.0.1 -o BindAddress=127.0.0.2 gpu01",
    "ssh -o BindAddress=127.0.0.2 -b 127.0.0.1 gpu01",
    "ssh -4 gpu01",
    "ssh -4 -6 gpu01",
    "ssh -oAddressFamily=inet -6 gpu01",
    "ssh -C gpu01",
    "ssh -oCompression=no -C gpu01",
    "ssh -C -oCompression=no gpu01",
    "ssh -oCompression=no gpu01",
    "ssh -A gpu01",
    "ssh -A -a gpu01",
    "ssh -K gpu01",
    "ssh -K -k gpu01",
    "ssh -k -K gpu01",
    "ssh -M gpu01",
    "ssh -MM gpu01",
    "ssh -oControlMaster=yes -M gpu01",
    "ssh -oControlMaster=auto -M -S /tmp/s gpu01",
    "ssh -S /tmp/a -S /tmp/b gpu01",
    "ssh -S 'a b' gpu01",
    "ssh -v gpu01",
    "ssh -vv gpu01",
    "ssh -vvvvv gpu01",
    "ssh -q gpu01",
    "ssh -v -q gpu01",
    "ssh -q -v gpu01",
    "ssh -v -q -v gpu01",
    "ssh -o LogLevel=ERROR -v gpu01",
    "ssh -v -o LogLevel=ERROR gpu01",
    "ssh -I /lib/p11.so gpu01",
    "ssh -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile='\"/tmp/a b\" /tmp/c' gpu01",
    "ssh -o 'SetEnv=A=b' -o SendEnv='LC_* LANG' gpu01",
    "ssh -o 'SetEnv A=\"x y\"' gpu01",
    "ssh -oConnectTimeout=7 -o 'ServerAliveInterval 5' gpu01",
    "ssh -o ' connecttimeout =  7' gpu01",
    "ssh -o HostName=other -o HostKeyAlias=x%y gpu01",
    "ssh -Cp2222 gpu01",
    "ssh -4CvNTp 2222 gpu01",
    "ssh -tt gpu01 nvidia-smi -l 1",
    "ssh gpu01 'a; b | c' -p 22",
    "ssh -p 2222 -- gpu01 -p 33",
    "ssh gpu01 -- -p 33",
    "ssh -N -f -L 9090:localhost:9090 -D 1080 -R 1:h:2 gpu01",
    "ssh -n -x -T -g -e none -E /dev/null gpu01",
    "ssh \\\n  -p 22 \\\n  gpu01",
    "ssh $TWO_WORDS gpu01",
    "ssh \"gpu01\" $EMPTY",
    "ssh gpu01 # the first one",
    "ssh -l '~' gpu01",
    "ssh -F ~/config gpu01",
};

static int setup(void **state) {
  static const char config[] = "Host keys\n  IdentityFile ~/.ssh/more\nHost only\n  IdentitiesOnly yes\n"
                               "Host proxied\n  ProxyCommand x\nHost *\n  User configured\n  Port 2022\n";
  static const char *const files[] = {"key", "other", "a key", "it's", "back\\slash", "config"};
  (void)state;
  if (!mkdtemp(folder) || chdir(folder) || setenv("FOLDER", folder, 1) || setenv("TWO_WORDS", "-p 77", 1) ||
      setenv("EMPTY", "", 1) || setenv("HOME", folder, 1)) {
    return -1;
  }
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
    FILE *file = fopen(files[i], "we");
    if (!file || (strcmp(files[i], "config") == 0 && fputs(config, file) < 0) || fclose(file) ||
        chmod(files[i], 0600)) {
      return -1;
    }
  }
  return 0;
}

static int teardown(void **state) {
  char command[64];
  (void)state;
  (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
  return chdir("/") || system(command); /* NOLINT(cert-env33-c) */
}

/* A key of the working folder has its whole path in the profile. */
static char *without_folder(const char *text) {
  ps_text out = {0};
  char prefix[64];
  (void)snprintf(prefix, sizeof(prefix), "identityfile %s/", folder);
  ps_text_adds(&out, "");
  while (*text) {
    if (strncmp(text, prefix, strlen(prefix)) == 0) {
      ps_text_adds(&out, "identityfile ");
      text += strlen(prefix);
    }
    size_t size = strcspn(text, "\n") + 1;
    ps_text_add(&out, text, size);
    text += size;
  }
  return out.data;
}

static void a_line_means_what_it_means_to_ssh(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
    ssh_line line;
    ssh_request request = {0};
    penstock_error error = {.struct_size = sizeof(error)};
    char *ssh = ask_shell(lines[i]);
    if (!ssh || ssh_line_parse(&line, lines[i], NULL, &error) || ssh_line_request(&request, &line, &error)) {
      fail_msg("%s\n%s", lines[i], ssh ? error.what : "ssh itself refuses it");
    }
    char *ours = ask_for(&request);
    assert_same(lines[i], "the request:", ssh, ours);
    char *ini = explain(&line);
    char *profile = ask_for_profile(ini);
    char *plain = without_folder(ssh);
    char *whole = without_folder(profile);
    assert_same(lines[i], ini, plain, whole);
    free(plain);
    free(whole);
    free(profile);
    free(ini);
    free(ours);
    free(ssh);
    ssh_request_clear(&request);
    ssh_line_clear(&line);
  }
}

static void what_ssh_refuses_we_refuse(void **state) {
  static const char *const bad[] = {
      "ssh",
      "ssh -p",
      "ssh -p x h",
      "ssh -p 0 h",
      "ssh -p 65536 h",
      "ssh -z h",
      "ssh -1 h",
      "ssh --port 1 h",
      "ssh @h",
      "ssh -J a -J b h",
      "ssh -L x h",
      "ssh -L 1:2 h",
      "ssh -D x h",
      "ssh ssh://h/x",
      "ssh ssh://@h",
      "ssh ssh://h:x",
      "ssh ssh://h:0",
      "ssh -o Port h",

      "ssh -o =1 h",
      "ssh -L 1:h:2:3:4 h",
      "ssh -L 1:h:x h",
      "ssh -4",
      "ssh -o Port= h",
      "ssh ssh://",
      "ssh -o ProxyCommand=x -J b h",
  };
  (void)state;
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    ssh_line line;
    penstock_error error = {.struct_size = sizeof(error)};
    char *ssh = ask_shell(bad[i]);
    if (ssh || ssh_line_parse(&line, bad[i], NULL, &error) == 0) {
      fail_msg("%s: not refused by %s", bad[i], ssh ? "ssh" : "us");
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_line_means_what_it_means_to_ssh),
      cmocka_unit_test(what_ssh_refuses_we_refuse),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
