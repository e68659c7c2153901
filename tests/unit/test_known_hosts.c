/* SPDX-License-Identifier: MIT */
/* The lines, hashes and fingerprints here were made with OpenSSH's ssh-keygen 9.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ssh/hostkey/known_hosts.h"

#define ED25519       "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINLJEOzwqGVmMNtROuBmNu3cT3MS3A5B3x3WoGyBI+H5"
#define ED25519_PRINT "SHA256:Z56uhbEZ1Wg/HXvgHaAG04wVBspc/4E9JbhzfiZLm2w"
#define OTHER         "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAZXeJfrR3Dn4sHFq4T8gYrswZCMG+GXKLX6Pv3Q7wkU"
#define OTHER_PRINT   "SHA256:tKxO9rUzrlKEnJxdhKAfhUh9td0J+21RNdc20RIW1Qs"
#define ECDSA                                                                                                          \
  "ecdsa-sha2-nistp256 "                                                                                               \
  "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBNSFJMN9AhVnpBGYdM7QjVSoh68JhNy0Ly1T85UKMd03GxWVZxf0kRm/"       \
  "Qchxi7Y3k0RLORGaH2ehGZ2YWny0dEk="
#define ECDSA_PRINT "SHA256:/QXWRNWPzad7TS5XCgDCVhAlif5qd+TkxrgDXJEvLdY"
#define HASHED_22   "|1|sk8GqYiphkATQf8N8nO5EAjMRiI=|kyb2YNa+/6wu/8XXVia4sjwQZ6Q= "
#define HASHED_2222 "|1|Blw1vv15ZEmlBRhFNirzvc18DyA=|m2/LWrtwvGO7mAFkO59xSt9D5Sw= "

static char folder[] = "/tmp/penstock-known-hosts-XXXXXX";
static char first[64];
static char second[64];

static int setup(void **state) {
  (void)state;
  if (!mkdtemp(folder)) {
    return -1;
  }
  (void)snprintf(first, sizeof(first), "%s/known_hosts", folder);
  (void)snprintf(second, sizeof(second), "%s/second", folder);
  return 0;
}

static int clean(void **state) {
  (void)state;
  (void)unlink(first);
  (void)unlink(second);
  return 0;
}

static int teardown(void **state) {
  (void)clean(state);
  return rmdir(folder);
}

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

/* The key of a "type base64" text. */
static uint8_t *blob_of(const char *key, size_t *size) {
  const char *text = strchr(key, ' ') + 1;
  uint8_t *blob = known_hosts_decode(text, strlen(text), size);
  assert_non_null(blob);
  return blob;
}

/* What the file's text says of a key that host:port shows; `line` (optional) gets the line that decided, or 0. */
static known_hosts_verdict verdict_of(const char *text, const char *host, uint16_t port, const char *key,
                                      unsigned *line) {
  const char *files[] = {first, second, NULL};
  known_hosts known;
  const known_hosts_entry *entry = NULL;
  size_t size = 0;
  uint8_t *blob = blob_of(key, &size);
  write_file(first, text);
  assert_int_equal(known_hosts_load(&known, files, host, port, NULL), 0);
  known_hosts_verdict verdict = known_hosts_check(&known, blob, size, &entry);
  if (line) {
    *line = entry ? entry->line : 0;
  }
  known_hosts_unload(&known);
  free(blob);
  return verdict;
}

#define assert_verdict(text, host, port, key, expected)                                                                \
  assert_int_equal(verdict_of(text, host, port, key, NULL), expected)

/* --- reading --------------------------------------------------------------------------------------- */

static void test_fingerprints(void **state) {
  char text[KNOWN_HOSTS_FINGERPRINT_SIZE];
  size_t size = 0;
  uint8_t *blob = blob_of(ED25519, &size);
  (void)state;
  known_hosts_fingerprint(blob, size, text);
  assert_string_equal(text, ED25519_PRINT);
  free(blob);
  blob = blob_of(ECDSA, &size);
  known_hosts_fingerprint(blob, size, text);
  assert_string_equal(text, ECDSA_PRINT);
  free(blob);
}

static void test_names(void **state) {
  char name[KNOWN_HOSTS_NAME_SIZE];
  (void)state;
  known_hosts_name("GPU01.Example.com", 22, name, sizeof(name));
  assert_string_equal(name, "gpu01.example.com");
  known_hosts_name("GPU01", 2222, name, sizeof(name));
  assert_string_equal(name, "[gpu01]:2222");
  known_hosts_name("2001:db8::1", 22, name, sizeof(name));
  assert_string_equal(name, "2001:db8::1");
}

