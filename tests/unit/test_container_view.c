/* SPDX-License-Identifier: MIT */
/* What is made of a look at a container: recorded ones, and answers that no engine should give. */
#include "container_looks.h"

static container_view view;

/* --- recorded ------------------------------------------------------------------------------------------ */

/* "127.0.0.1:29090 [::1]:29093": addresses in one line. */
static const char *line_of(const container_addresses *addresses) {
  static char text[1024];
  text[0] = '\0';
  for (size_t i = 0; i < addresses->count; i++) {
    const container_address *at = &addresses->items[i];
    size_t used = strlen(text);
    (void)snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "", at->host);
    used = strlen(text);
    if (at->port) {
      (void)snprintf(text + used, sizeof(text) - used, "/%u", (unsigned)at->port);
    }
  }
  return text;
}

static void what_there_is_to_know_is_read(void **state) {
  (void)state;
  look(&view, "docker-loopback");
  assert_string_equal(view.engine, "docker");
  assert_string_equal(view.engine_version, "20.10.24");
  assert_string_equal(view.engine_at, "unix:///var/run/docker.sock");
  assert_int_equal(view.is_remote + view.is_podman + view.is_rootless + view.is_in_vm, 0);
  assert_int_equal(view.state, CONTAINER_RUNNING);
  assert_string_equal(view.status, "running");
  assert_string_equal(view.id, "9bc10cd375e0fbe0d66aa11de572bf65655256f3e3fadf3b953bf939f338d960");
  assert_string_equal(view.name, "lo");
  assert_string_equal(view.image, "demo:1");
  assert_string_equal(view.command, "/bin/sleep 10000");
  assert_string_equal(view.started_at, "2026-11-25T03:14:56.283511429Z");
  assert_int_equal(view.pid, 3819);
  assert_int_equal(view.network, CONTAINER_NETWORK_OWN);
  assert_string_equal(view.network_of, "");
  assert_string_equal(view.own.items[0].network, "bridge");
  assert_true(view.knows_listeners);
}

typedef struct state_row {
  const char *look;
  container_state state;
  int exit_code;
  const char *fault; /* part of it */
} state_row;

static void every_state_has_its_name(void **state) {
  static const state_row rows[] = {
      {"docker-loopback", CONTAINER_RUNNING, 0, ""},
      {"docker-created", CONTAINER_CREATED, 0, ""},
      {"docker-exited", CONTAINER_EXITED, 3, ""},
      {"docker-paused", CONTAINER_PAUSED, 0, ""},
      {"docker-restarting", CONTAINER_RESTARTING, 1, ""},
      {"docker-badcmd", CONTAINER_CREATED, 127, "exec: \"/bin/nothere\""},
      {"docker-taken", CONTAINER_CREATED, 128, "port is already allocated"},
      {"docker-oom", CONTAINER_EXITED, 137, ""},
      {"docker-absent", CONTAINER_ABSENT, 0, ""},
      {"podman-loopback", CONTAINER_RUNNING, 0, ""},
      {"podman-created", CONTAINER_CREATED, 0, ""},
      {"podman-exited", CONTAINER_EXITED, 3, ""},
      {"podman-stopped", CONTAINER_EXITED, 137, ""},
      {"podman-paused", CONTAINER_PAUSED, 0, ""},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    look(&view, rows[i].look);
    if (view.state != rows[i].state || view.exit_code != rows[i].exit_code || !strstr(view.fault, rows[i].fault)) {
      fail_msg("%s: state %d (%s), exit code %d, fault %s", rows[i].look, (int)view.state, view.status, view.exit_code,
               view.fault);
    }
    assert_int_equal(view.id[0] == '\0', view.state == CONTAINER_ABSENT);
    assert_int_equal(view.pid != 0, view.state == CONTAINER_RUNNING || view.state == CONTAINER_PAUSED);
    assert_int_equal(view.is_out_of_memory, strcmp(rows[i].look, "docker-oom") == 0);
    assert_int_equal(view.restart_count > 0, strcmp(rows[i].look, "docker-restarting") == 0);
  }
}

typedef struct network_row {
  const char *look;
  container_network network;
  const char *published;
  const char *own;
  const char *exposed; /* NULL: other machines do not reach it */
} network_row;

