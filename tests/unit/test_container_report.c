/* SPDX-License-Identifier: MIT */
/* What clients say, as they said it (docker 20.10 and 28, podman 4.3, sudo 1.9), and what becomes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/container/container_report.h"
#include "common/container/container_there.h"

static const char *fake_origin(const penstock_config *config, const char *key) {
  (void)config;
  return strcmp(key, "engine") == 0 ? "x.ini:9" : NULL;
}

static const char *root; /* of the profile */

static const char *fake_string(const penstock_config *config, const char *key) {
  (void)config;
  return strcmp(key, "root") == 0 ? root : NULL;
}

static const penstock_config config = {
    .struct_size = sizeof(config),
    .profile = "lab",
    .get_origin = fake_origin,
    .get_string = fake_string,
};
static container_settings settings = {
    .config = &config,
    .container = "ppf",
    .start_container = 1,
    .user = "alice",
    .workdir = "/nope",
    .port = 9090,
};
static const container_report_context context = {"gpu01", "docker", "unix:///var/run/docker.sock", &settings};

/* A call, what the client said, and texts that the words must have. */
static const struct {
  container_fault fault;
  const char *call;
  int code;
  const char *said;
  uint32_t error_class;
  const char *what;
  const char *next;
} recorded[] = {
    {CONTAINER_FAULT_NO_CLIENT, "find", 127, "", PENSTOCK_CLASS_CONFIG, "No container engine is installed on gpu01",
     "`engine`"},
    {CONTAINER_FAULT_OPTION, "version", 125,
     "unknown flag: --bogus\nSee 'docker --help'.\n\nUsage:  docker [OPTIONS]\n", PENSTOCK_CLASS_CONFIG,
     "'docker' cannot be run on gpu01: unknown flag: --bogus", "Correct `engine` (x.ini:9)"},
    {CONTAINER_FAULT_OPTION, "version", 125, "Error: unknown shorthand flag: 'q' in -q\n", PENSTOCK_CLASS_CONFIG,
     "unknown shorthand flag: 'q' in -q", "`engine`"},
    {CONTAINER_FAULT_NO_CLIENT, "version", 1, "sudo: docker: command not found\n", PENSTOCK_CLASS_CONFIG, "gpu01",
     "`engine`"},
    {CONTAINER_FAULT_PERMISSION, "inspect", 1,
     "WARNING: Error loading config file: /root/.docker/config.json: open /root/.docker/config.json: permission "
     "denied\n"
     "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "
     "\"http://%2Fvar%2Frun%2Fdocker.sock/v1.24/containers/x/json\": dial unix /var/run/docker.sock: connect: "
     "permission "
     "denied\n",
     PENSTOCK_CLASS_CONFIG, "This user may not use the engine of docker on gpu01 (unix:///var/run/docker.sock)",
     "usermod -aG docker"},
    {CONTAINER_FAULT_PERMISSION, "ps", 1,
     "Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "
     "\"http://%2Fvar%2Frun%2Fdocker.sock/v1.24/containers/json\": dial unix /var/run/docker.sock: connect: permission "
     "denied\n",
     PENSTOCK_CLASS_CONFIG, "may not use the engine", "engine = sudo -n docker"},
    {CONTAINER_FAULT_PERMISSION, "inspect", 1,
     "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock\n",
     PENSTOCK_CLASS_CONFIG, "may not use the engine", "usermod"},
    {CONTAINER_FAULT_NO_ENGINE, "inspect", 1,
     "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n",
     PENSTOCK_CLASS_TRANSIENT, "The engine of docker is not running on gpu01", "systemctl start docker"},
    {CONTAINER_FAULT_NO_ENGINE, "inspect", 1,
     "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the "
     "daemon "
     "is running: dial unix /var/run/docker.sock: connect: no such file or directory\n",
     PENSTOCK_CLASS_TRANSIENT, "is not running", "Start it there"},
    {CONTAINER_FAULT_NO_ENGINE, "start", 1,
     "error during connect: Post \"http://%2Fvar%2Frun%2Fdocker.sock/v1.24/containers/x/start\": EOF\n",
     PENSTOCK_CLASS_TRANSIENT, "is not running", "Start it there"},
    {CONTAINER_FAULT_NO_ENGINE, "ps", 125,
     "Cannot connect to Podman. Please verify your connection to the Linux system using `podman system connection "
     "list`, "
     "or try `podman machine init` and `podman machine start` to manage a new Linux VM\n"
     "Error: unable to connect to Podman socket: Get \"http://d/v4.3.1/libpod/_ping\": dial unix /nonexist.sock: "
     "connect: "
     "no such file or directory\n",
     PENSTOCK_CLASS_TRANSIENT, "is not running", "podman machine"},
    {CONTAINER_FAULT_UNREACHABLE, "inspect", 1,
     "Cannot connect to the Docker daemon at tcp://127.0.0.1:1. Is the docker daemon running?\n",
     PENSTOCK_CLASS_TRANSIENT, "cannot reach its engine", "docker context ls"},
    {CONTAINER_FAULT_UNREACHABLE, "inspect", 1,
     "error during connect: Get \"http://nohost.invalid:1/v1.50/containers/x/json\": dial tcp: lookup nohost.invalid "
     "on "
     "10.255.255.53:53: no such host\n",
     PENSTOCK_CLASS_TRANSIENT, "no such host", "`docker ps`"},
    {CONTAINER_FAULT_UNREACHABLE, "inspect", 1,
     "error during connect: Get \"http://docker.example.com/v1.50/containers/x/json\": command [ssh -o "
     "ConnectTimeout=30 "
     "-T -p 1 -- 127.0.0.1 docker system dial-stdio] has exited with exit status 255, make sure the URL is valid, and "
     "Docker 18.09 or later is installed on the remote host: stderr=ssh: connect to host 127.0.0.1 port 1: Connection "
     "refused\n",
     PENSTOCK_CLASS_TRANSIENT, "/docker.sock: ssh: connect to host 127.0.0.1 port 1: Connection refused",
     "DOCKER_HOST"},
    {CONTAINER_FAULT_UNREACHABLE, "ps", 125,
     "Error: failed to connect: dial tcp 127.0.0.1:1: connect: connection refused\n", PENSTOCK_CLASS_TRANSIENT,
     "connection refused", "`docker ps`"},
    {CONTAINER_FAULT_CONTEXT, "inspect", 1, "unable to resolve docker endpoint: context \"nope\" does not exist\n",
     PENSTOCK_CLASS_CONFIG, "context \"nope\" does not exist", "(x.ini:9)"},
    {CONTAINER_FAULT_CONTEXT, "context", 1,
     "Failed to initialize: unable to resolve docker endpoint: context \"nope\": context not found: open "
     "/root/.docker/contexts/meta/ca37/meta.json: no such file or directory\n",
     PENSTOCK_CLASS_CONFIG, "context not found", "docker context ls"},
    {CONTAINER_FAULT_CONTEXT, "info", 125,
     "Error: failed to resolve active destination: \"nope\" service destination not found\n", PENSTOCK_CLASS_CONFIG,
     "service destination not found", "podman system connection list"},
    {CONTAINER_FAULT_TLS, "inspect", 1,
     "unable to resolve docker endpoint: open /root/.docker/ca.pem: no such file or directory\n", PENSTOCK_CLASS_CONFIG,
     "ca.pem", "DOCKER_CERT_PATH"},
    {CONTAINER_FAULT_TLS, "inspect", 1,
     "error during connect: Get \"https://10.0.0.7:2376/v1.24/containers/x/json\": x509: certificate signed by unknown "
     "authority\n",
     PENSTOCK_CLASS_CONFIG, "x509", "certificates"},
    {CONTAINER_FAULT_VERSION, "inspect", 1,
     "Error response from daemon: client version 1.99 is too new. Maximum supported API version is 1.41\n",
     PENSTOCK_CLASS_CONFIG, "client version 1.99 is too new", "DOCKER_API_VERSION"},
    {CONTAINER_FAULT_SILENT, "inspect", 1,
     "error during connect: Get \"http://10.0.0.7:2375/v1.24/containers/x/json\": context deadline exceeded\n",
     PENSTOCK_CLASS_TRANSIENT, "does not answer", "`docker ps`"},
    {CONTAINER_FAULT_SUDO_PASSWORD, "version", 1, "sudo: a password is required\n", PENSTOCK_CLASS_CONFIG,
     "asks for a password", "NOPASSWD"},
    {CONTAINER_FAULT_SUDO_PASSWORD, "version", 1,
     "sudo: a terminal is required to read the password; either use the -S option to read from standard input or "
     "configure an askpass helper\nsudo: a password is required\n",
     PENSTOCK_CLASS_CONFIG, "asks for a password", "visudo"},
    {CONTAINER_FAULT_SUDO_DENIED, "version", 1,
     "Sorry, user alice is not allowed to execute '/usr/bin/docker --version' as root on gpu01.\n",
     PENSTOCK_CLASS_CONFIG, "may not run docker", "visudo"},
    {CONTAINER_FAULT_SUDO_DENIED, "version", 1, "alice is not in the sudoers file.  This incident will be reported.\n",
     PENSTOCK_CLASS_CONFIG, "is not in the sudoers file", "visudo"},
    {CONTAINER_FAULT_PODMAN_SETUP, "inspect", 125,
     "Error: command required for rootless mode with multiple IDs: exec: \"newuidmap\": executable file not found in "
     "$PATH\n",
     PENSTOCK_CLASS_CONFIG, "newuidmap", "/etc/subuid"},
    {CONTAINER_FAULT_ABSENT, "inspect", 1, "Error: No such container: nope\n\n", PENSTOCK_CLASS_TRANSIENT, "is gone",
     ""},
    {CONTAINER_FAULT_ABSENT, "inspect", 1, "Error response from daemon: No such container: nope\n",
     PENSTOCK_CLASS_TRANSIENT, "is gone", ""},
    {CONTAINER_FAULT_ABSENT, "inspect", 125, "Error: inspecting object: no such container nope\n",
     PENSTOCK_CLASS_TRANSIENT, "is gone", ""},
    {CONTAINER_FAULT_ABSENT, "start", 125, "Error: no container with name or ID \"nope\" found: no such container\n",
     PENSTOCK_CLASS_TRANSIENT, "is gone", ""},
    {CONTAINER_FAULT_PORT_TAKEN, "start", 1,
     "Error response from daemon: driver failed programming external connectivity on endpoint ppf (754ead): Bind for "
     "127.0.0.1:9090 failed: port is already allocated\nError: failed to start containers: ppf\n",
     PENSTOCK_CLASS_TRANSIENT, "Container 'ppf' could not be started: a port that it publishes is in use on gpu01",
     "no port needs to be published"},
    {CONTAINER_FAULT_PORT_TAKEN, "start", 125,
     "Error: unable to start container \"5bca\": cannot listen on the TCP port: listen tcp4 127.0.0.1:9090: bind: "
     "address "
     "already in use\n",
     PENSTOCK_CLASS_TRANSIENT, "address already in use", "another one"},
    {CONTAINER_FAULT_NO_GPU, "start", 1,
     "Error response from daemon: could not select device driver \"\" with capabilities: [[gpu]]\nError: failed to "
     "start "
     "containers: ppf\n",
     PENSTOCK_CLASS_CONFIG, "cannot give it a GPU", "NVIDIA Container Toolkit"},
    {CONTAINER_FAULT_NO_COMMAND, "start", 1,
     "Error response from daemon: failed to create shim task: OCI runtime create failed: runc create failed: unable to "
     "start container process: exec: \"/no/such\": stat /no/such: no such file or directory: unknown\n",
     PENSTOCK_CLASS_CONFIG, "its command cannot be run", "sleep infinity"},
    {CONTAINER_FAULT_NO_COMMAND, "start", 125,
     "Error: unable to start container \"89a3\": runc: runc create failed: unable to start container process: exec: "
     "\"/no/such\": stat /no/such: no such file or directory: OCI runtime attempted to invoke a command that was not "
     "found\n",
     PENSTOCK_CLASS_CONFIG, "its command cannot be run", "sleep infinity"},
    {CONTAINER_FAULT_NO_MOUNT, "start", 1,
     "Error response from daemon: invalid mount config for type \"bind\": bind source path does not exist: /data\n",
     PENSTOCK_CLASS_CONFIG, "/data", "Put it back on gpu01"},
    {CONTAINER_FAULT_DISK_FULL, "start", 1,
     "Error response from daemon: mkdir /var/lib/docker/overlay2/x: no space left on device\n",
     PENSTOCK_CLASS_TRANSIENT, "is full", "docker system df"},
    {CONTAINER_FAULT_NO_COMPOSE, "compose", 127, "/bin/sh: 12: docker-compose: not found\n", PENSTOCK_CLASS_CONFIG,
     "gpu01 has no compose for docker", "docker-compose"},
    {CONTAINER_FAULT_COMPOSE_FILE, "compose", 1, "no configuration file provided: not found\n", PENSTOCK_CLASS_CONFIG,
     "compose finds no file", "`compose_file`"},
    {CONTAINER_FAULT_COMPOSE_FILE, "compose", 1,
     "ERROR: .FileNotFoundError: [Errno 2] No such file or directory: '/srv/compose.yml'\n", PENSTOCK_CLASS_CONFIG,
     "/srv/compose.yml", "`compose_file`"},
    {CONTAINER_FAULT_NO_SERVICE, "compose", 1, "ERROR: No such service: app\n", PENSTOCK_CLASS_CONFIG,
     "no such service", "`service`"},
    {CONTAINER_FAULT_STOPPED, "exec", 1, "Error response from daemon: Container 161fda is not running\n",
     PENSTOCK_CLASS_TRANSIENT, "Container 'ppf' on gpu01 does not run", "docker logs ppf"},
    {CONTAINER_FAULT_STOPPED, "exec", 255,
     "Error: can only create exec sessions on running containers: container state improper\n", PENSTOCK_CLASS_TRANSIENT,
     "does not run", ""},
    {CONTAINER_FAULT_STOPPED, "exec", 137, "", PENSTOCK_CLASS_TRANSIENT, "does not run", ""},
    {CONTAINER_FAULT_PAUSED, "exec", 1,
     "Error response from daemon: Container ppf is paused, unpause the container before exec\n",
     PENSTOCK_CLASS_TRANSIENT, "is paused", "docker unpause ppf"},
    {CONTAINER_FAULT_NO_SHELL, "exec", 126,
     "OCI runtime exec failed: exec failed: unable to start container process: exec: \"/bin/sh\": stat /bin/sh: no "
     "such "
     "file or directory: unknown\n",
     PENSTOCK_CLASS_CONFIG, "Container 'ppf' has no /bin/sh", "leave `root` unset"},
    {CONTAINER_FAULT_NO_SHELL, "exec", 127,
     "Error: runc: exec failed: unable to start container process: exec: \"/bin/sh\": stat /bin/sh: no such file or "
     "directory: OCI runtime attempted to invoke a command that was not found\n",
     PENSTOCK_CLASS_CONFIG, "has no /bin/sh", ""},
    {CONTAINER_FAULT_NO_USER, "exec", 126, "unable to find user alice: no matching entries in passwd file\n",
     PENSTOCK_CLASS_CONFIG, "There is no user 'alice' in container 'ppf'", "`container_user`"},
    {CONTAINER_FAULT_NO_WORKDIR, "exec", 126,
     "OCI runtime exec failed: exec failed: unable to start container process: chdir to cwd (\"/nope\") set in "
     "config.json failed: no such file or directory: unknown\n",
     PENSTOCK_CLASS_CONFIG, "'/nope' cannot be entered", "`container_workdir`"},
    {CONTAINER_FAULT_PROJECTS, "projects", 0, "lab\nwork", PENSTOCK_CLASS_CONFIG, "lab, work", "`project`"},
    {CONTAINER_FAULT_OTHER, "start", 1, "Error response from daemon: something new\n", PENSTOCK_CLASS_TRANSIENT,
     "`docker start` on gpu01 failed with status 1: something new", "`docker ps`"},
    {CONTAINER_FAULT_OTHER, "exec", 2, "", PENSTOCK_CLASS_TRANSIENT, "failed with status 2", ""},
};

