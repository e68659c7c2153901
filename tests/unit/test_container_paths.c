/* SPDX-License-Identifier: MIT */
/* The ways to a solver in a container, and what is said when none works. */
#include "container_looks.h"

#include "common/container/container_paths.h"

static container_view view;
static container_paths paths;
static penstock_error error;

static const char *get_origin(const penstock_config *config, const char *key) {
  (void)config;
  return strcmp(key, "reach") == 0 ? "penstock.ini:7" : NULL;
}

static const penstock_config config = {.struct_size = sizeof(config), .get_origin = get_origin};
static container_settings settings;

static int setup(void **state) {
  (void)state;
  settings = (container_settings){.config = &config, .container = "ppf", .port = 9090};
  return 0;
}

static void find(const char *name, container_reach reach) {
  look(&view, name);
  settings.reach = reach;
  container_paths_find(&paths, &view, &settings);
}

/* "published port 127.0.0.1:29090 -> 0.0.0.0 | …": ways with the address to bind; one that cannot be has "!". */
static const char *line_of_paths(void) {
  static char text[4096];
  text[0] = '\0';
  for (size_t i = 0; i < paths.count; i++) {
    char name[512];
    size_t used = strlen(text);
    container_path_name(&paths.items[i], name, sizeof(name));
    (void)snprintf(text + used, sizeof(text) - used, "%s%s%s > %s", i ? " | " : "",
                   paths.items[i].why_not[0] ? "!" : "", name, container_paths_bind(&paths.items[i], &view));
  }
  return text;
}

typedef struct row {
  const char *look;
  const char *ways;
} row;

static void check_all(const row *rows, size_t count, container_reach reach) {
  for (size_t i = 0; i < count; i++) {
    find(rows[i].look, reach);
    if (strcmp(line_of_paths(), rows[i].ways) != 0) {
      fail_msg("%s\ngives:  %s\nwanted: %s", rows[i].look, line_of_paths(), rows[i].ways);
    }
  }
}

#define CHECK_ALL(rows, reach) check_all(rows, sizeof(rows) / sizeof((rows)[0]), reach)

static void every_network_has_its_ways(void **state) {
  static const row rows[] = {
      {"docker-loopback", "published port 127.0.0.1:29090 > 0.0.0.0 | container address 172.29.77.2:9090 > 172.29.77.2 "
                          "| exec (127.0.0.1:9090) > 127.0.0.1"},
      {"docker-two-ports", "published port 127.0.0.1:29092 > 0.0.0.0 | published port 127.0.0.1:29091 > 0.0.0.0 | "
                           "container address 172.29.77.3:9090 > 172.29.77.3 | exec (127.0.0.1:9090) > 127.0.0.1"},
      {"docker-loopback6", "published port [::1]:29093 > 0.0.0.0 | container address 172.29.77.4:9090 > 172.29.77.4 | "
                           "exec (127.0.0.1:9090) > 127.0.0.1"},
      {"docker-all", "published port 127.0.0.1:29094 > 0.0.0.0 | published port [::1]:29094 > 0.0.0.0 | container "
                     "address 172.29.77.5:9090 > 172.29.77.5 | exec (127.0.0.1:9090) > 127.0.0.1"},
      {"docker-two-networks", "!published port > 0.0.0.0 | !container address 172.29.78.3:9090 > 172.29.78.3 | "
                              "container address 172.29.79.2:9090 > 172.29.79.2 | exec (172.29.79.2:9090) > 127.0.0.1"},
      {"docker-ipv6", "!published port > 0.0.0.0 | container address 172.29.80.2:9090 > 172.29.80.2 | container "
                      "address [fd00:77::2]:9090 > fd00:77::2 | exec (127.0.0.1:9090) > 127.0.0.1"},
      /* On the host's network only ::1 is listened to here. */
      {"docker-host", "!published port > 0.0.0.0 | the host's own network ([::1]:9090) > 127.0.0.1 | exec "
                      "([::1]:9090) > 127.0.0.1"},
      {"docker-none", "!published port > 0.0.0.0 | !container address > 127.0.0.1 | exec (127.0.0.1:9090) > 127.0.0.1"},
      {"docker-shared", "published port 127.0.0.1:29090 > 0.0.0.0 | container address 172.29.77.2:9090 > 172.29.77.2 | "
                        "exec (127.0.0.1:9090) > 127.0.0.1"},
      {"docker-shared-host", "!published port > 0.0.0.0 | the host's own network (127.0.0.1:9090) > 127.0.0.1 | exec "
                             "(127.0.0.1:9090) > 127.0.0.1"},
      {"podman-all", "published port 127.0.0.1:28094 > 0.0.0.0 | container address 10.233.77.3:9090 > 10.233.77.3 | "
                     "container address [fd00:78::3]:9090 > fd00:78::3 | exec (127.0.0.1:9090) > 127.0.0.1"},
      {"podman-host", "!published port > 0.0.0.0 | the host's own network (127.0.0.1:9090) > 127.0.0.1 | exec "
                      "(127.0.0.1:9090) > 127.0.0.1"},
  };
  (void)state;
  CHECK_ALL(rows, CONTAINER_REACH_AUTO);
}