static void every_network_has_its_ports_and_addresses(void **state) {
  static const network_row rows[] = {
      {"docker-loopback", CONTAINER_NETWORK_OWN, "127.0.0.1/29090", "172.29.77.2", NULL},
      {"docker-two-ports", CONTAINER_NETWORK_OWN, "127.0.0.1/29092 127.0.0.1/29091", "172.29.77.3", NULL},
      {"docker-loopback6", CONTAINER_NETWORK_OWN, "::1/29093", "172.29.77.4", NULL},
      {"docker-all", CONTAINER_NETWORK_OWN, "0.0.0.0/29094 ::/29094", "172.29.77.5", "0.0.0.0"},
      {"docker-publish-all", CONTAINER_NETWORK_OWN, "0.0.0.0/32768 ::/32768", "172.29.77.6", "0.0.0.0"},
      {"docker-29", CONTAINER_NETWORK_OWN, "0.0.0.0/29094 ::/29094", "172.29.77.5", "0.0.0.0"},
      {"docker-unpublished", CONTAINER_NETWORK_OWN, "", "172.29.77.7", NULL},
      {"docker-user-network", CONTAINER_NETWORK_OWN, "", "172.29.78.2", NULL},
      {"docker-two-networks", CONTAINER_NETWORK_OWN, "", "172.29.78.3 172.29.79.2", NULL},
      {"docker-ipv6", CONTAINER_NETWORK_OWN, "", "172.29.80.2 fd00:77::2", NULL},
      {"docker-host", CONTAINER_NETWORK_HOST, "", "", NULL},
      {"docker-none", CONTAINER_NETWORK_NONE, "", "", NULL},
      {"docker-shared", CONTAINER_NETWORK_SHARED, "127.0.0.1/29090", "172.29.77.2", NULL},
      {"docker-shared-host", CONTAINER_NETWORK_HOST, "", "", NULL},
      {"docker-exited", CONTAINER_NETWORK_OWN, "", "", NULL},
      {"podman-loopback", CONTAINER_NETWORK_OWN, "127.0.0.1/28090", "10.233.77.2 fd00:78::2", NULL},
      {"podman-all", CONTAINER_NETWORK_OWN, "0.0.0.0/28094", "10.233.77.3 fd00:78::3", "0.0.0.0"},
      {"podman-host", CONTAINER_NETWORK_HOST, "", "", NULL},
      {"podman-none", CONTAINER_NETWORK_NONE, "", "", NULL},
      {"podman-shared", CONTAINER_NETWORK_SHARED, "127.0.0.1/28090", "10.233.77.2 fd00:78::2", NULL},
      {"podman-rootless", CONTAINER_NETWORK_OWN, "127.0.0.1/28090", "", NULL},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const network_row *row = &rows[i];
    look(&view, row->look);
    if (view.network != row->network || strcmp(line_of(&view.published), row->published) != 0) {
      fail_msg("%s: network %d, published %s", row->look, (int)view.network, line_of(&view.published));
    }
    if (strcmp(line_of(&view.own), row->own) != 0) {
      fail_msg("%s: own %s", row->look, line_of(&view.own));
    }
    const container_address *exposed = container_view_exposed(&view);
    assert_int_equal(exposed != NULL, row->exposed != NULL);
    assert_true(!exposed || !row->exposed || strcmp(exposed->host, row->exposed) == 0);
    assert_int_equal(view.is_podman, strncmp(row->look, "podman", 6) == 0);
  }
}

static void how_it_was_made_is_kept_as_a_shell_reads_it(void **state) {
  static const char gpus[] =
      "engine=docker\ncontainer={\"Id\":\"0123456789ab\",\"State\":{},\"NetworkSettings\":{},\"Config\":{\"Cmd\":"
      "[\"it's\",\"\",\"a=$b\"]},\"HostConfig\":{\"Init\":true,\"DeviceRequests\":[{\"Capabilities\":[[\"gpu\"]]}]}}"
      "\noutcome=ok\n";
  static const char podman[] =
      "engine=podman\ncontainer={\"Id\":\"0123456789ab\",\"State\":{},\"NetworkSettings\":{},\"Config\":"
      "{\"CreateCommand\":[\"podman\",\"run\",\"--device\",\"nvidia.com/gpu=all\"]}}\noutcome=ok\n";
  (void)state;
  look(&view, "docker-oom");
  assert_string_equal(view.arguments, "/bin/sh -c 'a=x; while :; do a=$a$a; done'");
  assert_false(view.has_init || view.has_gpus);
  assert_int_equal(container_view_read(&view, gpus, strlen(gpus), 9090, NULL), 0);
  assert_string_equal(view.arguments, "'it'\\''s' '' 'a=$b'");
  assert_true(view.has_init && view.has_gpus);
  assert_int_equal(container_view_read(&view, podman, strlen(podman), 9090, NULL), 0);
  assert_string_equal(view.arguments, "");
  assert_true(view.has_gpus && !view.has_init);
}