static void test_recorded(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(recorded) / sizeof(recorded[0]); i++) {
    penstock_error error = {.struct_size = sizeof(error)};
    print_message("%s: %.70s\n", recorded[i].call, recorded[i].said);
    assert_int_equal(container_report_classify(recorded[i].call, recorded[i].code, recorded[i].said),
                     recorded[i].fault);
    container_report_call(&context, recorded[i].call, recorded[i].code, recorded[i].said, &error);
    print_message("  %s\n  %s\n", error.what, error.next);
    assert_int_equal(error.leg, PENSTOCK_LEG_CONTAINER);
    assert_int_equal(error.error_class, recorded[i].error_class);
    assert_non_null(strstr(error.what, recorded[i].what));
    assert_non_null(strstr(error.next, recorded[i].next));
    assert_null(strchr(error.what, '\n'));
    assert_null(strchr(error.next, '\n'));
  }
}

static void test_client_that_was_named(void **state) {
  (void)state;
  penstock_error error = {.struct_size = sizeof(error)};
  container_settings own = settings;
  container_report_context there = context;
  char word[] = "/opt/docker";
  own.words[0] = word;
  there.engine = word;
  there.settings = &own;
  container_report_call(&there, "find", 127, "", &error);
  assert_string_equal(error.what, "The command '/opt/docker' cannot be run on gpu01");
  own.words[0] = "sudo";
  own.words[1] = "docker";
  there.engine = "sudo docker";
  container_report_call(&there, "find", 127, "", &error);
  assert_string_equal(error.what, "'sudo docker' cannot be run on gpu01: there is no command 'sudo'");
  container_report_call(&there, "version", 125, "unknown flag: --x\nSee 'docker --help'.\n\nUsage:  docker\n  -a\n",
                        &error);
  assert_string_equal(error.detail, "unknown flag: --x\nSee 'docker --help'.");
  assert_non_null(strstr(error.next, "`engine` (x.ini:9)"));
}

