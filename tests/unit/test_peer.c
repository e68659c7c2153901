/* SPDX-License-Identifier: MIT */
/* Whose process is at the other end of a connection: the kernel is asked again and again by one socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net.h"

static void connect_pair(int pair[2]) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof(address);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
  pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(pair[0], (struct sockaddr *)&address, size), 0);
  pair[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  assert_true(pair[1] >= 0);
  close(listener);
}

static void assert_own(ps_peers *peers) {
  int pair[2];
  uint32_t uid = 1;
  connect_pair(pair);
  assert_int_equal(ps_net_peer(peers, pair[1], &uid), PS_PEER_OWN);
  assert_int_equal(uid, getuid());
  close(pair[0]);
  close(pair[1]);
}

static void test_one_socket_is_kept(void **state) {
  (void)state;
  ps_peers peers;
  ps_peers_init(&peers);
  assert_own(&peers);
  penstock_socket first = peers.socket;
  assert_true(first != PENSTOCK_SOCKET_NONE);
  for (int i = 0; i < 100; i++) {
    assert_own(&peers);
  }
  assert_int_equal(peers.socket, first);
  ps_peers_clear(&peers);
  assert_int_equal(peers.socket, PENSTOCK_SOCKET_NONE);
  ps_peers_clear(&peers);
}

/* One that has gone is not taken for one of ours, and does not spoil the next answer. */
static void test_who_has_gone_is_not_known(void **state) {
  (void)state;
  int pair[2];
  uint32_t uid = 0;
  ps_peers peers;
  ps_peers_init(&peers);
  connect_pair(pair);
  close(pair[0]);
  assert_int_equal(ps_net_peer(&peers, pair[1], &uid), PS_PEER_UNKNOWN);
  close(pair[1]);
  assert_own(&peers);
  ps_peers_clear(&peers);
}

static void test_a_socket_that_is_of_no_use_any_more_is_replaced(void **state) {
  (void)state;
  ps_peers peers;
  ps_peers_init(&peers);
  assert_own(&peers);
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  assert_int_equal(dup3(nothing, (int)peers.socket, O_CLOEXEC), peers.socket);
  assert_own(&peers);
  assert_own(&peers);
  ps_peers_clear(&peers);
  close(nothing);
}

/* An answer that was left belongs to another question: here, to one about somebody who has gone. */
static void test_an_answer_to_another_question_is_none(void **state) {
  (void)state;
  ps_peers peers;
  ps_peers_init(&peers);
  assert_own(&peers);
  struct {
    uint32_t size;
    uint16_t type, flags;
    uint32_t sequence, port;
  } question = {.size = sizeof(question), .type = 20, .flags = 1, .sequence = 12345};
  assert_int_equal(send((int)peers.socket, &question, sizeof(question), 0), sizeof(question)); /* is refused */
  assert_own(&peers);
  assert_own(&peers);
  ps_peers_clear(&peers);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_socket_is_kept),
      cmocka_unit_test(test_who_has_gone_is_not_known),
      cmocka_unit_test(test_a_socket_that_is_of_no_use_any_more_is_replaced),
      cmocka_unit_test(test_an_answer_to_another_question_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