static void a_listener_on_loopback_is_reached_from_inside_alone(void **state) {
  static const row rows[] = {
      {"docker-unpublished", "!published port > 0.0.0.0 | !container address 172.29.77.7:9090 > 172.29.77.7 | exec "
                             "(127.0.0.1:9090) > 127.0.0.1"},
      {"podman-shared", "!published port 127.0.0.1:28090 > 0.0.0.0 | !container address 10.233.77.2:9090 > 10.233.77.2 "
                        "| !container address [fd00:78::2]:9090 > fd00:78::2 | exec (127.0.0.1:9090) > 127.0.0.1"},
  };
  (void)state;
  CHECK_ALL(rows, CONTAINER_REACH_AUTO);
  assert_string_equal(paths.items[0].why_not, "the solver listens on 127.0.0.1 alone, inside the container");
}

static void one_of_two_addresses_is_no_use_to_a_published_port(void **state) {
  (void)state;
  look(&view, "docker-two-networks");
  (void)snprintf(view.published.items[0].host, sizeof(view.published.items[0].host), "127.0.0.1");
  view.published.items[0].port = 9090;
  view.published.count = 1;
  container_paths_find(&paths, &view, &settings);
  assert_string_equal(paths.items[0].why_not, "the solver listens on 172.29.79.2 alone, inside the container");
}

static void a_port_published_on_ipv6_leads_to_the_ipv6_address(void **state) {
  (void)state;
  look(&view, "docker-ipv6");
  view.listeners.count = 1;
  (void)snprintf(view.listeners.items[0].host, sizeof(view.listeners.items[0].host), "0.0.0.0");
  view.published.count = 2;
  view.published.items[0].port = view.published.items[1].port = 9090;
  (void)snprintf(view.published.items[0].host, sizeof(view.published.items[0].host), "::");
  (void)snprintf(view.published.items[1].host, sizeof(view.published.items[1].host), "0.0.0.0");
  container_paths_find(&paths, &view, &settings);
  assert_string_equal(line_of_paths(),
                      "published port 127.0.0.1:9090 > 0.0.0.0 | !published port [::1]:9090 > 0.0.0.0 | container "
                      "address 172.29.80.2:9090 > 172.29.80.2 | !container address [fd00:77::2]:9090 > fd00:77::2 | "
                      "exec (127.0.0.1:9090) > 127.0.0.1");
}

static void loopback_comes_first_and_ipv4_before_ipv6(void **state) {
  static const char *const hosts[] = {"10.1.2.3", "::", "fd00::1", "::1", "0.0.0.0", "127.0.0.2"};
  static const char *const wanted[] = {"127.0.0.2", "::1", "127.0.0.1", "::1", "10.1.2.3", "fd00::1"};
  (void)state;
  look(&view, "docker-two-ports");
  view.published.count = 6;
  for (size_t i = 0; i < 6; i++) {
    (void)snprintf(view.published.items[i].host, sizeof(view.published.items[i].host), "%s", hosts[i]);
    view.published.items[i].port = 9090;
  }
  container_paths_find(&paths, &view, &settings);
  for (size_t i = 0; i < 6; i++) {
    assert_string_equal(paths.items[i].host, wanted[i]);
    assert_int_equal(paths.items[i].way, CONTAINER_WAY_PUBLISHED);
  }
}