static void test_silent(void **state) {
  (void)state;
  penstock_error error = {.struct_size = sizeof(error)};
  container_report_silent(&context, &error);
  assert_string_equal(error.what, "docker on gpu01 does not answer (unix:///var/run/docker.sock)");
  assert_int_equal(error.error_class, PENSTOCK_CLASS_TRANSIENT);
  assert_string_equal(error.detail, "");
}

/* Longer than any place for it, and in no known language. */
static void test_flood(void **state) {
  (void)state;
  penstock_error error = {.struct_size = sizeof(error)};
  size_t size = 100000;
  char *said = malloc(size + 1);
  assert_non_null(said);
  for (size_t i = 0; i + 1 < size; i += 2) {
    memcpy(said + i, "\xC3\xA4", 2);
  }
  said[size] = '\0';
  container_report_call(&context, "start", 1, said, &error);
  assert_int_equal((unsigned char)error.detail[0], 0xC3);
  assert_true(strlen(error.detail) > 4000 && strlen(error.detail) % 2 == 0);
  assert_true(strlen(error.what) < sizeof(error.what));
  memcpy(said + size - 5, "\nend\n", 5);
  container_report_call(&context, "start", 1, said, &error);
  assert_string_equal(error.detail, "end");
  free(said);
}

static void test_absent(void **state) {
  (void)state;
  penstock_error error = {.struct_size = sizeof(error)};
  container_report_absent(&context, "web\tnginx:1\tUp 2 days\nppf2\tzozo/ppf:3\tExited (0) 1 hour ago\n",
                          "nginx:1\n<none>:<none>\nzozo/ppf:3\n", &error);
  assert_string_equal(error.what, "Container 'ppf' does not exist.");
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_non_null(strstr(error.next, "`docker run -d --name ppf --gpus all -p 127.0.0.1:"));
  assert_non_null(strstr(error.next, ":9090 zozo/ppf:3`"));
  assert_non_null(strstr(error.detail, "Containers on gpu01:"));
  const char *near = strstr(error.detail, "ppf2");
  assert_non_null(near);
  assert_true(near < strstr(error.detail, "web"));
  assert_non_null(strstr(error.detail, "Exited (0) 1 hour ago"));

  assert_non_null(strstr(error.detail, "\nImages: nginx:1, zozo/ppf:3"));
  assert_null(strstr(error.detail, "<none>"));

  root = "/root/ppf";
  container_report_absent(&context, "", "zozo/ppf:3\n", &error);
  root = NULL;
  assert_non_null(strstr(error.next, "`docker run -d --name ppf --gpus all -p 127.0.0.1:"));
  assert_non_null(strstr(error.next, ":9090 --init zozo/ppf:3 sleep infinity`"));
  assert_string_equal(error.detail, "There is no container on gpu01.\nImages: zozo/ppf:3");

  container_report_absent(&context, "", "", &error);
  assert_non_null(strstr(error.next, " IMAGE`"));
  assert_string_equal(error.detail, "There is no container on gpu01.");
  container_report_absent(&context, NULL, NULL, &error);
  assert_string_equal(error.detail, "");
}

