/* SPDX-License-Identifier: MIT */
/* Asking the engine's client, over a carrier that answers what the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/container/container_ask.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* --- a host and a carrier of the test's own -------------------------------------------------------- */

static uint64_t clock_ns;

typedef struct fake_timer {
  int used;
  uint64_t delay_ms;
  uint64_t repeat_ms;
  void (*callback)(void *context);
  void *context;
} fake_timer;

static fake_timer timers[8];
static char progress[256];

static struct {
  int runs;
  int cancels;
  int refuse; /* run() fails */
  char *script;
  uint64_t timeout_ms;
  void (*done)(void *context, const carrier_result *result);
  void *context;
} carried;

static struct {
  int done;
  int failed;
  int seen;
  container_view view;
  penstock_error error;
} told;

static int op_mark;
static int run_mark;
#define OP  ((penstock_op *)(void *)&op_mark)
#define RUN ((carrier_run *)(void *)&run_mark)

static uint64_t fake_now(const penstock_host *host) {
  (void)host;
  return clock_ns;
}

static penstock_timer *fake_timer_start(const penstock_host *host, uint64_t delay_ms, uint64_t repeat_ms,
                                        void (*callback)(void *context), void *context) {
  (void)host;
  for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
    if (!timers[i].used) {
      timers[i] = (fake_timer){1, delay_ms, repeat_ms, callback, context};
      return (penstock_timer *)(void *)&timers[i];
    }
  }
  fail_msg("too many timers");
  return NULL;
}

static void fake_timer_stop(const penstock_host *host, penstock_timer *timer) {
  (void)host;
  fake_timer *stopped = (fake_timer *)(void *)timer;
  assert_true(stopped->used);
  stopped->used = 0;
}

static void fake_op_progress(const penstock_host *host, penstock_op *op, const char *text) {
  (void)host;
  assert_ptr_equal(op, OP);
  (void)snprintf(progress, sizeof(progress), "%s", text);
}

static carrier_run *fake_run(carrier *self, const char *body, size_t size, uint64_t timeout_ms,
                             void (*done)(void *context, const carrier_result *result), void *context,
                             penstock_error *error) {
  (void)self;
  carried.runs++;
  if (carried.refuse) {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "no process");
    return NULL;
  }
  assert_null(carried.done);
  free(carried.script);
  carried.script = strndup(body, size);
  carried.timeout_ms = timeout_ms;
  carried.done = done;
  carried.context = context;
  return RUN;
}

static void fake_run_cancel(carrier *self, carrier_run *run) {
  (void)self;
  assert_ptr_equal(run, RUN);
  carried.cancels++;
}

static const char *fake_origin(const penstock_config *config, const char *key) {
  (void)config;
  (void)key;
  return NULL;
}

static const char *fake_string(const penstock_config *config, const char *key) {
  (void)config;
  (void)key;
  return NULL;
}

static void fake_log(const penstock_host *table, uint32_t level, const char *text) {
  (void)table;
  (void)level;
  (void)text;
}

static const penstock_host host = {
    .struct_size = sizeof(host),
    .log = fake_log,
    .now_ns = fake_now,
    .timer_start = fake_timer_start,
    .timer_stop = fake_timer_stop,
    .op_progress = fake_op_progress,
};
static const carrier_ops ops = {.run = fake_run, .run_cancel = fake_run_cancel};
static carrier there = {.ops = &ops, .host = &host, .where = "gpu01"};
static const penstock_config config = {
    .struct_size = sizeof(config),
    .profile = "lab",
    .get_origin = fake_origin,
    .get_string = fake_string,
};

static container_settings settings;
static container_ask *asker;

static int setup(void **state) {
  (void)state;
  memset(&told, 0, sizeof(told));
  memset(&carried, 0, sizeof(carried));
  memset(timers, 0, sizeof(timers));
  progress[0] = '\0';
  settings = (container_settings){.config = &config, .container = "ppf", .start_container = 1, .port = 9090};
  clock_ns = 1000000000;
  asker = container_ask_create(&there, &settings);
  assert_non_null(asker);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  container_ask_destroy(asker);
  for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
    assert_false(timers[i].used);
  }
  free(carried.script);
  return 0;
}