static void any_address_but_a_loopback_one_is_open_to_others(void **state) {
  static const struct {
    const char *look;
    const char *host; /* of what is published, or listened to in the host's network */
    int is_open;
  } rows[] = {
      {"docker-loopback", "127.0.0.1", 0}, {"docker-loopback", "127.0.0.9", 0},
      {"docker-loopback", "::1", 0},       {"docker-loopback", "172.17.0.1", 1},
      {"docker-loopback", "fd00::1", 1},   {"docker-host", "127.0.0.1", 0},
      {"docker-host", "0.0.0.0", 1},       {"docker-host", "::", 1},
      {"docker-host", "192.168.1.5", 1},   {"podman-host", "0.0.0.0", 1},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    look(&view, rows[i].look);
    container_addresses *open = view.network == CONTAINER_NETWORK_HOST ? &view.listeners : &view.published;
    open->count = 2;
    (void)snprintf(open->items[0].host, sizeof(open->items[0].host), "127.0.0.1");
    (void)snprintf(open->items[1].host, sizeof(open->items[1].host), "%s", rows[i].host);
    const container_address *exposed = container_view_exposed(&view);
    if (exposed != (rows[i].is_open ? &open->items[1] : NULL)) {
      fail_msg("%s: %s", rows[i].look, rows[i].host);
    }
  }
  look_with(&view, "docker-host", "");
  view.listeners.count = 1;
  (void)snprintf(view.listeners.items[0].host, sizeof(view.listeners.items[0].host), "0.0.0.0");
  view.is_in_vm = 1; /* not that of a machine that others reach */
  assert_null(container_view_exposed(&view));
}

static void who_owns_a_shared_network_is_told(void **state) {
  (void)state;
  look(&view, "docker-shared");
  assert_string_equal(view.name, "shared");
  assert_string_equal(view.network_of, "lo");
  look(&view, "docker-shared-host");
  assert_string_equal(view.network_of, "host");
  look(&view, "podman-shared");
  assert_string_equal(view.network_of, "lo");
}

/* --- the engine ---------------------------------------------------------------------------------------- */

static void where_the_engine_is_decides_what_its_addresses_mean(void **state) {
  static const struct {
    const char *at;
    int is_rootless;
    int is_in_vm;
  } rows[] = {
      {"unix:///var/run/docker.sock", 0, 0},
      {"unix:///run/user/1000/docker.sock", 1, 0},
      {"unix:///home/ann/.docker/desktop/docker.sock", 0, 1},
      {"unix:///Users/ann/.docker/run/docker.sock", 0, 1},
      {"unix:///Users/ann/.colima/default/docker.sock", 0, 1},
      {"tcp://10.0.0.7:2376", 0, 0},
  };
  char more[256];
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    penstock_error error;
    int size = snprintf(more, sizeof(more), "engine=docker\nremote=0\nat=%s\n", rows[i].at);
    assert_int_equal(container_view_read(&view, more, (size_t)size, 9090, &error), 0);
    assert_string_equal(view.engine_at, rows[i].at);
    assert_int_equal(view.is_rootless, rows[i].is_rootless);
    assert_int_equal(view.is_in_vm, rows[i].is_in_vm);
  }
  look(&view, "docker-remote");
  assert_true(view.is_remote);
  assert_string_equal(view.engine, "sudo -n docker");
  look(&view, "podman-rootless");
  assert_true(view.is_rootless);
}

static void podman_is_known_by_its_command_or_its_answer(void **state) {
  static const struct {
    const char *engine;
    int is_podman;
  } rows[] = {
      {"podman", 1}, {"sudo -n /usr/bin/podman", 1}, {"podman-remote", 1}, {"docker", 0}, {"/podman/docker", 0}};
  char text[128];
  penstock_error error;
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    int size = snprintf(text, sizeof(text), "engine=%s\n", rows[i].engine);
    assert_int_equal(container_view_read(&view, text, (size_t)size, 9090, &error), 0);
    assert_int_equal(view.is_podman, rows[i].is_podman);
  }
  look_with(&view, "podman-host", "");
  assert_true(view.is_podman);
}

