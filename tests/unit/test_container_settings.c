/* SPDX-License-Identifier: MIT */
/* The options of a profile whose solver lives in a container. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/container/container_settings.h"

/* --- a profile ----------------------------------------------------------------------------------------- */

enum { OPTIONS_MAX = 8 };

/* KEY, VALUE, KEY, VALUE, …, NULL. Each is set at penstock.ini, the first in line 1. */
static const char *const *options;

static int find(const char *key) {
  for (int i = 0; options[i]; i += 2) {
    if (strcmp(options[i], key) == 0) {
      return i;
    }
  }
  return -1;
}

static const char *get_string(const penstock_config *config, const char *key) {
  int at = find(key);
  (void)config;
  return at >= 0 ? options[at + 1] : strcmp(key, "endpoint") == 0 ? "127.0.0.1:9090" : NULL;
}

static int64_t get_int(const penstock_config *config, const char *key, int64_t otherwise) {
  const char *text = get_string(config, key);
  return text ? strcmp(text, "yes") == 0 : otherwise;
}

static const char *get_origin(const penstock_config *config, const char *key) {
  static char place[32];
  int at = find(key);
  (void)config;
  (void)snprintf(place, sizeof(place), "penstock.ini:%d", at / 2 + 1);
  return at >= 0 ? place : NULL;
}

static const penstock_config config = {
    .struct_size = sizeof(config), .get_string = get_string, .get_int = get_int, .get_origin = get_origin};
static container_settings settings;

#define READ(...) read_options((const char *const[]){__VA_ARGS__, NULL})

static void read_options(const char *const *list) {
  penstock_error error = {.struct_size = sizeof(error)};
  options = list;
  if (container_settings_read(&settings, &config, &error)) {
    fail_msg("%s", error.what);
  }
}

/* --- what is right ------------------------------------------------------------------------------------- */

static void defaults_are_as_declared(void **state) {
  (void)state;
  READ("container", "ppf");
  assert_string_equal(settings.container, "ppf");
  assert_null(settings.service);
  assert_null(settings.words[0]);
  assert_int_equal(settings.reach, CONTAINER_REACH_AUTO);
  assert_int_equal(settings.exposure, CONTAINER_EXPOSURE_WARN);
  assert_true(settings.start_container);
  assert_false(settings.start_compose);
  assert_false(settings.has_root);
  assert_int_equal(settings.port, 9090);
  assert_ptr_equal(settings.config, &config);
  container_settings_clear(&settings);
}

static void all_of_it_is_read(void **state) {
  (void)state;
  READ("service", "app", "project", "lab", "compose_file", "~/lab/compose.yaml", "start_compose", "yes", "reach",
       "exec", "start_container", "no", "expose_warning", "off", "container_user", "1000:1000", "container_workdir",
       "/srv/a b", "root", "/opt/ppf", "endpoint", "0.0.0.0:9191", "engine", "podman");
  assert_null(settings.container);
  assert_string_equal(settings.service, "app");
  assert_string_equal(settings.project, "lab");
  assert_string_equal(settings.compose_file, "~/lab/compose.yaml");
  assert_true(settings.start_compose);
  assert_int_equal(settings.reach, CONTAINER_REACH_EXEC);
  assert_false(settings.start_container);
  assert_int_equal(settings.exposure, CONTAINER_EXPOSURE_OFF);
  assert_string_equal(settings.user, "1000:1000");
  assert_string_equal(settings.workdir, "/srv/a b");
  assert_true(settings.has_root);
  assert_int_equal(settings.port, 9191);
  assert_string_equal(settings.words[0], "podman");
  assert_null(settings.words[1]);
  container_settings_clear(&settings);
  assert_null(settings.words[0]);
}

static void choices_are_in_the_order_of_their_words(void **state) {
  (void)state;
  for (int i = 0; container_reach_words[i]; i++) {
    READ("container", "ppf", "reach", container_reach_words[i]);
    assert_int_equal(settings.reach, i);
  }
  for (int i = 0; container_exposure_words[i]; i++) {
    READ("container", "ppf", "expose_warning", container_exposure_words[i]);
    assert_int_equal(settings.exposure, i);
  }
  assert_int_equal(settings.exposure, CONTAINER_EXPOSURE_OFF);
}

static void names_are_those_that_engines_allow(void **state) {
  static const char *const names[] = {
      "ppf", "p", "9", "PPF_1.2-x", "9bc10cd375e0", "9bc10cd375e0fbe0d66aa11de572bf65655256f3e3fadf3b953bf939f338d960",
  };
  (void)state;
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    READ("container", names[i]);
    assert_string_equal(settings.container, names[i]);
    READ("service", names[i], "project", names[i]);
    assert_string_equal(settings.service, names[i]);
  }
}

