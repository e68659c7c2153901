/* SPDX-License-Identifier: MIT */
/* Where control sockets lie: folders and their modes, sockets of those who live and of those who do not. */
#include "control_rig.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "control/place.h"

static char folder[64];

static int begin(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof(folder), "/tmp/pst-place-XXXXXX");
  assert_non_null(mkdtemp(folder));
  return setenv("PENSTOCK_RUNTIME_DIR", folder, 1);
}

static int end(void **state) {
  char path[512];
  (void)state;
  DIR *entries = opendir(folder);
  for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
    (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
    (void)unlink(path);
  }
  closedir(entries);
  return rmdir(folder);
}

static void count_one(void *context, const char *path) {
  assert_true(strncmp(path, folder, strlen(folder)) == 0);
  ++*(int *)context;
}

static int count_sockets(void) {
  int count = 0;
  ps_control_each(count_one, &count, NULL);
  return count;
}

static unsigned mode_of(const char *path) {
  struct stat facts;
  assert_int_equal(lstat(path, &facts), 0);
  return facts.st_mode & 07777;
}

/* A server on a name. Returns what ps_control_server_listen does. */
static int listen_on(rig *self, const char *name, penstock_error *error) {
  self->limits = ps_control_usual_limits;
  rig_start(self);
  return ps_control_server_listen(self->server, name, error);
}

static void test_names(void **state) {
  (void)state;
  static const struct {
    const char *profile;
    const char *address;
    const char *name;
  } cases[] = {
      {"lab", "127.0.0.1:9090", "lab@9090"},
      {"my lab/\xc3\xa4", "[::1]:1", "my_lab___@1"},
      {"../../x", "0.0.0.0:65535", "_._.._x@65535"},
      {".x", "127.0.0.1:2", "_x@2"},
  };
  char name[PS_CONTROL_NAME_SIZE];
  for (size_t i = 1; i < sizeof(cases) / sizeof(cases[0]); i++) {
    ps_control_name(name, sizeof(name), cases[i].profile, cases[i].address);
    assert_null(strchr(name, '/'));
    assert_int_not_equal(name[0], '.');
  }
  ps_control_name(name, sizeof(name), cases[0].profile, cases[0].address);
  assert_string_equal(name, cases[0].name);
  char longest[65];
  memset(longest, 'p', 64);
  longest[64] = '\0';
  ps_control_name(name, sizeof(name), longest, "127.0.0.1:65535");
  assert_string_equal(name + strlen(name) - 6, "@65535");
}

static void test_a_socket_is_ours_alone(void **state) {
  (void)state;
  rig self = {0};
  penstock_error error;
  penstock_socket socket;
  char path[512];
  uint32_t uid = 0;
  uint32_t pid = 0;
  assert_int_equal(listen_on(&self, "lab@1", &error), 0);
  (void)snprintf(path, sizeof(path), "%s/lab@1.sock", folder);
  assert_int_equal(mode_of(path), 0600);
  assert_int_equal(mode_of(folder), 0700);
  assert_int_equal(count_sockets(), 1);
  assert_int_equal(ps_control_dial(path, 1000, &socket, &error), 0);
  assert_int_equal(ps_control_peer(socket, &uid, &pid), 0);
  assert_int_equal(uid, geteuid());
  assert_int_equal(pid, getpid());
  rig_greeted(&self, (int)socket);
  close((int)socket);
  rig_end(&self);
  assert_int_equal(count_sockets(), 0);
  assert_int_equal(ps_control_dial(path, 1000, &socket, &error), PENSTOCK_E_NOT_FOUND);
}

static void test_strangers_are_refused(void **state) {
  (void)state;
  assert_true(ps_control_permits(geteuid()));
  assert_true(ps_control_permits(0));
  assert_false(ps_control_permits(geteuid() + 1));
  assert_false(ps_control_permits((uint32_t)-1));
}

/* As a process leaves it that was killed. */
static void leave_stale(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s.sock", folder, name);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  assert_int_equal(listen(fd, 1), 0);
  close(fd);
}