static void a_container_with_ipv6_alone_binds_that(void **state) {
  (void)state;
  look(&view, "docker-loopback6");
  (void)snprintf(view.own.items[0].host, sizeof(view.own.items[0].host), "fd00:77::9");
  container_paths_find(&paths, &view, &settings);
  assert_string_equal(container_paths_bind(&paths.items[0], &view), "::");
  assert_string_equal(container_paths_bind(&paths.items[1], &view), "fd00:77::9");
}

static void addresses_elsewhere_are_not_tried(void **state) {
  static const row rows[] = {
      {"docker-remote", "!published port 127.0.0.1:29090 > 0.0.0.0 | !container address 172.29.77.2:9090 > 172.29.77.2 "
                        "| exec (127.0.0.1:9090) > 127.0.0.1"},
      {"docker-rootless", "!published port > 0.0.0.0 | !container address 172.29.77.7:9090 > 172.29.77.7 | exec "
                          "(127.0.0.1:9090) > 127.0.0.1"},
      {"podman-rootless", "published port 127.0.0.1:28090 > 0.0.0.0 | !container address > 127.0.0.1 | exec "
                          "(127.0.0.1:9090) > 127.0.0.1"},
  };
  (void)state;
  CHECK_ALL(rows, CONTAINER_REACH_AUTO);
  find("docker-remote", CONTAINER_REACH_AUTO);
  assert_non_null(strstr(paths.items[0].why_not, "on another machine (tcp://10.0.0.7:2376)"));
  look(&view, "docker-all");
  view.is_in_vm = 1;
  container_paths_find(&paths, &view, &settings);
  assert_string_equal(paths.items[0].why_not, ""); /* such an engine forwards its published ports */
  assert_non_null(strstr(paths.items[2].why_not, "virtual machine"));
  look(&view, "docker-host");
  view.is_in_vm = 1;
  container_paths_find(&paths, &view, &settings);
  assert_non_null(strstr(paths.items[1].why_not, "virtual machine"));
}

static void the_gateways_own_port_is_no_way(void **state) {
  static const row rows[] = {
      {"docker-shared-host", "!published port > 0.0.0.0 | !the host's own network (127.0.0.1:9090) > 127.0.0.1 | !exec "
                             "(127.0.0.1:9090) > 127.0.0.1"},
      {"docker-loopback", "published port 127.0.0.1:29090 > 0.0.0.0 | container address 172.29.77.2:9090 > 172.29.77.2 "
                          "| exec (127.0.0.1:9090) > 127.0.0.1"},
  };
  (void)state;
  settings.listen = "127.0.0.1:9090";
  CHECK_ALL(rows, CONTAINER_REACH_AUTO);
  find("docker-shared-host", CONTAINER_REACH_AUTO);
  container_paths_report(&paths, &view, &settings, "this machine", &error);
  assert_non_null(strstr(error.what, "that is the gateway's own port"));
  assert_non_null(strstr(error.next, "another port with `listen`"));
  settings.listen = "0.0.0.0:29090";
  find("docker-loopback", CONTAINER_REACH_PUBLISHED);
  assert_non_null(strstr(paths.items[0].why_not, "the gateway's own port"));
}

