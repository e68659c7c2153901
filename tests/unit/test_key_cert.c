/* SPDX-License-Identifier: MIT */
/* Certificates and public keys as ssh-keygen made them: what is read, and that nothing cut short is. */
#include "common/ssh/login/key_cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/ssh/hostkey/key_blob.h"
#include "common/ssh/hostkey/known_hosts.h"

/* For alice and bob, from 2020-01-01 to 2030-01-01; the host's for gpu01. Its key is the Ed25519 one. */
#define ECDSA_CERT                                                                                                     \
  "AAAAKGVjZHNhLXNoYTItbmlzdHAzODQtY2VydC12MDFAb3BlbnNzaC5jb20AAAAgXaJixKi31zZ3gNlcZzdGfwoBKFlQZ/zntXe7"               \
  "6f7tmhEAAAAIbmlzdHAzODQAAABhBNqhUdKW2XfV9eV1t5VLjI++hlYxcyjnOOW39bqpZ2KKcFMzKtm28qtI0zlfgiYttmceEP2x"               \
  "PzpgD/iST1tiyGbm45xhj76Nmn6q3y/hLKEhLdhb0+hgANfvbMpelJvyhAAAAAAAAAAHAAAAAQAAAAx0aGUgZWNkc2EgaWQAAAAQ"               \
  "AAAABWFsaWNlAAAAA2JvYgAAAABeC+EAAAAAAHDb2IAAAAAAAAAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAAF3Bl"               \
  "cm1pdC1hZ2VudC1mb3J3YXJkaW5nAAAAAAAAABZwZXJtaXQtcG9ydC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAA"               \
  "AA5wZXJtaXQtdXNlci1yYwAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACBvM2Y4F9rN4diBqX0ciGIyHkAByUubpLomNDKw"               \
  "699abQAAAFMAAAALc3NoLWVkMjU1MTkAAABA+vE0l5qcOuxMdhid/1Q2i8Q2VI9OHvdrkz4X3+9WM76hYyZ4rCmcJntg330kA0sv"               \
  "yPJdKRjmwGvZkbnCvyITBw=="

#define ECDSA_KEY                                                                                                      \
  "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBNqhUdKW2XfV9eV1t5VLjI++hlYxcyjnOOW39bqpZ2KKcFMz"               \
  "Ktm28qtI0zlfgiYttmceEP2xPzpgD/iST1tiyGbm45xhj76Nmn6q3y/hLKEhLdhb0+hgANfvbMpelJvyhA=="

#define RSA_CERT                                                                                                       \
  "AAAAHHNzaC1yc2EtY2VydC12MDFAb3BlbnNzaC5jb20AAAAgD5XmLgAL+EKHJhk2S9U5LxrAOx0ipaZuRB5Z84uRtVoAAAADAQAB"               \
  "AAAAgQCzUMzVDxW2OFTRZw9ScjGJJDP88ka7KxSp91AMEPixVEAqvwO4sstTtanRbfnAlNkbCyqqYFMEVZ9R9dTC1MuJN2F9o8pt"               \
  "DcbqVp/r+/RYRDHOScy+8otuftZahkZSiJ6K0ZTt3ZZgo0/dfTDo/FRslVXvWZpmUXkQs3tpMhuQ/QAAAAAAAAAHAAAAAQAAAAp0"               \
  "aGUgcnNhIGlkAAAAEAAAAAVhbGljZQAAAANib2IAAAAAXgvhAAAAAABw29iAAAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJk"               \
  "aW5nAAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAKcGVy"               \
  "bWl0LXB0eQAAAAAAAAAOcGVybWl0LXVzZXItcmMAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgbzNmOBfazeHYgal9HIhi"               \
  "Mh5AAclLm6S6JjQysOvfWm0AAABTAAAAC3NzaC1lZDI1NTE5AAAAQLvwND998p+n0psu2aRCWJXxz/V1w66KzW9N76lUT+60cfs4"               \
  "qVEz8zL+E1co40uWwjx6Kk200YQIG/mHDKAeUgE="

#define RSA_KEY                                                                                                        \
  "AAAAB3NzaC1yc2EAAAADAQABAAAAgQCzUMzVDxW2OFTRZw9ScjGJJDP88ka7KxSp91AMEPixVEAqvwO4sstTtanRbfnAlNkbCyqq"               \
  "YFMEVZ9R9dTC1MuJN2F9o8ptDcbqVp/r+/RYRDHOScy+8otuftZahkZSiJ6K0ZTt3ZZgo0/dfTDo/FRslVXvWZpmUXkQs3tpMhuQ"               \
  "/Q=="

#define HOST_CERT                                                                                                      \
  "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIDoFtXe7mCkyJy+NB7grxlQ+/3mT1TEb/5i6py5XTQOjAAAA"               \
  "IDsfgj/Kz4j1Ug1najXQoy++jh35/Lfj3LXrU2Gg30d7AAAAAAAAAAAAAAACAAAABGhvc3QAAAAJAAAABWdwdTAxAAAAAF4L4QAA"               \
  "AAAAcNvYgAAAAAAAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgbzNmOBfazeHYgal9HIhiMh5AAclLm6S6JjQysOvfWm0A"               \
  "AABTAAAAC3NzaC1lZDI1NTE5AAAAQPqY6hlXIA93PfOLFoWceWOciTENxk67ZIVFGZkqfJ9sk771rmUYg0e0+Ohf8LoSKY10gNQY"               \
  "U7TjGiycPM/Edwk="