/* --- what happens ------------------------------------------------------------------------------------ */

static void done(void *context, const container_view *view, const penstock_error *error) {
  assert_ptr_equal(context, &told);
  told.done++;
  told.seen = view != NULL;
  told.failed = error != NULL;
  if (view) {
    told.view = *view;
  }
  if (error) {
    told.error = *error;
  }
}

/* Time passes, and with it the timers that fire once. */
static void pass(uint64_t ms) {
  clock_ns += ms * 1000000;
  for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
    if (timers[i].used && !timers[i].repeat_ms && timers[i].delay_ms <= ms) {
      timers[i].used = 0;
      timers[i].callback(timers[i].context);
      return;
    }
  }
}

static void tick(void) {
  for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
    if (timers[i].used && timers[i].repeat_ms) {
      timers[i].callback(timers[i].context);
      return;
    }
  }
  fail_msg("nothing ticks");
}

static void end_run(const carrier_result *result) {
  void (*ended)(void *, const carrier_result *) = carried.done;
  assert_non_null(ended);
  carried.done = NULL;
  ended(carried.context, result);
}

/* The script ends with this output. */
static void say(const char *output) {
  carrier_result result = {NULL, 0, output, strlen(output), ""};
  end_run(&result);
}

static void say_error(uint32_t leg, uint32_t error_class) {
  penstock_error error = {.struct_size = sizeof(error)};
  (void)penstock_fail(&error, leg, error_class, "from the carrier");
  carrier_result result = {&error, -1, "", 0, ""};
  end_run(&result);
}

static void say_failed(const char *call, int code, const char *said) {
  char output[1024];
  (void)snprintf(output, sizeof(output),
                 "engine=docker\nversion=20.10.24\nat=unix:///run/d.sock\nword=docker\npodman=0\nfar=no\n"
                 "failed=%s\ncode=%d\nsaid=%s\noutcome=failed\n",
                 call, code, said);
  say(output);
}

/* A look's answer: the container's status, its restarts, and how its last run ended. */
static void say_status(const char *status, int restarts, int code) {
  char output[2048];
  int running = strcmp(status, "running") == 0 || strcmp(status, "paused") == 0;
  (void)snprintf(output, sizeof(output),
                 "engine=docker\nversion=20.10.24\nat=unix:///run/d.sock\nword=docker\npodman=0\nfar=no\nremote=0\n"
                 "container={\"Id\":\"" ID "\",\"Name\":\"/ppf\",\"RestartCount\":%d,\"State\":{\"Status\":\"%s\","
                 "\"Running\":%s,\"Paused\":%s,\"Pid\":%d,\"ExitCode\":%d,\"StartedAt\":\"2026-01-01T00:00:10.05Z\"},"
                 "\"Config\":{\"Image\":\"demo:1\"},\"HostConfig\":{\"NetworkMode\":\"bridge\"},"
                 "\"NetworkSettings\":{\"Ports\":{},\"Networks\":{}}}\noutcome=ok\n",
                 restarts, status, running ? "true" : "false", strcmp(status, "paused") == 0 ? "true" : "false",
                 running ? 42 : 0, code);
  say(output);
}

static void has(const char *text) {
  if (!strstr(carried.script, text)) {
    fail_msg("'%s' is not in the script: %.600s", text, carried.script);
  }
}

static void look(void) {
  container_ask_look(asker, 10000, done, &told);
}

static void up(void) {
  container_ask_up(asker, OP, 10000, done, &told);
}

static void told_running(void) {
  pass(0);
  assert_int_equal(told.done, 1);
  if (told.failed) {
    fail_msg("%s", told.error.what);
  }
  assert_true(told.seen);
  assert_int_equal(told.view.state, CONTAINER_RUNNING);
}

static void told_error(uint32_t leg, uint32_t error_class, const char *what) {
  pass(0);
  assert_int_equal(told.done, 1);
  assert_true(told.failed);
  assert_int_equal(told.error.leg, leg);
  assert_int_equal(told.error.error_class, error_class);
  if (!strstr(told.error.what, what)) {
    fail_msg("'%s' is not in: %s", what, told.error.what);
  }
}