static void an_engine_is_split_as_a_shell_would(void **state) {
  static const struct {
    const char *engine;
    const char *words[5];
  } rows[] = {
      {"auto", {NULL}},
      {"", {NULL}},
      {"docker", {"docker", NULL}},
      {"  sudo   -n docker ", {"sudo", "-n", "docker", NULL}},
      {"/opt/my\\ tools/docker", {"/opt/my tools/docker", NULL}},
      {"'/opt/my tools/docker' --context \"a b\"", {"/opt/my tools/docker", "--context", "a b", NULL}},
      {"env DOCKER_HOST=tcp://h:1 docker", {"env", "DOCKER_HOST=tcp://h:1", "docker", NULL}},
      {"docker ';' '$(id)'", {"docker", ";", "$(id)", NULL}},
      {"~/bin/docker", {"~/bin/docker", NULL}},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    READ("container", "ppf", "engine", rows[i].engine);
    size_t n = 0;
    for (; rows[i].words[n]; n++) {
      assert_non_null(settings.words[n]);
      assert_string_equal(settings.words[n], rows[i].words[n]);
    }
    assert_null(settings.words[n]);
    container_settings_clear(&settings);
  }
  READ("container", "ppf", "engine", "1 2 3 4 5 6 7 8");
  assert_string_equal(settings.words[CONTAINER_ENGINE_WORDS_MAX - 1], "8");
  assert_null(settings.words[CONTAINER_ENGINE_WORDS_MAX]);
  container_settings_clear(&settings);
}

static void every_host_that_is_nobodys_own_may_stand_before_the_port(void **state) {
  static const char *const endpoints[] = {"127.0.0.1:9090", "localhost:9090", "0.0.0.0:9090", "[::1]:9090",
                                          "[::]:9090"};
  (void)state;
  for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
    READ("container", "ppf", "endpoint", endpoints[i]);
    assert_int_equal(settings.port, 9090);
  }
}

/* --- what is wrong ------------------------------------------------------------------------------------- */

typedef struct bad {
  const char *options[2 * OPTIONS_MAX + 1];
  const char *what; /* all of it */
  const char *next; /* a part */
} bad;