#define ED25519_KEY "AAAAC3NzaC1lZDI1NTE5AAAAIDsfgj/Kz4j1Ug1najXQoy++jh35/Lfj3LXrU2Gg30d7"

#define Y2020 1577836800u
#define Y2030 1893456000u

static uint8_t *decode(const char *text, size_t *size) {
  uint8_t *blob = known_hosts_decode(text, strlen(text), size);
  assert_non_null(blob);
  return blob;
}

static void parse(key_cert *cert, const char *text) {
  size_t size;
  uint8_t *blob = decode(text, &size);
  assert_int_equal(key_cert_parse(cert, blob, size), 0);
  assert_int_equal(cert->blob_size, size);
  assert_memory_equal(cert->blob, blob, size);
  free(blob);
}

static void assert_plain(const key_cert *cert, const char *text) {
  size_t size;
  uint8_t *blob = decode(text, &size);
  assert_int_equal(cert->plain_size, size);
  assert_memory_equal(cert->plain, blob, size);
  free(blob);
}

static void test_parse(void **state) {
  static const struct {
    const char *cert;
    const char *key;
    const char *type;
    const char *id;
    int is_host;
  } cases[] = {
      {ECDSA_CERT, ECDSA_KEY, "ecdsa-sha2-nistp384-cert-v01@openssh.com", "the ecdsa id", 0},
      {RSA_CERT, RSA_KEY, "ssh-rsa-cert-v01@openssh.com", "the rsa id", 0},
      {HOST_CERT, ED25519_KEY, "ssh-ed25519-cert-v01@openssh.com", "host", 1},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    key_cert cert;
    parse(&cert, cases[i].cert);
    assert_plain(&cert, cases[i].key);
    assert_string_equal(cert.type, cases[i].type);
    assert_string_equal(cert.id, cases[i].id);
    assert_int_equal(cert.is_host, cases[i].is_host);
    assert_int_equal(cert.valid_after, Y2020);
    assert_int_equal(cert.valid_before, Y2030);
    key_cert_clear(&cert);
  }
}

static void assert_complaint(const char *text, const char *user, uint64_t now, const char *words) {
  key_cert cert;
  char said[300];
  parse(&cert, text);
  assert_int_equal(key_cert_complain(&cert, user, now, said, sizeof(said)), words != NULL);
  assert_string_equal(said, words ? words : "");
  key_cert_clear(&cert);
}

static void test_complaints(void **state) {
  (void)state;
  assert_complaint(RSA_CERT, "alice", Y2020, NULL);
  assert_complaint(RSA_CERT, "bob", Y2030 - 1, NULL);
  assert_complaint(RSA_CERT, "alice", Y2030, "it expired on 2030-01-01 00:00 UTC");
  assert_complaint(RSA_CERT, "alice", Y2020 - 1, "it is not valid before 2020-01-01 00:00 UTC");
  assert_complaint(RSA_CERT, "alic", Y2020, "it is for alice, bob, not for alic");
  assert_complaint(RSA_CERT, "bob,alice", Y2020, "it is for alice, bob, not for bob,alice");
  assert_complaint(HOST_CERT, "gpu01", Y2020, "it is a host's certificate, not a user's");
}

static void test_what_is_cut_short_is_no_certificate(void **state) {
  key_cert cert;
  key_cert whole;
  size_t size;
  uint8_t *blob = decode(RSA_CERT, &size);
  (void)state;
  assert_int_equal(key_cert_parse(&whole, blob, size), 0);
  size_t needed = (size_t)(whole.principals + whole.principals_size - whole.blob) + 16; /* and the two times */
  for (size_t i = 0; i < needed; i++) {
    uint8_t *part = malloc(i + 1); /* so that reading too far is found */
    assert_non_null(part);
    memcpy(part, blob, i);
    assert_int_not_equal(key_cert_parse(&cert, part, i), 0);
    free(part);
  }
  key_cert_clear(&whole);
  blob[3] = 0xFF; /* the length of the type */
  assert_int_not_equal(key_cert_parse(&cert, blob, size), 0);
  free(blob);
}

static void test_plain_keys_are_no_certificates(void **state) {
  key_cert cert;
  size_t size;
  uint8_t *blob = decode(ED25519_KEY, &size);
  (void)state;
  assert_int_not_equal(key_cert_parse(&cert, blob, size), 0);
  assert_int_not_equal(key_cert_parse(&cert, blob, 0), 0);
  free(blob);
  assert_true(key_cert_is_type("sk-ssh-ed25519-cert-v01@openssh.com"));
  assert_false(key_cert_is_type("ssh-ed25519"));
  assert_false(key_cert_is_type("-cert-v01@openssh.com"));
}

static unsigned bits(const char *text) {
  size_t size;
  uint8_t *blob = decode(text, &size);
  unsigned result = key_blob_bits(blob, size);
  free(blob);
  return result;
}

static void test_bits(void **state) {
  size_t size;
  uint8_t *blob = decode(RSA_KEY, &size);
  (void)state;
  assert_int_equal(bits(RSA_KEY), 1024);
  assert_int_equal(bits(ECDSA_KEY), 384);
  assert_int_equal(bits(ED25519_KEY), 256);
  assert_int_equal(bits(RSA_CERT), 0);
  assert_int_equal(key_blob_bits(blob, 20), 0);
  free(blob);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parse),
      cmocka_unit_test(test_complaints),
      cmocka_unit_test(test_what_is_cut_short_is_no_certificate),
      cmocka_unit_test(test_plain_keys_are_no_certificates),
      cmocka_unit_test(test_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
