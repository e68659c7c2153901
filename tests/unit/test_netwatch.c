/* SPDX-License-Identifier: MIT */
/* Changes of the network are noticed, in a network of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/netwatch.h"

static uv_loop_t loop;
static ps_netwatch *watch;
static int changes;

/* --- the network -------------------------------------------------------------------------------- */

static int control;

static void set_flags_of(const char *name, int up) {
  struct ifreq request = {0};
  (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
  request.ifr_flags = up ? IFF_UP | IFF_RUNNING : 0;
  assert_int_equal(ioctl(control, SIOCSIFFLAGS, &request), 0);
}

static void set_flags(int up) {
  set_flags_of("lo", up);
}

static void set_address_of(const char *name, const char *text) {
  struct ifreq request = {0};
  struct sockaddr_in address = {.sin_family = AF_INET};
  (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
  assert_int_equal(inet_pton(AF_INET, text, &address.sin_addr), 1);
  memcpy(&request.ifr_addr, &address, sizeof(address));
  assert_int_equal(ioctl(control, SIOCSIFADDR, &request), 0);
}

static void set_address(const char *text) {
  set_address_of("lo:1", text);
}

static void change_route(unsigned long how, const char *to) {
  struct rtentry entry = {.rt_flags = RTF_UP | RTF_HOST};
  struct sockaddr_in address = {.sin_family = AF_INET};
  char name[] = "lo";
  assert_int_equal(inet_pton(AF_INET, to, &address.sin_addr), 1);
  memcpy(&entry.rt_dst, &address, sizeof(address));
  entry.rt_dev = name;
  assert_int_equal(ioctl(control, how, &entry), 0);
}

static void set_mtu(int mtu) {
  struct ifreq request = {0};
  (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "lo");
  request.ifr_mtu = mtu;
  assert_int_equal(ioctl(control, SIOCSIFMTU, &request), 0);
}

/* Makes an interface of a kind, or removes it; a pair has its other end in the same network. */
static void change_link(unsigned short how, const char *name, const char *kind) {
  struct {
    struct nlmsghdr header;
    struct ifinfomsg link;
    char attributes[128];
  } request = {
      .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
                 .nlmsg_type = how,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | (how == RTM_NEWLINK ? NLM_F_CREATE | NLM_F_EXCL : 0)}};
  const struct {
    unsigned short type;
    const char *text;
  } attributes[] = {{IFLA_IFNAME, name}, {IFLA_LINKINFO, NULL}, {IFLA_INFO_KIND, kind}};
  struct rtattr *info = NULL;
  for (size_t i = 0; i < (kind ? 3u : 1u); i++) {
    struct rtattr *added = (void *)((char *)&request + NLMSG_ALIGN(request.header.nlmsg_len));
    size_t size = attributes[i].text ? strlen(attributes[i].text) + 1 : 0;
    added->rta_type = attributes[i].type;
    added->rta_len = (unsigned short)RTA_LENGTH(size);
    memcpy(RTA_DATA(added), attributes[i].text ? attributes[i].text : "", size);
    request.header.nlmsg_len = (unsigned)(NLMSG_ALIGN(request.header.nlmsg_len) + RTA_LENGTH(size));
    info = attributes[i].text ? info : added;
  }
  if (info) {
    info->rta_len = (unsigned short)((char *)&request + request.header.nlmsg_len - (char *)info);
  }
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
  } answer = {0};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  assert_int_equal(send(fd, &request, request.header.nlmsg_len, 0), request.header.nlmsg_len);
  assert_true(recv(fd, &answer, sizeof(answer), 0) >= (ssize_t)sizeof(answer));
  assert_int_equal(answer.header.nlmsg_type, NLMSG_ERROR);
  assert_int_equal(answer.error.error, 0);
  (void)close(fd);
}