static void test_plain_lines(void **state) {
  unsigned line = 0;
  (void)state;
  assert_verdict("", "gpu01", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("gpu01 " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_OK);
  assert_verdict("gpu01 " ED25519, "gpu01", 22, ED25519, KNOWN_HOSTS_OK); /* no newline at the end */
  assert_verdict("gpu01 " ED25519 " a comment\r\n", "gpu01", 22, ED25519, KNOWN_HOSTS_OK);
  assert_verdict("  \tgpu01\t" ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_OK);
  assert_verdict("gpu01 " ED25519 "\n", "GPU01", 22, ED25519, KNOWN_HOSTS_OK);
  assert_verdict("GPU01 " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_OK);
  assert_verdict("gpu011 " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("gpu0 " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("#gpu01 " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("a,gpu01,192.0.2.1 " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_OK);
  assert_verdict("a,gpu01,192.0.2.1 " ED25519 "\n", "192.0.2.1", 22, ED25519, KNOWN_HOSTS_OK);
  assert_int_equal(verdict_of("# one\n\nother " OTHER "\ngpu01 " ED25519 "\n", "gpu01", 22, ED25519, &line),
                   KNOWN_HOSTS_OK);
  assert_int_equal(line, 4);
}

static void test_lines_that_hold_no_key(void **state) {
  (void)state;
  assert_verdict("gpu01\n", "gpu01", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("gpu01 ssh-ed25519\n", "gpu01", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("gpu01 ssh-ed25519 AAAA\n", "gpu01", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("gpu01 ssh-ed25519 !!!!\n", "gpu01", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  /* The type before the key and the one inside it must be the same. */
  assert_verdict("gpu01 ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAINLJEOzwqGVmMNtROuBmNu3cT3MS3A5B3x3WoGyBI+H5\n", "gpu01", 22,
                 ED25519, KNOWN_HOSTS_UNKNOWN);
  /* Protocol 1 had lines of numbers. */
  assert_verdict("gpu01 1024 35 1234567890\n", "gpu01", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("@unheard-of gpu01 " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("@revoked\n@cert-authority \n@\n", "gpu01", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
}

static void test_patterns(void **state) {
  (void)state;
  assert_verdict("*.example.com " ED25519 "\n", "gpu01.example.com", 22, ED25519, KNOWN_HOSTS_OK);
  assert_verdict("*.example.com " ED25519 "\n", "example.com", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("gpu?? " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_OK);
  assert_verdict("gpu?? " ED25519 "\n", "gpu1", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("* " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_OK);
  assert_verdict("g*u*1 " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_OK);
  assert_verdict("*,!gpu01 " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("!gpu01,* " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("*,!gpu01 " ED25519 "\n", "gpu02", 22, ED25519, KNOWN_HOSTS_OK);
  assert_verdict("!gpu01 " ED25519 "\n", "gpu02", 22, ED25519, KNOWN_HOSTS_UNKNOWN); /* negation alone names nobody */
  assert_verdict(",,gpu01,! " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_OK);
  /* Slow for matchers that go back and forth. */
  assert_verdict("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b " ED25519 "\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                 22, ED25519, KNOWN_HOSTS_UNKNOWN);
}

static void test_ports(void **state) {
  (void)state;
  assert_verdict("[gpu01]:2222 " ED25519 "\n", "gpu01", 2222, ED25519, KNOWN_HOSTS_OK);
  assert_verdict("[gpu01]:2222 " ED25519 "\n", "gpu01", 2223, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("[gpu01]:2222 " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("[gpu*]:* " ED25519 "\n", "gpu01", 2222, ED25519, KNOWN_HOSTS_OK);
  /* A line for the bare name vouches for its key on other ports, and says nothing of other keys there. */
  assert_verdict("gpu01 " ED25519 "\n", "gpu01", 2222, ED25519, KNOWN_HOSTS_OK);
  assert_verdict("gpu01 " ED25519 "\n", "gpu01", 2222, OTHER, KNOWN_HOSTS_UNKNOWN);
  /* ... unless the port has keys of its own. */
  assert_verdict("gpu01 " ED25519 "\n[gpu01]:2222 " OTHER "\n", "gpu01", 2222, ED25519, KNOWN_HOSTS_CHANGED);
  assert_verdict("gpu01 " ED25519 "\n[gpu01]:2222 " OTHER "\n", "gpu01", 2222, OTHER, KNOWN_HOSTS_OK);
}

static void test_hashed_names(void **state) {
  (void)state;
  assert_verdict(HASHED_22 ED25519 "\n", "gpu01.example.com", 22, ED25519, KNOWN_HOSTS_OK);
  assert_verdict(HASHED_22 ED25519 "\n", "GPU01.example.com", 22, ED25519, KNOWN_HOSTS_OK);
  assert_verdict(HASHED_22 ED25519 "\n", "gpu02.example.com", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict(HASHED_22 ED25519 "\n", "gpu01.example.com", 22, OTHER, KNOWN_HOSTS_CHANGED);
  assert_verdict(HASHED_2222 ED25519 "\n", "gpu01.example.com", 2222, ED25519, KNOWN_HOSTS_OK);
  assert_verdict(HASHED_2222 ED25519 "\n", "gpu01.example.com", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("@revoked " HASHED_22 ED25519 "\n", "gpu01.example.com", 22, ED25519, KNOWN_HOSTS_IS_REVOKED);
  assert_verdict("|1|sk8GqYiphkATQf8N8nO5EAjMRiI= " ED25519 "\n", "gpu01.example.com", 22, ED25519,
                 KNOWN_HOSTS_UNKNOWN);
  assert_verdict("|2|a|b " ED25519 "\n|1|||| " ED25519 "\n| " ED25519 "\n", "gpu01.example.com", 22, ED25519,
                 KNOWN_HOSTS_UNKNOWN);
}

/* --- judging --------------------------------------------------------------------------------------- */

static void test_changed_keys(void **state) {
  unsigned line = 0;
  (void)state;
  assert_verdict("gpu01 " ED25519 "\n", "gpu01", 22, OTHER, KNOWN_HOSTS_CHANGED);
  /* Another type than the known one is no stranger's key, it is a change. */
  assert_verdict("gpu01 " ECDSA "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_CHANGED);
  /* Any of several keys will do. */
  assert_verdict("gpu01 " OTHER "\ngpu01 " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_OK);
  /* The line that is named has the same type if there is one. */
  assert_int_equal(verdict_of("gpu01 " ECDSA "\ngpu01 " OTHER "\n", "gpu01", 22, ED25519, &line), KNOWN_HOSTS_CHANGED);
  assert_int_equal(line, 2);
  assert_int_equal(verdict_of("gpu01 " ECDSA "\n", "gpu01", 22, ED25519, &line), KNOWN_HOSTS_CHANGED);
  assert_int_equal(line, 1);
}

static void test_markers(void **state) {
  unsigned line = 0;
  (void)state;
  assert_verdict("@revoked gpu01 " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_IS_REVOKED);
  assert_verdict("@revoked * " ED25519 "\n", "gpu01", 2222, ED25519, KNOWN_HOSTS_IS_REVOKED);
  assert_verdict("@revoked gpu01 " ED25519 "\n", "gpu02", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("@revoked gpu01 " ED25519 "\n", "gpu01", 22, OTHER, KNOWN_HOSTS_UNKNOWN);
  /* Wherever it stands, it wins. */
  assert_int_equal(verdict_of("gpu01 " ED25519 "\n@revoked * " ED25519 "\n", "gpu01", 22, ED25519, &line),
                   KNOWN_HOSTS_IS_REVOKED);
  assert_int_equal(line, 2);
  assert_verdict("@revoked * " ED25519 "\ngpu01 " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_IS_REVOKED);
  /* The key of an authority is not the host's. */
  assert_verdict("@cert-authority gpu01 " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_UNKNOWN);
  assert_verdict("@cert-authority gpu01 " ED25519 "\n", "gpu01", 22, OTHER, KNOWN_HOSTS_UNKNOWN);
}

static void test_several_files(void **state) {
  (void)state;
  write_file(second, "gpu01 " ED25519 "\n");
  assert_verdict("other " OTHER "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_OK);
  assert_verdict("gpu01 " OTHER "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_OK);
  write_file(second, "@revoked gpu01 " ED25519 "\n");
  assert_verdict("gpu01 " ED25519 "\n", "gpu01", 22, ED25519, KNOWN_HOSTS_IS_REVOKED);
}

static void test_a_file_that_cannot_be_read(void **state) {
  const char *files[] = {folder, NULL}; /* a folder opens, and does not read */
  const char *missing[] = {"/nonexistent/known_hosts", NULL};
  known_hosts known;
  penstock_error error = {.struct_size = sizeof(error)};
  (void)state;
  assert_int_not_equal(known_hosts_load(&known, files, "gpu01", 22, &error), 0);
  assert_int_equal(error.leg, PENSTOCK_LEG_HOST_KEY);
  assert_non_null(strstr(error.what, folder));
  assert_int_equal(known_hosts_load(&known, missing, "gpu01", 22, &error), 0);
  assert_int_equal(known.count, 0);
  known_hosts_unload(&known);
}

static int has_type(const char *text, uint16_t port, const char *type) {
  const char *files[] = {first, NULL};
  known_hosts known;
  write_file(first, text);
  assert_int_equal(known_hosts_load(&known, files, "gpu01", port, NULL), 0);
  int result = known_hosts_has_type(&known, type);
  known_hosts_unload(&known);
  return result;
}

static void test_known_types(void **state) {
  (void)state;
  assert_true(has_type("gpu01 " ED25519 "\n", 22, "ssh-ed25519"));
  assert_false(has_type("gpu01 " ED25519 "\n", 22, "ecdsa-sha2-nistp256"));
  assert_false(has_type("@revoked gpu01 " ED25519 "\n", 22, "ssh-ed25519"));
  assert_false(has_type("gpu01 " ED25519 "\n@revoked gpu01 " ED25519 "\n", 22, "ssh-ed25519"));
  assert_true(has_type("gpu01 " ED25519 "\n@revoked gpu01 " OTHER "\n", 22, "ssh-ed25519"));
  assert_false(has_type("@cert-authority gpu01 " ED25519 "\n", 22, "ssh-ed25519"));
  assert_true(has_type("gpu01 " ED25519 "\n", 2222, "ssh-ed25519"));
  assert_false(has_type("gpu01 " ED25519 "\n[gpu01]:2222 " ECDSA "\n", 2222, "ssh-ed25519"));
  assert_true(has_type("gpu01 " ED25519 "\n[gpu01]:2222 " ECDSA "\n", 2222, "ecdsa-sha2-nistp256"));
}

/* Line of the authority; 0 if there is none. */
static unsigned authority(const char *text) {
  const char *files[] = {first, NULL};
  known_hosts known;
  write_file(first, text);
  assert_int_equal(known_hosts_load(&known, files, "gpu01", 22, NULL), 0);
  const known_hosts_entry *entry = known_hosts_authority(&known);
  unsigned line = entry ? entry->line : 0;
  known_hosts_unload(&known);
  return line;
}

static void test_authority(void **state) {
  (void)state;
  assert_int_equal(authority("gpu01 " ED25519 "\n"), 0);
  assert_int_equal(authority("#\n@cert-authority gpu* " ED25519 "\n"), 2);
  assert_int_equal(authority("@cert-authority gpu02 " ED25519 "\n"), 0);
  assert_int_equal(authority("@cert-authority * " ED25519 "\n@revoked * " ED25519 "\n"), 0);
  assert_int_equal(authority("@cert-authority * " ED25519 "\n@revoked * " ED25519 "\n@cert-authority * " OTHER "\n"),
                   3);
}

/* --- writing --------------------------------------------------------------------------------------- */

static void append(const char *file, const char *host, uint16_t port, const char *key) {
  penstock_error error = {.struct_size = sizeof(error)};
  size_t size = 0;
  uint8_t *blob = blob_of(key, &size);
  assert_int_equal(known_hosts_append(file, host, port, blob, size, 0, &error), 0);
  free(blob);
}

static void assert_file(const char *path, const char *expected) {
  char text[2048] = "";
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
  (void)fclose(file);
  assert_string_equal(text, expected);
}

static void test_append(void **state) {
  struct stat info;
  (void)state;
  append(first, "GPU01", 22, ED25519);
  append(first, "gpu01", 2222, ECDSA);
  assert_file(first, "gpu01 " ED25519 "\n[gpu01]:2222 " ECDSA "\n");
  assert_int_equal(stat(first, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
}

static void test_append_after_a_line_without_newline(void **state) {
  (void)state;
  write_file(first, "other " OTHER);
  append(first, "gpu01", 22, ED25519);
  assert_file(first, "other " OTHER "\ngpu01 " ED25519 "\n");
}

static void test_append_makes_the_folder(void **state) {
  char made[80];
  char file[96];
  struct stat info;
  (void)state;
  (void)snprintf(made, sizeof(made), "%s/.ssh", folder);
  (void)snprintf(file, sizeof(file), "%s/known_hosts", made);
  append(file, "gpu01", 22, ED25519);
  assert_int_equal(stat(made, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0700);
  assert_int_equal(unlink(file), 0);
  assert_int_equal(rmdir(made), 0);
}

static void test_append_hashed(void **state) {
  const char *files[] = {first, NULL};
  penstock_error error = {.struct_size = sizeof(error)};
  known_hosts known;
  size_t size = 0;
  char line[512] = "";
  (void)state;
  uint8_t *blob = blob_of(ED25519, &size);
  assert_int_equal(known_hosts_append(first, "GPU01", 2222, blob, size, 1, &error), 0);
  assert_int_equal(known_hosts_append(first, "gpu01", 2222, blob, size, 1, &error), 0);
  FILE *file = fopen(first, "r");
  assert_non_null(file);
  line[fread(line, 1, sizeof(line) - 1, file)] = '\0';
  (void)fclose(file);
  assert_null(strstr(line, "gpu01"));
  assert_memory_equal(line, "|1|", 3);
  const char *second_line = strchr(line, '\n') + 1;
  assert_memory_equal(second_line, "|1|", 3);
  assert_memory_not_equal(line, second_line, 30); /* each has a salt of its own */
  assert_int_equal(known_hosts_load(&known, files, "gpu01", 2222, NULL), 0);
  assert_int_equal(known.count, 2);
  assert_int_equal(known_hosts_check(&known, blob, size, NULL), KNOWN_HOSTS_OK);
  known_hosts_unload(&known);
  assert_int_equal(known_hosts_load(&known, files, "gpu01", 22, NULL), 0);
  assert_int_equal(known.count, 0);
  known_hosts_unload(&known);
  free(blob);
}

static void test_append_refuses_what_is_no_name(void **state) {
  static const char *const names[] = {"gpu 01", "gpu01\ngpu02", "*", "a,b", "@revoked", "|1|x", "#x", "!x", "a?"};
  penstock_error error = {.struct_size = sizeof(error)};
  size_t size = 0;
  uint8_t *blob = blob_of(ED25519, &size);
  (void)state;
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    assert_int_not_equal(known_hosts_append(first, names[i], 22, blob, size, 0, &error), 0);
  }
  assert_int_not_equal(access(first, F_OK), 0);
  assert_int_not_equal(known_hosts_append("/proc/known_hosts", "gpu01", 22, blob, size, 0, &error), 0);
  assert_non_null(strstr(error.what, "/proc/known_hosts"));
  free(blob);
}

static void test_decode(void **state) {
  size_t size = 0;
  (void)state;
  uint8_t *bytes = known_hosts_decode("aGk=", 4, &size);
  assert_int_equal(size, 2);
  assert_memory_equal(bytes, "hi", 2);
  free(bytes);
  assert_null(known_hosts_decode("", 0, &size));
  assert_null(known_hosts_decode("aGk", 3, &size));
  assert_null(known_hosts_decode("a*k=", 4, &size));
}

static void test_blob_types(void **state) {
  static const uint8_t lying[] = {0, 0, 0, 200, 'a', 'b'};
  static const uint8_t empty[] = {0, 0, 0, 0};
  static const uint8_t broken[] = {0, 0, 0, 2, 'a', 0};
  char type[8];
  (void)state;
  assert_int_not_equal(known_hosts_blob_type(lying, sizeof(lying), type, sizeof(type)), 0);
  assert_int_not_equal(known_hosts_blob_type(empty, sizeof(empty), type, sizeof(type)), 0);
  assert_int_not_equal(known_hosts_blob_type(broken, sizeof(broken), type, sizeof(type)), 0);
  assert_int_not_equal(known_hosts_blob_type(lying, 3, type, sizeof(type)), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fingerprints),
      cmocka_unit_test(test_names),
      cmocka_unit_test_teardown(test_plain_lines, clean),
      cmocka_unit_test_teardown(test_lines_that_hold_no_key, clean),
      cmocka_unit_test_teardown(test_patterns, clean),
      cmocka_unit_test_teardown(test_ports, clean),
      cmocka_unit_test_teardown(test_hashed_names, clean),
      cmocka_unit_test_teardown(test_changed_keys, clean),
      cmocka_unit_test_teardown(test_markers, clean),
      cmocka_unit_test_teardown(test_several_files, clean),
      cmocka_unit_test_teardown(test_a_file_that_cannot_be_read, clean),
      cmocka_unit_test_teardown(test_known_types, clean),
      cmocka_unit_test_teardown(test_authority, clean),
      cmocka_unit_test_teardown(test_append, clean),
      cmocka_unit_test_teardown(test_append_hashed, clean),
      cmocka_unit_test_teardown(test_append_after_a_line_without_newline, clean),
      cmocka_unit_test_teardown(test_append_makes_the_folder, clean),
      cmocka_unit_test_teardown(test_append_refuses_what_is_no_name, clean),
      cmocka_unit_test(test_decode),
      cmocka_unit_test(test_blob_types),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