static void reach_leaves_one_kind(void **state) {
  static const row published[] = {{"docker-loopback", "published port 127.0.0.1:29090 > 0.0.0.0"},
                                  {"docker-unpublished", "!published port > 0.0.0.0"},
                                  {"docker-host", "!published port > 0.0.0.0"}};
  static const row bridge[] = {{"docker-loopback", "container address 172.29.77.2:9090 > 172.29.77.2"},
                               {"docker-none", "!container address > 127.0.0.1"}};
  static const row exec[] = {{"docker-loopback", "exec (127.0.0.1:9090) > 127.0.0.1"},
                             {"docker-remote", "exec (127.0.0.1:9090) > 127.0.0.1"}};
  (void)state;
  CHECK_ALL(published, CONTAINER_REACH_PUBLISHED);
  CHECK_ALL(bridge, CONTAINER_REACH_BRIDGE);
  CHECK_ALL(exec, CONTAINER_REACH_EXEC);
}

static void every_address_finds_room(void **state) {
  (void)state;
  look(&view, "docker-loopback");
  view.published.count = view.own.count = CONTAINER_ADDRESSES_MAX;
  for (int i = 0; i < CONTAINER_ADDRESSES_MAX; i++) {
    container_address *at = &view.published.items[i];
    (void)snprintf(at->host, sizeof(at->host), "127.0.1.%d", i);
    at->port = 9090;
    (void)snprintf(view.own.items[i].host, sizeof(view.own.items[i].host), "10.0.0.%d", i);
  }
  container_paths_find(&paths, &view, &settings);
  assert_int_equal(paths.count, CONTAINER_PATHS_MAX);
}

/* --- the report ---------------------------------------------------------------------------------------- */

/* Ends every way that was left with `why`, and reports. */
static void report(const char *why, const char *where) {
  for (size_t i = 0; i < paths.count; i++) {
    if (!paths.items[i].why_not[0]) {
      (void)snprintf(paths.items[i].why_not, sizeof(paths.items[i].why_not), "%s", why);
    }
  }
  container_paths_report(&paths, &view, &settings, where, &error);
  assert_int_equal(error.leg, PENSTOCK_LEG_ENDPOINT);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_TRANSIENT);
}

static void an_unpublished_port_has_the_words_that_users_know(void **state) {
  (void)state;
  find("docker-user-network", CONTAINER_REACH_AUTO);
  report("no answer in 3 s", "gpu01");
  assert_string_equal(error.what, "Docker port 9090 is not exposed on container 'user' (gpu01), and no other way leads "
                                  "to it. published port: port 9090 is not published; container address "
                                  "172.29.78.2:9090: no answer in 3 s; exec (172.29.78.2:9090): no answer in 3 s");
  assert_string_equal(
      error.next, "Please expose the port with '-p 127.0.0.1:9090:9090': make the container anew as it was made, with "
                  "that added (what is stored in it and not in a volume is lost), so `docker run -d --name user -p "
                  "127.0.0.1:9090:9090 demo:1 /bin/sleep 10000` with its volumes, variables and other options. Or "
                  "put perl, python3, socat or nc into the container: then a command in it carries the stream");
  assert_string_equal(error.detail, "published port: port 9090 is not published\n"
                                    "container address 172.29.78.2:9090: no answer in 3 s\n"
                                    "exec (172.29.78.2:9090): no answer in 3 s");
}

static void the_gateways_own_port_is_not_proposed_on_its_machine(void **state) {
  (void)state;
  find("docker-user-network", CONTAINER_REACH_AUTO);
  report("refused", "this machine");
  assert_non_null(strstr(error.next, "'-p 127.0.0.1:9090:9090'"));
  settings.listen = "127.0.0.1:9090";
  report("refused", "this machine");
  assert_non_null(strstr(error.next, "'-p 127.0.0.1:19090:9090'"));
}

static void a_published_port_that_fails_is_not_called_unpublished(void **state) {
  (void)state;
  find("docker-all", CONTAINER_REACH_AUTO);
  report("refused", "this machine");
  assert_string_equal(error.what, "No way leads to port 9090 of container 'all' (this machine). published port "
                                  "127.0.0.1:29094: refused; container address 172.29.77.5:9090: refused; exec "
                                  "(127.0.0.1:9090): refused");
  assert_non_null(strstr(error.detail, "published port [::1]:29094: refused\n"));
  assert_non_null(strstr(error.next, "perl, python3, socat or nc"));
}