static void plug(const char *name, const char *bridge) {
  struct ifreq request = {.ifr_ifindex = (int)if_nametoindex(name)};
  (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", bridge);
  assert_int_equal(ioctl(control, SIOCBRADDIF, &request), 0);
}

/* --- the loop ----------------------------------------------------------------------------------- */

static void on_changed(void *context) {
  assert_ptr_equal(context, &changes);
  changes++;
}

static void on_timer(uv_timer_t *timer) {
  *(int *)timer->data = 1;
}

static void run_for(uint64_t milliseconds) {
  uv_timer_t timer;
  int over = 0;
  (void)uv_timer_init(&loop, &timer);
  timer.data = &over;
  uv_update_time(&loop);
  (void)uv_timer_start(&timer, on_timer, milliseconds, 0);
  while (!over) {
    (void)uv_run(&loop, UV_RUN_ONCE);
  }
  uv_close((uv_handle_t *)&timer, NULL);
  (void)uv_run(&loop, UV_RUN_NOWAIT);
}

/* How many changes were told of what has been done just now: so many are waited for, and then for more of them. */
static int told(int expected) {
  changes = 0;
  while (changes < expected) {
    (void)uv_run(&loop, UV_RUN_ONCE);
  }
  run_for(2 * PS_NETWATCH_SETTLE_MS + 100);
  return changes;
}

static int setup(void **state) {
  (void)state;
  set_flags(1);
  assert_int_equal(uv_loop_init(&loop), 0);
  watch = ps_netwatch_start(&loop, on_changed, &changes);
  assert_non_null(watch);
  assert_int_equal(told(0), 0);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  ps_netwatch_stop(watch);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&loop), 0);
  return 0;
}

/* ------------------------------------------------------------------------------------------------ */

static void test_an_address_comes_and_changes(void **state) {
  (void)state;
  set_address("192.0.2.1");
  assert_int_equal(told(1), 1);
  set_address("192.0.2.2");
  assert_int_equal(told(1), 1);
}

static void test_an_interface_goes_and_comes(void **state) {
  (void)state;
  set_flags(0);
  assert_int_equal(told(1), 1);
  set_flags(1);
  assert_int_equal(told(1), 1);
}

static void test_a_route_comes_and_goes(void **state) {
  (void)state;
  change_route(SIOCADDRT, "198.51.100.1");
  assert_int_equal(told(1), 1);
  change_route(SIOCDELRT, "198.51.100.1");
  assert_int_equal(told(1), 1);
}

static void test_a_burst_is_one_change(void **state) {
  (void)state;
  for (int i = 0; i < 20; i++) {
    set_address(i % 2 ? "192.0.2.3" : "192.0.2.4");
    change_route(SIOCADDRT, "198.51.100.2");
    change_route(SIOCDELRT, "198.51.100.2");
  }
  assert_int_equal(told(1), 1);
}

/* The news is lost with the buffer that it does not fit into: better to look once too often. */
static void test_more_news_than_the_kernel_keeps(void **state) {
  (void)state;
  for (int i = 0; i < 5000; i++) {
    change_route(SIOCADDRT, "198.51.100.3");
    change_route(SIOCDELRT, "198.51.100.3");
  }
  assert_in_range(told(1), 1, 2);
  set_address("192.0.2.5");
  assert_int_equal(told(1), 1); /* and it goes on */
}

static void test_what_matters_to_nobody_is_not_told(void **state) {
  (void)state;
  set_mtu(40000);
  assert_int_equal(told(0), 0);
  set_mtu(65536);
  assert_int_equal(told(0), 0);
}

/* What an engine does for the first container of a network, and after the last one. */
static void test_a_container_starts_and_ends(void **state) {
  (void)state;
  change_link(RTM_NEWLINK, "br-test", "bridge");
  change_link(RTM_NEWLINK, "br-inside", "bridge");
  set_address_of("br-test", "198.51.100.9");
  set_flags_of("br-test", 1);
  change_link(RTM_NEWLINK, "port0", "veth"); /* the other end becomes veth0 */
  plug("port0", "br-test");
  plug("veth0", "br-inside"); /* in a network of its own, where there is a container */
  set_flags_of("port0", 1);
  set_flags_of("veth0", 1);
  assert_int_equal(told(0), 0);
  set_address("192.0.2.7"); /* other changes are told as ever */
  assert_int_equal(told(1), 1);
  change_link(RTM_DELLINK, "port0", NULL);
  change_link(RTM_DELLINK, "br-test", NULL);
  change_link(RTM_DELLINK, "br-inside", NULL);
  assert_int_equal(told(0), 0);
}

static void test_stop_with_news_unread(void **state) {
  (void)state;
  changes = 0;
  set_address("192.0.2.6");
  ps_netwatch_stop(watch);
  watch = NULL;
  run_for(PS_NETWATCH_SETTLE_MS + 100);
  assert_int_equal(changes, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_an_address_comes_and_changes),    TEST(test_an_interface_goes_and_comes),
      TEST(test_a_route_comes_and_goes),          TEST(test_a_burst_is_one_change),
      TEST(test_more_news_than_the_kernel_keeps), TEST(test_what_matters_to_nobody_is_not_told),
      TEST(test_a_container_starts_and_ends),     TEST(test_stop_with_news_unread),
  };
  int spaces = geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET;
  if (unshare(spaces) != 0) {
    perror("a network of its own");
    return 1;
  }
  control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  close(control);
  return failed;
}
