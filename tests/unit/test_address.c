/* SPDX-License-Identifier: MIT */
/* Addresses as text, and the way back to our own port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/address.h"
#include "common/tcp.h"

static void test_split(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *host;
    uint16_t port;
  } good[] = {
      {"127.0.0.1:9090", "127.0.0.1", 9090},     {"gpu01:1", "gpu01", 1}, {"[::1]:65535", "::1", 65535},
      {"[fe80::1%eth0]:22", "fe80::1%eth0", 22}, {"::1:80", "::1", 80},   {"a:0", "a", 0},
  };
  static const char *const bad[] = {"",     "a",    "a:",   ":1",     "a:65536",      "a:-1",
                                    "a: 1", "a:1x", "[]:1", "[::1:1", "a:99999999999"};
  char host[ADDRESS_HOST_SIZE];
  uint16_t port = 0;
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    assert_int_equal(address_split(good[i].text, host, &port), 0);
    assert_string_equal(host, good[i].host);
    assert_int_equal(port, good[i].port);
  }
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    assert_int_equal(address_split(bad[i], host, &port), PENSTOCK_E_INVALID);
  }
  assert_int_equal(address_split(NULL, host, &port), PENSTOCK_E_INVALID);
  char huge[ADDRESS_HOST_SIZE + 8];
  memset(huge, 'a', ADDRESS_HOST_SIZE);
  memcpy(huge + ADDRESS_HOST_SIZE, ":1", 3);
  assert_int_equal(address_split(huge, host, &port), PENSTOCK_E_INVALID);
}

static void test_reaches(void **state) {
  (void)state;
  static const struct {
    const char *to;
    const char *listener;
    int reaches;
  } cases[] = {
      {"127.0.0.1:9090", "127.0.0.1:9090", 1}, {"127.0.0.1:9091", "127.0.0.1:9090", 0},
      {"localhost:9090", "127.0.0.1:9090", 1}, {"LOCALHOST:9090", "[::1]:9090", 1},
      {"127.0.0.1:9090", "localhost:9090", 1}, {"127.0.0.1:9090", "[::1]:9090", 0},
      {"127.0.0.2:9090", "127.0.0.1:9090", 0}, {"127.0.0.2:9090", "0.0.0.0:9090", 1},
      {"[::1]:9090", "[::]:9090", 1},          {"0.0.0.0:9090", "127.0.0.1:9090", 1},
      {"gpu01:9090", "127.0.0.1:9090", 0},     {"gpu01:9090", "0.0.0.0:9090", 0},
      {"gpu01:9090", "GPU01:9090", 1},         {"127.0.0.1:0", "127.0.0.1:0", 0},
      {"nonsense", "127.0.0.1:9090", 0},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    assert_int_equal(address_reaches(cases[i].to, cases[i].listener), cases[i].reaches);
  }
}

static void test_parse(void **state) {
  (void)state;
  penstock_address address;
  static const uint8_t loopback[16] = {127, 0, 0, 1};
  assert_int_equal(tcp_parse("127.0.0.1", 80, &address), 0);
  assert_int_equal(address.family, 4);
  assert_int_equal(address.port, 80);
  assert_int_equal(memcmp(address.bytes, loopback, 16), 0);
  assert_int_equal(tcp_parse("::1", 80, &address), 0);
  assert_int_equal(address.family, 6);
  assert_int_equal(address.bytes[15], 1);
  assert_int_equal(tcp_parse("localhost", 80, &address), PENSTOCK_E_NOT_FOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_split),
      cmocka_unit_test(test_reaches),
      cmocka_unit_test(test_parse),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