static void publishing_is_not_proposed_where_it_cannot_help(void **state) {
  static const char *const looks[] = {"docker-none", "docker-host", "docker-remote"};
  (void)state;
  for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
    find(looks[i], CONTAINER_REACH_AUTO);
    report("refused", "this machine");
    assert_null(strstr(error.what, "not exposed"));
    assert_null(strstr(error.next, "expose"));
    assert_true(error.next[0] != '\0');
  }
}

static void a_shared_network_is_published_by_its_owner(void **state) {
  (void)state;
  find("docker-shared", CONTAINER_REACH_AUTO);
  view.published.count = 0;
  container_paths_find(&paths, &view, &settings);
  report("refused", "gpu01");
  assert_non_null(strstr(error.what, "Docker port 9090 is not exposed on container 'shared'"));
  assert_non_null(strstr(error.what, "port 9090 is not published by container 'lo', whose network it shares"));
  assert_non_null(strstr(error.next, "'-p 127.0.0.1:9090:9090' on container 'lo'"));
  assert_null(strstr(error.next, "docker run")); /* how that one was made is not known */
}

static void a_container_is_made_anew_as_it_was_made(void **state) {
  (void)state;
  find("docker-user-network", CONTAINER_REACH_AUTO);
  view.has_init = view.has_gpus = 1;
  report("refused", "gpu01");
  assert_non_null(strstr(error.next, "--name user --init --gpus all -p 127.0.0.1:9090:9090 demo:1 /bin/sleep 10000`"));
  settings.container = NULL;
  settings.service = "app";
  report("refused", "gpu01");
  assert_non_null(strstr(error.next, "`ports: [\"127.0.0.1:9090:9090\"]` into its compose file"));
  assert_null(strstr(error.next, "docker run"));
}

/* To publish the port would cost the container, and help nothing. */
static void a_solver_that_nothing_can_reach_has_to_listen_first(void **state) {
  (void)state;
  find("docker-unpublished", CONTAINER_REACH_AUTO);
  report("the container has none of perl", "gpu01");
  assert_string_equal(error.next, "Let the solver listen on all addresses in the container: start it with --host "
                                  "0.0.0.0. Or put perl, python3, socat or nc into the container: then a command in "
                                  "it carries the stream");
  view.is_in_vm = 1; /* its address is of no use then */
  container_paths_find(&paths, &view, &settings);
  report("the container has none of perl", "gpu01");
  assert_non_null(strstr(error.next, "--host 0.0.0.0, and expose the port with '-p 127.0.0.1:9090:9090'"));
  find("podman-shared", CONTAINER_REACH_PUBLISHED);
  report("", "gpu01");
  assert_non_null(strstr(error.next, "--host 0.0.0.0. Or take reach = published"));
}

static void a_way_that_was_asked_for_is_named(void **state) {
  (void)state;
  find("docker-unpublished", CONTAINER_REACH_PUBLISHED);
  report("", "gpu01");
  assert_string_equal(error.what, "Docker port 9090 is not exposed on container 'plain' (gpu01). published port: port "
                                  "9090 is not published");
  assert_non_null(strstr(error.next, "--host 0.0.0.0, and expose the port with '-p 127.0.0.1:9090:9090'"));
  assert_non_null(strstr(error.next, "take reach = published (penstock.ini:7) out of the profile"));
  find("docker-unpublished", CONTAINER_REACH_BRIDGE);
  report("", "gpu01");
  assert_non_null(strstr(error.next, "--host 0.0.0.0. Or take reach = bridge (penstock.ini:7)"));
  find("docker-none", CONTAINER_REACH_EXEC);
  report("it has no /bin/sh", "gpu01");
  assert_non_null(strstr(error.what, "exec (127.0.0.1:9090): it has no /bin/sh"));
  assert_non_null(strstr(error.next, "take reach = exec"));
}