/* --- look -------------------------------------------------------------------------------------------- */

static void test_look(void **state) {
  (void)state;
  look();
  assert_int_equal(carried.timeout_ms, 9500);
  has("ps_auto='1'\nps_word=''\nps_version=''\nps_podman=''\nps_at=''\nps_far=''\n");
  has("ps_container='ppf'\nps_service=''\nps_project=''\nps_port='9090'\n");
  say_status("running", 0, 0);
  assert_int_equal(told.done, 0);
  told_running();
  assert_string_equal(told.view.id, ID);
  assert_string_equal(told.view.engine, "docker");

  told.done = 0;
  look(); /* what is known is not asked again */
  has("ps_word='docker'\nps_version='20.10.24'\nps_podman='0'\nps_at='unix:///run/d.sock'\nps_far='no'\n");
  say_status("running", 0, 0);
  told_running();
}

static void test_engine_of_the_user(void **state) {
  (void)state;
  char sudo[] = "sudo";
  char quoted[] = "it's; $(x)";
  settings.words[0] = sudo;
  settings.words[1] = quoted;
  look();
  has("ps_auto='0'\nps_words() { \"$@\" 'sudo' 'it'\\''s; $(x)'; }\n");
  say_status("running", 0, 0);
  told_running();
}

static void test_no_such_container(void **state) {
  (void)state;
  look();
  say_failed("inspect", 1, "Error: No such container: ppf");
  pass(0);
  assert_int_equal(told.done, 1);
  assert_false(told.failed);
  assert_int_equal(told.view.state, CONTAINER_ABSENT);
  assert_string_equal(told.view.engine, "docker");
}

/* Engines take the beginning of an id; penstock takes what clients show. */
static void test_ids(void **state) {
  (void)state;
  static const struct {
    const char *container;
    int found;
  } cases[] = {{"0", 0}, {"0123456789a", 0}, {"0123456789ab", 1}, {"0123456789abc", 0}, {ID, 1}, {"pp", 0}, {"ppf", 1}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    told.done = 0;
    settings.container = cases[i].container;
    look();
    say_status("running", 0, 0);
    pass(0);
    assert_int_equal(told.done, 1);
    assert_int_equal(told.view.state, cases[i].found ? CONTAINER_RUNNING : CONTAINER_ABSENT);
    assert_string_equal(told.view.id, cases[i].found ? ID : "");
  }
}

static void test_engine_is_down(void **state) {
  (void)state;
  look();
  say_status("running", 0, 0);
  told_running();
  told.done = 0;
  look();
  say_failed("inspect", 1, "Cannot connect to the Docker daemon at unix:///run/d.sock. Is the docker daemon running?");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "The engine of docker is not running on gpu01");
  told.done = 0;
  look(); /* what was known may be what has changed */
  has("ps_version=''\n");
  say_status("running", 0, 0);
  told_running();
}

static void test_client_hangs(void **state) {
  (void)state;
  look();
  clock_ns += 10000ull * 1000000;
  say_error(PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT);
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "docker on gpu01 does not answer");
}

static void test_link_is_lost(void **state) {
  (void)state;
  look();
  say_error(PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT);
  told_error(PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "from the carrier");
}

static void test_script_is_cut_off(void **state) {
  (void)state;
  carrier_result result = {NULL, 2, "engine=docker\n", 14, "sh: no"};
  look();
  end_run(&result);
  told_error(PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "ended with status 2");
  assert_string_equal(told.error.detail, "sh: no");
}

static void test_answer_makes_no_sense(void **state) {
  (void)state;
  look();
  say("engine=docker\nversion=1\ncontainer=[1,2\noutcome=ok\n");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_INTERNAL, "");
}

static void test_no_process(void **state) {
  (void)state;
  carried.refuse = 1;
  look();
  assert_int_equal(told.done, 0);
  told_error(PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "no process");
}

static void test_look_is_cancelled(void **state) {
  (void)state;
  container_ask_cancel(asker); /* nothing runs */
  look();
  container_ask_cancel(asker);
  assert_int_equal(carried.cancels, 1);
  say_error(PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CANCELLED);
  container_ask_cancel(asker); /* it has ended */
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CANCELLED, "Cancelled");
  assert_int_equal(carried.cancels, 1);
}