/* --- who listens --------------------------------------------------------------------------------------- */

static void listeners_are_read_as_the_kernel_writes_them(void **state) {
  static const struct {
    const char *look;
    const char *listeners;
  } rows[] = {
      {"docker-loopback", "0.0.0.0/9090"},
      {"docker-unpublished", "127.0.0.1/9090"},
      {"docker-two-ports", ""},
      /* The engine's name server on 127.0.0.11 is none of ours. */
      {"docker-user-network", "172.29.78.2/9090"},
      {"docker-two-networks", "172.29.79.2/9090"},
      {"docker-host", "::1/9090"},
      /* An IPv4 address within IPv6, once each; a connection (state 01) is no listener. */
      {"docker-ipv6", "::/9090 127.0.0.1/9090 fd00:77::2/9090"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    look(&view, rows[i].look);
    assert_true(view.knows_listeners);
    if (strcmp(line_of(&view.listeners), rows[i].listeners) != 0) {
      fail_msg("%s: %s", rows[i].look, line_of(&view.listeners));
    }
  }
  look(&view, "docker-loopback6");
  assert_false(view.knows_listeners);
}

static void lines_that_are_no_listeners_are_left_out(void **state) {
  static const char *const lines[] = {
      "tcp=  0: 0100007F:2383 00000000:0000 0A 0\n",                       /* another port */
      "tcp=  0: 0100007F:2382 00000000:0000 01 0\n",                       /* a connection */
      "tcp=  0: 0100007F:2382 00000000:0000\n",                            /* cut */
      "tcp=  0: 0100007:2382 00000000:0000 0A\n",                          /* too short */
      "tcp=  0: 0100007G:2382 00000000:0000 0A\n",                         /* no hex */
      "tcp=  0: 0100007F:-382 00000000:0000 0A\n",                         /* no hex */
      "tcp=  0100007F:2382 00000000:0000 0A\n",                            /* no number before it */
      "tcp6=  0: 0100007F:2382 00000000:0000 0A\n",                        /* IPv4 where IPv6 belongs */
      "tcp=  0: 00000000000000000000000001000000:2382 00000000:0000 0A\n", /* and the other way round */
      "udp=  0: 0100007F:2382 00000000:0000 0A\n",                         /* another table */
      "tcp=\n",                                                            /* empty */
  };
  (void)state;
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
    look_with(&view, "docker-two-ports", lines[i]);
    if (view.listeners.count != 0) {
      fail_msg("%s: %s", lines[i], line_of(&view.listeners));
    }
  }
  look_with(&view, "docker-two-ports", "tcp=  0: 0100007F:2382 00000000:0000 0A");
  assert_int_equal(view.listeners.count, 1);
}

static void a_listener_counts_where_it_is_met(void **state) {
  (void)state;
  look(&view, "docker-loopback"); /* 0.0.0.0 */
  assert_true(container_view_listens_at(&view, "172.29.77.2"));
  assert_false(container_view_listens_at(&view, "fd00:77::2"));
  assert_true(container_view_listens_outside(&view, 4));
  assert_false(container_view_listens_outside(&view, 6));
  look(&view, "docker-unpublished"); /* 127.0.0.1 */
  assert_false(container_view_listens_at(&view, "172.29.77.7"));
  assert_false(container_view_listens_outside(&view, 4));
  look(&view, "docker-ipv6"); /* :: and others */
  assert_true(container_view_listens_at(&view, "172.29.80.2"));
  assert_true(container_view_listens_outside(&view, 4));
  assert_true(container_view_listens_outside(&view, 6));
  look(&view, "docker-two-networks"); /* one address of two */
  assert_true(container_view_listens_at(&view, "172.29.79.2"));
  assert_false(container_view_listens_outside(&view, 4));
  look(&view, "podman-rootless"); /* no address is known: all must be listened to */
  assert_true(container_view_listens_outside(&view, 4));
}

/* --- hostile answers ----------------------------------------------------------------------------------- */

#define ID "\"Id\":\"9bc10cd375e0fbe0d66aa11de572bf65655256f3e3fadf3b953bf939f338d960\""