static void test_absent_service(void **state) {
  (void)state;
  penstock_error error = {.struct_size = sizeof(error)};
  container_settings own = {.config = &config, .service = "app", .project = "lab", .port = 9090};
  container_report_context there = context;
  there.settings = &own;
  container_report_absent(&there, "x\ty\tz", NULL, &error);
  assert_string_equal(error.what, "Service 'app' of project 'lab' has no container on gpu01.");
  assert_non_null(strstr(error.next, "`docker compose -p lab up -d app`"));
  assert_non_null(strstr(error.next, "start_compose = yes"));
}

static void test_many_there(void **state) {
  (void)state;
  char there[30 * 32] = "";
  char text[4096];
  for (int i = 0; i < 30; i++) {
    size_t used = strlen(there);
    (void)snprintf(there + used, sizeof(there) - used, "%s%02d\timage\tUp\n", i == 25 ? "pdf" : "unlike-it", i);
  }
  container_there_list("ppf", "gpu01", there, NULL, text, sizeof(text));
  assert_ptr_equal(strstr(text, "the nearest 20 of 30:"), strchr(text, ',') + 2);
  assert_ptr_equal(strstr(text, "\n  pdf25"), strchr(text, '\n'));
  assert_null(strstr(text, "unlike-it20"));
  container_there_list("ppf", "gpu01", there, "a:1\n", text, 80);
  assert_true(strlen(text) < 80);
  char images[20 * 8] = "";
  for (int i = 0; i < 20; i++) {
    size_t used = strlen(images);
    (void)snprintf(images + used, sizeof(images) - used, "i%02d:1\n", i);
  }
  container_there_list("ppf", "gpu01", "", images, text, sizeof(text));
  assert_non_null(strstr(text, "i11:1, …"));
  assert_null(strstr(text, "i12"));
}