/* --- up ---------------------------------------------------------------------------------------------- */

static void test_up_running(void **state) {
  (void)state;
  up();
  say_status("running", 0, 0);
  told_running();
  assert_int_equal(carried.runs, 1);
}

static void test_up_starts(void **state) {
  (void)state;
  up();
  clock_ns += 2000ull * 1000000;
  tick();
  assert_string_equal(progress, "waiting for docker, 2 s");
  say_status("exited", 0, 3);
  has("ps_act='start'\nps_id='" ID "'\n");
  assert_string_equal(progress, "starting container 'ppf'");
  assert_int_equal(carried.timeout_ms, 7500);
  clock_ns += 3000ull * 1000000;
  tick();
  assert_string_equal(progress, "starting container 'ppf', 3 s");
  say("outcome=ok\n");
  say_status("running", 0, 0);
  assert_int_equal(told.done, 0);
  pass(250);
  say_status("running", 0, 0); /* it stays */
  told_running();
}

static void test_up_ends_at_once(void **state) {
  (void)state;
  up();
  say_status("created", 0, 0);
  say("outcome=ok\n");
  say_status("running", 0, 0);
  pass(250);
  say_status("exited", 0, 3);
  has("logs --tail 20");
  has("ps_since='2026-01-01T00:00:09.95Z'\n"); /* a tenth of a second before its start */
  say("log=first\nlog=last\noutcome=ok\n");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "was started and has ended at once (exit code 3)");
  assert_string_equal(told.error.detail, "first\nlast");
  assert_int_equal(told.view.exit_code, 3);
}

static void test_up_cannot_start(void **state) {
  (void)state;
  up();
  say_status("exited", 0, 0);
  say_failed("start", 1, "Error response from daemon: could not select device driver \"\" with capabilities: [[gpu]]");
  say_status("exited", 0, 0);
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "cannot give it a GPU");
}

/* Two gateways, or the user: whoever was faster. */
static void test_up_somebody_was_faster(void **state) {
  (void)state;
  up();
  say_status("paused", 0, 0);
  has("ps_act='unpause'\n");
  assert_string_equal(progress, "unpausing container 'ppf'");
  say_failed("unpause", 1, "Error response from daemon: Container " ID " is not paused");
  say_status("running", 0, 0);
  pass(250);
  say_status("running", 0, 0);
  told_running();
}

static void test_up_gone_meanwhile(void **state) {
  (void)state;
  up();
  say_status("exited", 0, 0);
  say_failed("start", 1, "Error response from daemon: No such container: " ID);
  say_failed("inspect", 1, "Error: No such container: ppf");
  say("there=ppf2\tdemo:1\tUp 3 minutes\nimage=demo:1\nimage=ppf:2\noutcome=ok\n");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "Container 'ppf' does not exist.");
  assert_non_null(strstr(told.error.detail, "ppf2"));
  assert_non_null(strstr(told.error.next, "ppf:2`"));
}

static void test_up_may_not_start(void **state) {
  (void)state;
  settings.start_container = 0;
  up();
  say_status("exited", 0, 0);
  for (int i = 0; i < 6; i++) { /* maybe it is being restarted */
    assert_int_equal(told.done, 0);
    pass(250);
    say_status("exited", 0, 0);
  }
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "is stopped, and `start_container = no`");

  told.done = 0;
  up();
  say_status("exited", 0, 0);
  pass(250);
  say_status("running", 0, 0); /* it was */
  told_running();

  told.done = 0;
  up();
  say_status("paused", 0, 0);
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "is paused, and `start_container = no`");
}

static void test_up_restart_loop(void **state) {
  (void)state;
  int looks = 0;
  up();
  say_status("restarting", 3, 4);
  while (!strstr(carried.script, "logs --tail")) {
    assert_true(looks < 20);
    pass(250);
    looks++;
    say_status(looks % 2 ? "restarting" : "running", 3 + looks / 2, 4);
  }
  assert_true(looks >= 8);
  say("log=why\noutcome=ok\n");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "ends and is started again and again (exit code 4)");
  assert_string_equal(told.error.detail, "why");
}