static void test_what_the_dead_left_is_cleared(void **state) {
  (void)state;
  rig self = {0};
  rig other = {0};
  penstock_error error;
  leave_stale("lab@1");
  leave_stale("old@2");
  assert_int_equal(listen_on(&other, "other@3", &error), 0);
  assert_int_equal(count_sockets(), 1);
  leave_stale("lab@1");
  assert_int_equal(listen_on(&self, "lab@1", &error), 0);
  assert_int_equal(count_sockets(), 2); /* the one that lives is left alone */
  rig_end(&self);
  assert_int_equal(count_sockets(), 1);
  rig_end(&other);
}

static void test_one_that_lives_is_not_replaced(void **state) {
  (void)state;
  rig first = {0};
  rig second = {0};
  penstock_error error;
  char text[32];
  assert_int_equal(listen_on(&first, "lab@1", &error), 0);
  assert_int_not_equal(listen_on(&second, "lab@1", &error), 0);
  (void)snprintf(text, sizeof(text), "(pid %d)", (int)getpid());
  assert_non_null(strstr(error.what, text));
  assert_int_equal(error.error_class, PENSTOCK_CLASS_REFUSED);
  assert_true(error.next[0] != '\0');
  rig_end(&second); /* which must not take away what is not its own */
  assert_int_equal(count_sockets(), 1);
  rig_end(&first);
}

/* So many connections at once are taken in turns, between which the loop does what else there is to do. */
static void test_a_storm_of_connections_gets_its_turn(void **state) {
  (void)state;
  rig self = {0};
  penstock_error error;
  char path[512];
  penstock_socket sockets[40];
  const size_t count = sizeof(sockets) / sizeof(sockets[0]);
  size_t greeted = 0;
  assert_int_equal(listen_on(&self, "lab@1", &error), 0);
  self.limits.turn_ms = 1000000;
  (void)snprintf(path, sizeof(path), "%s/lab@1.sock", folder);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(ps_control_dial(path, 1000, &sockets[i], &error), 0);
  }
  for (int i = 0; i < 50; i++) {
    rig_turn(&self);
  }
  for (size_t i = 0; i < count; i++) {
    char byte;
    greeted += recv((int)sockets[i], &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
  }
  assert_int_equal(greeted, self.limits.clients);
  for (size_t i = 0; i < count; i++) {
    close((int)sockets[i]);
  }
  rig_end(&self);
}

/* … and none of them is forgotten. */
static void test_a_storm_of_connections_ends(void **state) {
  (void)state;
  rig self = {0};
  penstock_error error;
  char path[512];
  penstock_socket sockets[40];
  const size_t count = sizeof(sockets) / sizeof(sockets[0]);
  assert_int_equal(listen_on(&self, "lab@1", &error), 0);
  self.limits.turn_ms = 1;
  self.limits.grace_ms = 1;
  (void)snprintf(path, sizeof(path), "%s/lab@1.sock", folder);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(ps_control_dial(path, 1000, &sockets[i], &error), 0);
  }
  for (size_t i = 0; i < count; i++) {
    rig_greeted(&self, (int)sockets[i]); /* also those who were crowded out afterwards */
    close((int)sockets[i]);
  }
  rig_end(&self);
}

static void test_something_else_is_left_alone(void **state) {
  (void)state;
  rig self = {0};
  penstock_error error;
  char path[512];
  (void)snprintf(path, sizeof(path), "%s/lab@1.sock", folder);
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  (void)fclose(file);
  assert_int_equal(count_sockets(), 0);
  assert_int_not_equal(listen_on(&self, "lab@1", &error), 0);
  assert_int_equal(access(path, F_OK), 0);
  assert_non_null(strstr(error.what, "something else"));
  rig_end(&self);
  assert_int_equal(unlink(path), 0);
}

static void test_a_folder_that_others_can_enter_is_refused(void **state) {
  (void)state;
  rig self = {0};
  penstock_error error;
  assert_int_equal(chmod(folder, 0750), 0);
  assert_int_not_equal(listen_on(&self, "lab@1", &error), 0);
  assert_non_null(strstr(error.next, "chmod 700"));
  assert_int_equal(chmod(folder, 0700), 0);
  rig_end(&self);
}