static void a_container_without_a_shell_is_said_to_be_one(void **state) {
  (void)state;
  find("docker-user-network", CONTAINER_REACH_AUTO);
  report("No stream through a command on gpu01: it printed something else first: OCI runtime exec failed: exec failed: "
         "unable to start container process: exec: \"/bin/sh\": stat /bin/sh: no such file or directory: unknown?",
         "gpu01");
  assert_non_null(strstr(error.what, "exec (172.29.78.2:9090): the container has no /bin/sh"));
  assert_non_null(strstr(error.next, "Or use an image with /bin/sh"));
  assert_null(strstr(error.next, "into the container"));
}

static void podman_is_called_by_its_name(void **state) {
  (void)state;
  find("podman-exited", CONTAINER_REACH_AUTO);
  report("refused", "gpu01");
  assert_non_null(strstr(error.what, "Podman port 9090 is not exposed on container 'exited'"));
  assert_non_null(strstr(error.next, "`podman run -d --name exited"));
}

static void a_long_report_is_cut_between_characters(void **state) {
  (void)state;
  find("docker-all", CONTAINER_REACH_AUTO);
  memset(view.name, 'n', sizeof(view.name) - 1);
  report(
      "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
      "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
      "x\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3"
      "\xA9"
      "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3"
      "\xA9",
      "gpu01");
  assert_non_null(strstr(error.what, "published port 127.0.0.1"));
  assert_non_null(strstr(error.what, "container address 172.29.77.5"));
  assert_non_null(strstr(error.what, "exec (127.0.0.1:9090)"));
  for (const unsigned char *at = (const unsigned char *)error.what; *at; at++) {
    assert_true(*at < 0x80 || *at == 0xA9 || (*at == 0xC3 && at[1] == 0xA9));
  }
}

static void a_long_reason_is_cut_at_a_word(void **state) {
  static const char why[] = "it has none of the programs that could carry a stream, and there is a long list of them: "
                            "one, another one, and a third";
  (void)state;
  find("docker-all", CONTAINER_REACH_AUTO);
  report(why, "gpu01");
  assert_non_null(strstr(error.what,
                         ": it has none of the programs that could carry a stream, and there is a long list "
                         "of...; container address"));
  assert_non_null(strstr(error.detail, why));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(every_network_has_its_ways, setup),
      cmocka_unit_test_setup(a_listener_on_loopback_is_reached_from_inside_alone, setup),
      cmocka_unit_test_setup(one_of_two_addresses_is_no_use_to_a_published_port, setup),
      cmocka_unit_test_setup(a_port_published_on_ipv6_leads_to_the_ipv6_address, setup),
      cmocka_unit_test_setup(loopback_comes_first_and_ipv4_before_ipv6, setup),
      cmocka_unit_test_setup(a_container_with_ipv6_alone_binds_that, setup),
      cmocka_unit_test_setup(addresses_elsewhere_are_not_tried, setup),
      cmocka_unit_test_setup(the_gateways_own_port_is_no_way, setup),
      cmocka_unit_test_setup(reach_leaves_one_kind, setup),
      cmocka_unit_test_setup(every_address_finds_room, setup),
      cmocka_unit_test_setup(an_unpublished_port_has_the_words_that_users_know, setup),
      cmocka_unit_test_setup(the_gateways_own_port_is_not_proposed_on_its_machine, setup),
      cmocka_unit_test_setup(a_published_port_that_fails_is_not_called_unpublished, setup),
      cmocka_unit_test_setup(publishing_is_not_proposed_where_it_cannot_help, setup),
      cmocka_unit_test_setup(a_shared_network_is_published_by_its_owner, setup),
      cmocka_unit_test_setup(a_container_is_made_anew_as_it_was_made, setup),
      cmocka_unit_test_setup(a_solver_that_nothing_can_reach_has_to_listen_first, setup),
      cmocka_unit_test_setup(a_way_that_was_asked_for_is_named, setup),
      cmocka_unit_test_setup(a_container_without_a_shell_is_said_to_be_one, setup),
      cmocka_unit_test_setup(podman_is_called_by_its_name, setup),
      cmocka_unit_test_setup(a_long_report_is_cut_between_characters, setup),
      cmocka_unit_test_setup(a_long_reason_is_cut_at_a_word, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