static void test_up_was_restarted_and_stays(void **state) {
  (void)state;
  up();
  say_status("restarting", 1, 137);
  pass(250);
  say_status("running", 1, 0);
  pass(250);
  say_status("running", 1, 0);
  pass(250);
  say_status("running", 1, 0);
  told_running();
}

static void test_up_removing(void **state) {
  (void)state;
  up();
  say_status("removing", 0, 0);
  pass(250);
  say_failed("inspect", 1, "Error: No such container: ppf");
  say("image=demo:1\noutcome=ok\n");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "does not exist.");
  assert_ptr_equal(strstr(told.error.detail, "There is no container on gpu01."), told.error.detail);
  told.done = 0;
  up();
  say_status("dead", 0, 0);
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "cannot be used: it is dead");
}

static void test_up_compose(void **state) {
  (void)state;
  static const char *const absent = "engine=docker\nversion=1\nword=docker\npodman=0\nfar=no\nremote=0\noutcome=ok\n";
  char sudo[] = "sudo";
  char docker[] = "docker";
  settings.container = NULL;
  settings.service = "app";
  settings.project = "lab";
  settings.compose_file = "/srv/it's.yml";
  settings.words[0] = sudo;
  settings.words[1] = docker;
  up();
  has("ps_container=''\nps_service='app'\nps_project='lab'\n");
  say(absent);
  say("outcome=ok\n"); /* the list */
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG,
             "Service 'app' of project 'lab' has no container on gpu01.");

  told.done = 0;
  settings.start_compose = 1;
  container_ask_destroy(asker);
  asker = container_ask_create(&there, &settings);
  up();
  say(absent);
  has("ps_tool() { \"$@\" 'sudo' 'docker-compose'; }\n");
  has("ps_service='app'\nps_project='lab'\nps_file='/srv/it'\\''s.yml'\n");
  assert_string_equal(progress, "compose brings up service 'app' of project 'lab'");
  say("outcome=ok\n");
  say_status("running", 0, 0);
  pass(250);
  say_status("running", 0, 0);
  told_running();

  told.done = 0;
  up();
  say(absent);
  say_failed("compose", 1, "ERROR: No such service: app");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "the compose file has no such service");
}

static void test_up_is_cancelled(void **state) {
  (void)state;
  up();
  say_status("exited", 0, 0);
  container_ask_cancel(asker); /* it is being started */
  say("outcome=ok\n");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CANCELLED, "Cancelled");

  told.done = 0;
  up();
  say_status("restarting", 0, 0);
  container_ask_cancel(asker); /* between two looks */
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CANCELLED, "Cancelled");
  assert_int_equal(carried.cancels, 1);
}

static void test_up_out_of_time(void **state) {
  (void)state;
  container_ask_up(asker, OP, 1000, done, &told);
  clock_ns += 600ull * 1000000;
  say_status("restarting", 1, 1); /* no time to see what becomes of it */
  say("log=x\noutcome=ok\n");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "again and again");
}

static void test_destroyed_in_the_middle(void **state) {
  (void)state;
  up();
  say_status("restarting", 0, 0); /* it naps; teardown destroys */
  assert_int_equal(told.done, 0);
}

/* --- inside ------------------------------------------------------------------------------------------ */

static void test_inside(void **state) {
  (void)state;
  static const char body[] = "echo 'it'; echo \"$x\"\n";
  container_view view = {.id = ID};
  size_t size = 0;
  settings.user = "--privileged";
  settings.workdir = "/a b'c";
  script *s = container_ask_inside(asker, &view, body, sizeof(body) - 1, "nonce");
  const char *text = script_text(s, &size);
  assert_non_null(text);
  assert_non_null(strstr(text, "ps_id='" ID "'\nps_user='--privileged'\nps_workdir='/a b'\\''c'\nps_body='"));
  assert_non_null(strstr(text, "echo '\\''it'\\''; echo \"$x\"\n"));
  assert_non_null(strstr(text, "penstock-begin nonce"));
  script_destroy(s);
  s = container_ask_stream(asker, &view, "127.0.0.1", 9191);
  text = script_text(s, &size);
  assert_non_null(text);
  assert_non_null(strstr(text, "ps_host='127.0.0.1'\nps_port='9191'\nps_inside='"));
  script_destroy(s);
}