/* Reads `json` as the container; returns the result. */
static int read_json(const char *json, penstock_error *error) {
  size_t size = strlen(json) + 64;
  char *text = malloc(size);
  assert_non_null(text);
  int used = snprintf(text, size, "engine=docker\ncontainer=%s\n", json);
  int result = container_view_read(&view, text, (size_t)used, 9090, error);
  free(text);
  return result;
}

static void an_answer_that_makes_no_sense_is_an_error(void **state) {
  static const struct {
    const char *json;
    const char *why;
  } rows[] = {
      {"", "no JSON"},
      {"{", "no JSON"},
      {"null", "no JSON"},
      {"[]", "describes no container"},
      {"{}", "describes no container"},
      {"[{},{}]", "describes no container"},
      {"{" ID ",\"State\":[],\"NetworkSettings\":{}}", "describes no container"},
      {"{" ID ",\"State\":{}}", "describes no container"},
      {"{\"State\":{},\"NetworkSettings\":{}}", "no id"},
      {"{\"Id\":7,\"State\":{},\"NetworkSettings\":{}}", "no id"},
      {"{\"Id\":\"--help\",\"State\":{},\"NetworkSettings\":{}}", "no id"},
      {"{\"Id\":\"9bc10cd375e0 rm\",\"State\":{},\"NetworkSettings\":{}}", "no id"},
      {"{" ID "," ID ",\"State\":{},\"NetworkSettings\":{}}", "duplicate"},
      {"{" ID ",\"State\":{},\"NetworkSettings\":{}} and more", "no JSON"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    penstock_error error = {.struct_size = sizeof(error)};
    if (read_json(rows[i].json, &error) >= 0 || !strstr(error.what, rows[i].why)) {
      fail_msg("%s: %s", rows[i].json, error.what);
    }
    assert_int_equal(error.leg, PENSTOCK_LEG_CONTAINER);
    assert_int_equal(error.error_class, PENSTOCK_CLASS_INTERNAL);
    assert_true(error.next[0] != '\0');
    assert_string_equal(view.engine, "docker");
    assert_string_equal(view.id, "");
  }
}

static void values_of_other_types_count_as_unknown(void **state) {
  penstock_error error;
  (void)state;
  assert_int_equal(read_json("{" ID ",\"Name\":[1],\"Path\":{},\"Args\":\"x\",\"RestartCount\":\"5\",\"Config\":7,"
                             "\"HostConfig\":null,\"State\":{\"Status\":1,\"Pid\":-5,\"ExitCode\":1e9,\"OOMKilled\":1},"
                             "\"NetworkSettings\":{\"Ports\":[{\"9090/tcp\":1}],\"Networks\":{\"a\":5,\"b\":null,"
                             "\"c\":{\"IPAddress\":[]},\"d\":{\"IPAddress\":\"evil; rm\"}}}}",
                             &error),
                   0);
  assert_int_equal(view.state, CONTAINER_OTHER);
  assert_string_equal(view.name, "");
  assert_int_equal(view.pid + view.exit_code + view.is_out_of_memory + view.restart_count, 0);
  assert_int_equal(view.own.count + view.published.count, 0);
}

static void ports_are_numbers_and_addresses_numeric(void **state) {
  penstock_error error;
  (void)state;
  assert_int_equal(
      read_json(
          "{" ID ",\"State\":{},\"NetworkSettings\":{\"Ports\":{\"9090/udp\":[{\"HostIp\":\"\",\"HostPort\":\"1\"}],"
          "\"9090/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"\"},{\"HostIp\":\"\",\"HostPort\":\"65536\"},"
          "{\"HostIp\":\"\",\"HostPort\":\"-1\"},{\"HostIp\":\"\",\"HostPort\":\"8x\"},7,null,"
          "{\"HostPort\":\"0\"},{\"HostIp\":\"-v\",\"HostPort\":\"80\"},{\"HostIp\":\"::1%lo\",\"HostPort\":\"80\"},"
          "{\"HostIp\":\"0:0:0::1\",\"HostPort\":\"81\"},{\"HostIp\":\"::1\",\"HostPort\":\"81\"},"
          "{\"HostPort\":82},{\"HostIp\":\"\",\"HostPort\":\"65535\"}]}}}",
          &error),
      0);
  assert_string_equal(line_of(&view.published), "::1/81 0.0.0.0/82 0.0.0.0/65535");
}

static void texts_are_cut_and_made_fit_to_be_shown(void **state) {
  penstock_error error;
  static char json[8192];
  char name[3072];
  (void)state;
  memset(name, 'n', sizeof(name) - 1);
  name[sizeof(name) - 1] = '\0';
  (void)snprintf(json, sizeof(json),
                 "{" ID ",\"Name\":\"/%s\",\"Path\":\"a\\u001b[31m\\nb\\u0000c\",\"Args\":[\"%s\",\"more\"],"
                 "\"State\":{\"Status\":\"\\u0007\",\"Error\":\"x\\ty\\u009b\"},\"NetworkSettings\":{}}",
                 name, name);
  assert_int_equal(read_json(json, &error), 0);
  assert_int_equal(strlen(view.name), sizeof(view.name) - 1);
  assert_memory_equal(view.command, "a?[31m b nnn", 12);
  assert_int_equal(strlen(view.command), sizeof(view.command) - 1);
  assert_string_equal(view.status, "?");
  assert_string_equal(view.fault, "x y??");
}

static void more_addresses_than_there_is_room_for_are_left_out(void **state) {
  static char json[8192];
  penstock_error error;
  (void)state;
  int used = snprintf(json, sizeof(json), "{" ID ",\"State\":{},\"NetworkSettings\":{\"Networks\":{");
  for (int i = 0; i < 40; i++) {
    used += snprintf(json + used, sizeof(json) - (size_t)used, "%s\"n%d\":{\"IPAddress\":\"10.0.0.%d\"}", i ? "," : "",
                     i, i);
  }
  (void)snprintf(json + used, sizeof(json) - (size_t)used, "}}}");
  assert_int_equal(read_json(json, &error), 0);
  assert_int_equal(view.own.count, CONTAINER_ADDRESSES_MAX);
}

static void deep_and_huge_answers_are_refused(void **state) {
  enum { DEEP = 100000, HUGE_SIZE = 5 * 1024 * 1024 };
  penstock_error error = {.struct_size = sizeof(error)};
  char *text = malloc(HUGE_SIZE + 1);
  (void)state;
  assert_non_null(text);
  memset(text, '[', DEEP);
  text[DEEP] = '\0';
  assert_true(read_json(text, &error) < 0);
  memset(text, ' ', HUGE_SIZE);
  text[HUGE_SIZE] = '\0';
  assert_true(read_json(text, &error) < 0);
  assert_non_null(strstr(error.what, "more than 4 MiB"));
  free(text);
}

static void a_container_whose_network_cannot_be_read_is_an_error(void **state) {
  penstock_error error = {.struct_size = sizeof(error)};
  static const char text[] = "engine=podman\ncontainer={" ID ",\"State\":{},\"HostConfig\":{\"NetworkMode\":"
                             "\"container:abc\"},\"NetworkSettings\":{}}\nshared=nonsense\n";
  (void)state;
  assert_true(container_view_read(&view, text, sizeof(text) - 1, 9090, &error) < 0);
  assert_non_null(strstr(error.what, "podman was not understood"));
  assert_string_equal(view.id, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_there_is_to_know_is_read),
      cmocka_unit_test(every_state_has_its_name),
      cmocka_unit_test(every_network_has_its_ports_and_addresses),
      cmocka_unit_test(how_it_was_made_is_kept_as_a_shell_reads_it),
      cmocka_unit_test(any_address_but_a_loopback_one_is_open_to_others),
      cmocka_unit_test(who_owns_a_shared_network_is_told),
      cmocka_unit_test(where_the_engine_is_decides_what_its_addresses_mean),
      cmocka_unit_test(podman_is_known_by_its_command_or_its_answer),
      cmocka_unit_test(listeners_are_read_as_the_kernel_writes_them),
      cmocka_unit_test(lines_that_are_no_listeners_are_left_out),
      cmocka_unit_test(a_listener_counts_where_it_is_met),
      cmocka_unit_test(an_answer_that_makes_no_sense_is_an_error),
      cmocka_unit_test(values_of_other_types_count_as_unknown),
      cmocka_unit_test(ports_are_numbers_and_addresses_numeric),
      cmocka_unit_test(texts_are_cut_and_made_fit_to_be_shown),
      cmocka_unit_test(more_addresses_than_there_is_room_for_are_left_out),
      cmocka_unit_test(deep_and_huge_answers_are_refused),
      cmocka_unit_test(a_container_whose_network_cannot_be_read_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