static void test_there_is_robust(void **state) {
  (void)state;
  char text[256];
  char image[8];
  container_there_list("", "gpu01", "\n\n\t\t\t\n\nname only\n", "a:1\n\n<none>:<none>\n", text, sizeof(text));
  assert_non_null(strstr(text, "name only"));
  container_there_image("", "\n:\n", image, sizeof(image));
  assert_string_equal(image, "IMAGE");
  container_there_image("x", "0123456789x\n", image, sizeof(image));
  assert_string_equal(image, "0123456");
}

static void test_held(void **state) {
  (void)state;
  penstock_error error = {.struct_size = sizeof(error)};
  container_view view = {.state = CONTAINER_EXITED, .name = "ppf"};
  container_report_held(&context, &view, &error);
  assert_string_equal(error.what, "Container 'ppf' is stopped, and `start_container = no`");
  assert_non_null(strstr(error.next, "`docker start ppf` on gpu01"));
  view.state = CONTAINER_PAUSED;
  container_report_held(&context, &view, &error);
  assert_string_equal(error.what, "Container 'ppf' is paused, and `start_container = no`");
  assert_non_null(strstr(error.next, "`docker unpause ppf`"));
}

static void test_ended(void **state) {
  (void)state;
  penstock_error error = {.struct_size = sizeof(error)};
  container_view view = {.state = CONTAINER_EXITED, .name = "ppf", .exit_code = 139, .command = "/bin/solver"};
  container_report_ended(&context, &view, &error);
  assert_string_equal(error.what, "Container 'ppf' was started and has ended at once (exit code 139: signal 11)");
  assert_int_equal(error.error_class, PENSTOCK_CLASS_TRANSIENT);
  assert_non_null(strstr(error.next, "`docker logs ppf` on gpu01"));
  view.exit_code = 0;
  container_report_ended(&context, &view, &error);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_non_null(strstr(error.next, "(`/bin/solver`)"));
  view.state = CONTAINER_RESTARTING;
  view.exit_code = 4;
  container_report_ended(&context, &view, &error);
  assert_string_equal(error.what, "Container 'ppf' ends and is started again and again (exit code 4)");
  view.is_out_of_memory = 1;
  container_report_ended(&context, &view, &error);
  assert_non_null(strstr(error.what, "killed for want of memory"));
  assert_non_null(strstr(error.next, "more memory"));
}

static void test_stuck(void **state) {
  (void)state;
  penstock_error error = {.struct_size = sizeof(error)};
  container_view view = {.state = CONTAINER_DEAD, .name = "ppf", .status = "dead"};
  container_report_stuck(&context, &view, &error);
  assert_non_null(strstr(error.next, "`docker rm -f ppf`"));
  view.state = CONTAINER_OTHER;
  (void)snprintf(view.status, sizeof(view.status), "stopping");
  container_report_stuck(&context, &view, &error);
  assert_non_null(strstr(error.what, "in the state stopping"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_recorded),   cmocka_unit_test(test_client_that_was_named),
      cmocka_unit_test(test_silent),     cmocka_unit_test(test_flood),
      cmocka_unit_test(test_absent),     cmocka_unit_test(test_absent_service),
      cmocka_unit_test(test_many_there), cmocka_unit_test(test_there_is_robust),
      cmocka_unit_test(test_held),       cmocka_unit_test(test_ended),
      cmocka_unit_test(test_stuck),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