static void test_inside_error(void **state) {
  (void)state;
  static const char output[] = "\nfailed=exec\ncode=126\nsaid=unable to find user bob: no matching entries in passwd "
                               "file\noutcome=failed\n";
  penstock_error error = {.struct_size = sizeof(error)};
  penstock_error link = {.struct_size = sizeof(link)};
  container_view view = {.id = ID};
  carrier_result result = {NULL, 126, output, sizeof(output) - 1, ""};
  settings.user = "bob";
  container_ask_inside_error(asker, &view, &result, &error);
  assert_string_equal(error.what, "There is no user 'bob' in container 'ppf'");
  static const char shell[] =
      "OCI runtime exec failed: exec failed: unable to start container process: exec: \"/bin/sh\": "
      "stat /bin/sh: no such file or directory: unknown\r\n\n"
      "failed=exec\ncode=126\nsaid=\noutcome=failed\n";
  result = (carrier_result){NULL, 126, shell, sizeof(shell) - 1, ""};
  container_ask_inside_error(asker, &view, &result, &error);
  assert_string_equal(error.what, "Container 'ppf' has no /bin/sh that can be run, so nothing can be launched in it");
  assert_string_equal(error.detail, "OCI runtime exec failed: exec failed: unable to start container process: exec: "
                                    "\"/bin/sh\": stat /bin/sh: no such file or directory: unknown");
  result = (carrier_result){NULL, 1, "", 0, "Error response from daemon: Container 1 is not running"};
  container_ask_inside_error(asker, &view, &result, &error);
  assert_string_equal(error.what, "Container 'ppf' on gpu01 does not run (any more)");
  (void)penstock_fail(&link, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "lost");
  result = (carrier_result){&link, -1, "", 0, ""};
  container_ask_inside_error(asker, &view, &result, &error);
  assert_string_equal(error.what, "lost");
}

static void log_done(void *context, const penstock_error *error) {
  done(context, NULL, error);
}

static void test_log(void **state) {
  (void)state;
  container_view view = {.id = ID};
  penstock_error error = {.struct_size = sizeof(error)};
  (void)penstock_fail(&error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "It has ended");
  container_ask_log(asker, &view, &error, log_done, &told);
  has("ps_id='" ID "'\n");
  say("log=a\nlog=b\noutcome=ok\n");
  assert_int_equal(told.done, 1);
  assert_string_equal(told.error.what, "It has ended");
  assert_string_equal(told.error.detail, "a\nb");

  carried.refuse = 1;
  container_ask_log(asker, &view, &error, log_done, &told);
  assert_int_equal(told.done, 1);
  pass(0);
  assert_int_equal(told.done, 2);
  assert_string_equal(told.error.what, "It has ended");

  container_ask_log(asker, &view, &error, log_done, &told); /* teardown destroys */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_look),
      TEST(test_engine_of_the_user),
      TEST(test_no_such_container),
      TEST(test_ids),
      TEST(test_engine_is_down),
      TEST(test_client_hangs),
      TEST(test_link_is_lost),
      TEST(test_script_is_cut_off),
      TEST(test_answer_makes_no_sense),
      TEST(test_no_process),
      TEST(test_look_is_cancelled),
      TEST(test_up_running),
      TEST(test_up_starts),
      TEST(test_up_ends_at_once),
      TEST(test_up_cannot_start),
      TEST(test_up_somebody_was_faster),
      TEST(test_up_gone_meanwhile),
      TEST(test_up_may_not_start),
      TEST(test_up_restart_loop),
      TEST(test_up_was_restarted_and_stays),
      TEST(test_up_removing),
      TEST(test_up_compose),
      TEST(test_up_is_cancelled),
      TEST(test_up_out_of_time),
      TEST(test_destroyed_in_the_middle),
      TEST(test_inside),
      TEST(test_inside_error),
      TEST(test_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