static void what_is_wrong_is_said_with_its_place(void **state) {
  static const bad rows[] = {
      {{"root", "/opt"}, "the profile says of no container that the solver is in it", "container = NAME"},
      {{"container", "", "service", ""}, "the profile says of no container that the solver is in it", "service = NAME"},
      {{"container", "a", "service", "b"},
       "penstock.ini:2: `service` and `container` are both set, and may mean two containers",
       "Set one of them"},
      {{"container", "--help"}, "penstock.ini:1: container = --help: no engine allows such a name", "letters, digits"},
      {{"container", "a b"}, "penstock.ini:1: container = a b: no engine allows such a name", "docker ps -a"},
      {{"container", "a;b"}, "penstock.ini:1: container = a;b: no engine allows such a name", "letters"},
      {{"container", ".hidden"}, "penstock.ini:1: container = .hidden: no engine allows such a name", "letters"},
      {{"container", "gr\xC3\xB6n"},
       "penstock.ini:1: container = gr\xC3\xB6n: no engine allows such a name",
       "letters"},
      {{"container", "a\x1B[31m\nb"}, "penstock.ini:1: container = a?[31m?b: no engine allows such a name", "letters"},
      {{"container", "/ppf"}, "penstock.ini:1: container = /ppf: no engine allows such a name", "container = ppf"},
      {{"service", "-d"}, "penstock.ini:1: service = -d: no engine allows such a name", "letters"},
      {{"service", "a", "project", "b/c"}, "penstock.ini:2: project = b/c: no engine allows such a name", "letters"},
      {{"container", "a", "project", "b"},
       "penstock.ini:2: project = b: it belongs to `service`, which is not set",
       "service = NAME"},
      {{"container", "a", "compose_file", "b"},
       "penstock.ini:2: compose_file = b: it belongs to `service`, which is not set",
       "take compose_file out"},
      {{"container", "a", "start_compose", "yes"},
       "penstock.ini:2: start_compose = yes: it belongs to `service`, which is not set",
       "take start_compose out"},
      {{"service", "a", "start_compose", "yes"},
       "penstock.ini:2: start_compose = yes: the compose file is not known",
       "compose_file"},
      {{"container", "a", "endpoint", "10.0.0.7:9090"},
       "penstock.ini:2: endpoint = 10.0.0.7:9090: only its port means something in a container",
       "endpoint = 9090"},
      {{"container", "a", "endpoint", "127.0.0.1:0"},
       "penstock.ini:2: endpoint = 127.0.0.1:0: it is no address to connect to",
       "endpoint = 9090"},
      {{"container", "a", "container_user", "-v"}, "penstock.ini:2: container_user = -v: it is no user", "1000:1000"},
      {{"container", "a", "container_user", "a b"}, "penstock.ini:2: container_user = a b: it is no user", "1000:1000"},
      {{"container", "a", "container_workdir", "srv"},
       "penstock.ini:2: container_workdir = srv: it is no absolute path in the container",
       "slash"},
      {{"container", "a", "engine", "docker | cat"},
       "penstock.ini:2: engine = docker | cat: character 8: `|` pipes the output into another command, and penstock is "
       "no shell",
       "sudo -n docker"},
      {{"container", "a", "engine", "docker 'ps"},
       "penstock.ini:2: engine = docker 'ps: character 8: the quote that opens here is not closed",
       "as it is"},
      {{"container", "a", "engine", "$DOCKER"},
       "penstock.ini:2: engine = $DOCKER: character 1: the variable DOCKER is not set",
       "as it is"},
      {{"container", "a", "engine", "   "}, "penstock.ini:2: engine =    : it is no command", "as it is"},
      {{"container", "a", "engine", "-n docker"},
       "penstock.ini:2: engine = -n docker: a command cannot begin with a dash",
       "as it is"},
      {{"container", "a", "engine", "docker ''"},
       "penstock.ini:2: engine = docker '': one of its words is empty",
       "as it is"},
      {{"container", "a", "engine", "DOCKER_HOST=x docker"},
       "penstock.ini:2: engine = DOCKER_HOST=x docker: a variable is no command; `env NAME=VALUE docker` is one",
       "as it is"},
      {{"container", "a", "engine", "1 2 3 4 5 6 7 8 9"},
       "penstock.ini:2: engine = 1 2 3 4 5 6 7 8 9: it has too many words",
       "as it is"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    penstock_error error = {.struct_size = sizeof(error)};
    options = rows[i].options;
    assert_true(container_settings_read(&settings, &config, &error) < 0);
    assert_string_equal(error.what, rows[i].what);
    if (!strstr(error.next, rows[i].next)) {
      fail_msg("%s\nnext: %s", error.what, error.next);
    }
    assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
    assert_int_equal(error.leg, PENSTOCK_LEG_LOCAL);
    assert_true(container_settings_read(&settings, &config, NULL) < 0);
  }
}

static void a_name_has_its_limit(void **state) {
  char name[300];
  penstock_error error = {.struct_size = sizeof(error)};
  (void)state;
  memset(name, 'n', sizeof(name) - 1);
  name[sizeof(name) - 1] = '\0';
  options = (const char *const[]){"container", name, NULL};
  assert_true(container_settings_read(&settings, &config, &error) < 0);
  name[255] = '\0';
  assert_int_equal(container_settings_read(&settings, &config, &error), 0);
}

/* --- for messages -------------------------------------------------------------------------------------- */

static void what_is_asked_for_has_a_name(void **state) {
  char text[128];
  (void)state;
  READ("container", "ppf");
  container_settings_name(&settings, text, sizeof(text));
  assert_string_equal(text, "container 'ppf'");
  READ("service", "app");
  container_settings_name(&settings, text, sizeof(text));
  assert_string_equal(text, "service 'app'");
  READ("service", "app", "project", "lab");
  container_settings_name(&settings, text, sizeof(text));
  assert_string_equal(text, "service 'app' of project 'lab'");
}

static void the_port_to_publish_is_not_the_gateways(void **state) {
  static const struct {
    const char *transport;
    const char *endpoint;
    const char *listen;
    const char *publish;
  } rows[] = {
      {"docker", "127.0.0.1:9090", "127.0.0.1:9090", "127.0.0.1:19090:9090"},
      {"docker-ssh", "127.0.0.1:9090", "127.0.0.1:9090", "127.0.0.1:9090:9090"},
      {"docker", "127.0.0.1:9090", "127.0.0.1:8080", "127.0.0.1:9090:9090"},
      {"docker", "127.0.0.1:60000", "[::1]:60000", "127.0.0.1:50000:60000"},
      {"docker", "127.0.0.1:9090", "", "127.0.0.1:9090:9090"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char text[32];
    READ("container", "ppf", "transport", rows[i].transport, "endpoint", rows[i].endpoint, "listen", rows[i].listen);
    container_settings_publish(&settings, text, sizeof(text));
    assert_string_equal(text, rows[i].publish);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults_are_as_declared),
      cmocka_unit_test(all_of_it_is_read),
      cmocka_unit_test(choices_are_in_the_order_of_their_words),
      cmocka_unit_test(names_are_those_that_engines_allow),
      cmocka_unit_test(an_engine_is_split_as_a_shell_would),
      cmocka_unit_test(every_host_that_is_nobodys_own_may_stand_before_the_port),
      cmocka_unit_test(what_is_wrong_is_said_with_its_place),
      cmocka_unit_test(a_name_has_its_limit),
      cmocka_unit_test(what_is_asked_for_has_a_name),
      cmocka_unit_test(the_port_to_publish_is_not_the_gateways),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