static void test_a_folder_that_is_not_looked_into_is_told(void **state) {
  (void)state;
  penstock_error shut;
  int count = 0;
  ps_control_each(count_one, &count, &shut);
  assert_string_equal(shut.what, "");
  assert_int_equal(chmod(folder, 0750), 0);
  ps_control_each(count_one, &count, &shut);
  assert_non_null(strstr(shut.what, "no gateway is looked for in"));
  assert_non_null(strstr(shut.what, folder));
  assert_non_null(strstr(shut.next, "chmod 700"));
  assert_int_equal(chmod(folder, 0700), 0);
  /* One that is not there hides no gateway. */
  (void)setenv("PENSTOCK_RUNTIME_DIR", "/nowhere/at/all", 1);
  ps_control_each(count_one, &count, &shut);
  assert_string_equal(shut.what, "");
  (void)setenv("PENSTOCK_RUNTIME_DIR", "not/absolute", 1);
  ps_control_each(count_one, &count, &shut);
  assert_non_null(strstr(shut.what, "PENSTOCK_RUNTIME_DIR"));
  (void)setenv("PENSTOCK_RUNTIME_DIR", folder, 1);
}

static void test_a_link_is_no_folder(void **state) {
  (void)state;
  rig self = {0};
  penstock_error error;
  char link[80];
  (void)snprintf(link, sizeof(link), "%s-link", folder);
  assert_int_equal(symlink(folder, link), 0);
  (void)setenv("PENSTOCK_RUNTIME_DIR", link, 1);
  assert_int_not_equal(listen_on(&self, "lab@1", &error), 0);
  (void)setenv("PENSTOCK_RUNTIME_DIR", folder, 1);
  rig_end(&self);
  assert_int_equal(unlink(link), 0);
}

static void test_a_folder_is_made(void **state) {
  (void)state;
  rig self = {0};
  penstock_error error;
  char session[160];
  (void)unsetenv("PENSTOCK_RUNTIME_DIR");
  (void)setenv("XDG_RUNTIME_DIR", folder, 1);
  assert_int_equal(listen_on(&self, "made@1", &error), 0);
  (void)snprintf(session, sizeof(session), "%s/penstock", folder);
  assert_int_equal(mode_of(session), 0700);
  rig_end(&self);
  assert_int_equal(rmdir(session), 0);
  (void)unsetenv("XDG_RUNTIME_DIR");
  (void)setenv("PENSTOCK_RUNTIME_DIR", folder, 1);
}

static void test_a_path_that_is_too_long_is_told(void **state) {
  (void)state;
  rig self = {0};
  penstock_error error;
  char path[200] = "/tmp/";
  memset(path + 5, 'x', 150);
  (void)setenv("PENSTOCK_RUNTIME_DIR", path, 1);
  assert_int_not_equal(listen_on(&self, "lab@1", &error), 0);
  assert_non_null(strstr(error.what, "too long"));
  (void)setenv("PENSTOCK_RUNTIME_DIR", folder, 1);
  rig_end(&self);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_a_socket_is_ours_alone),
      cmocka_unit_test(test_strangers_are_refused),
      cmocka_unit_test(test_what_the_dead_left_is_cleared),
      cmocka_unit_test(test_one_that_lives_is_not_replaced),
      cmocka_unit_test(test_a_storm_of_connections_gets_its_turn),
      cmocka_unit_test(test_a_storm_of_connections_ends),
      cmocka_unit_test(test_something_else_is_left_alone),
      cmocka_unit_test(test_a_folder_that_others_can_enter_is_refused),
      cmocka_unit_test(test_a_folder_that_is_not_looked_into_is_told),
      cmocka_unit_test(test_a_link_is_no_folder),
      cmocka_unit_test(test_a_folder_is_made),
      cmocka_unit_test(test_a_path_that_is_too_long_is_told),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
