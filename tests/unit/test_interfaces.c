/* SPDX-License-Identifier: MIT */
/* Which interfaces belong to containers alone, read from news as the kernel sends it, and as it never would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "net/interfaces_linux.h"

/* --- messages ----------------------------------------------------------------------------------- */

typedef struct news {
  struct nlmsghdr header;
  struct ifinfomsg link;
  unsigned char attributes[256];
} news;

static news message;

static void *append(unsigned short type, const void *data, size_t size) {
  struct rtattr *added = (void *)((char *)&message + NLMSG_ALIGN(message.header.nlmsg_len));
  added->rta_type = type;
  added->rta_len = (unsigned short)RTA_LENGTH(size);
  if (size > 0) {
    memcpy(RTA_DATA(added), data, size);
  }
  message.header.nlmsg_len = (unsigned)(NLMSG_ALIGN(message.header.nlmsg_len) + RTA_LENGTH(size));
  return added;
}

/* News of a link; `kind` NULL = a real card, `master` 0 = plugged into nothing. */
static const struct nlmsghdr *link_news(unsigned short type, int index, const char *name, const char *kind,
                                        int master) {
  memset(&message, 0, sizeof(message));
  message.header = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(sizeof(message.link)), .nlmsg_type = type};
  message.link = (struct ifinfomsg){.ifi_family = AF_UNSPEC, .ifi_index = index};
  (void)append(IFLA_IFNAME, name, strlen(name) + 1);
  if (master) {
    (void)append(IFLA_MASTER, &master, sizeof(master));
  }
  if (kind) {
    struct rtattr *info = append(IFLA_LINKINFO, NULL, 0);
    (void)append(IFLA_INFO_KIND, kind, strlen(kind) + 1);
    info->rta_len = (unsigned short)((char *)&message + message.header.nlmsg_len - (char *)info);
  }
  return &message.header;
}

static ps_interfaces interfaces;

static void comes(int index, const char *name, const char *kind, int master) {
  ps_interfaces_learn(&interfaces, link_news(RTM_NEWLINK, index, name, kind, master));
}

static void goes(int index) {
  ps_interfaces_learn(&interfaces, link_news(RTM_DELLINK, index, "gone", NULL, 0));
}

static int teardown(void **state) {
  (void)state;
  ps_interfaces_clear(&interfaces);
  return 0;
}

/* ------------------------------------------------------------------------------------------------ */

static void test_what_containers_have(void **state) {
  (void)state;
  comes(1, "lo", NULL, 0);
  comes(2, "eth0", NULL, 0);
  comes(3, "docker0", "bridge", 0);
  comes(7, "veth1a2b", "veth", 3);
  comes(8, "tun0", "tun", 0);
  comes(9, "wg0", "wireguard", 0);
  assert_true(ps_interfaces_counts(&interfaces, 1));
  assert_true(ps_interfaces_counts(&interfaces, 2));
  assert_false(ps_interfaces_counts(&interfaces, 3));
  assert_false(ps_interfaces_counts(&interfaces, 7));
  assert_true(ps_interfaces_counts(&interfaces, 8));
  assert_true(ps_interfaces_counts(&interfaces, 9));
  assert_true(ps_interfaces_counts(&interfaces, 10)); /* nothing is known of it */
}

static void test_the_end_that_is_the_way_out_counts(void **state) {
  (void)state;
  comes(2, "eth0", "veth", 0); /* in a container */
  assert_true(ps_interfaces_counts(&interfaces, 2));
}

static void test_a_bridge_with_a_card_in_it_counts(void **state) {
  (void)state;
  comes(3, "br0", "bridge", 0);
  comes(7, "veth1a2b", "veth", 3);
  assert_false(ps_interfaces_counts(&interfaces, 3));
  comes(2, "eth0", NULL, 3);
  assert_true(ps_interfaces_counts(&interfaces, 3));
  assert_true(ps_interfaces_counts(&interfaces, 2));
  assert_false(ps_interfaces_counts(&interfaces, 7));
  goes(2);
  assert_false(ps_interfaces_counts(&interfaces, 3));
}

/* It is unplugged before it goes, and its routes may go in between. */
static void test_an_end_that_was_plugged_in_stays_one(void **state) {
  (void)state;
  comes(7, "veth1a2b", "veth", 0);
  assert_true(ps_interfaces_counts(&interfaces, 7));
  comes(7, "veth1a2b", "veth", 3);
  comes(7, "veth1a2b", "veth", 0);
  assert_false(ps_interfaces_counts(&interfaces, 7));
  goes(7);
  comes(7, "eth1", NULL, 0); /* another one with its number */
  assert_true(ps_interfaces_counts(&interfaces, 7));
}

static void test_names_and_their_aliases(void **state) {
  (void)state;
  comes(2, "eth0", NULL, 0);
  comes(3, "docker0", "bridge", 0);
  assert_false(ps_interfaces_counts_name(&interfaces, "docker0"));
  assert_false(ps_interfaces_counts_name(&interfaces, "docker0:1"));
  assert_true(ps_interfaces_counts_name(&interfaces, "docker"));
  assert_true(ps_interfaces_counts_name(&interfaces, "docker00"));
  assert_true(ps_interfaces_counts_name(&interfaces, "eth0:1"));
  comes(3, "lan0", "bridge", 0);
  assert_false(ps_interfaces_counts_name(&interfaces, "lan0"));
  assert_true(ps_interfaces_counts_name(&interfaces, "docker0"));
}

/* News of a route out of an interface; 0 = of none, as one over several ways. */
static int is_way(unsigned short type, unsigned char table, unsigned char kind, int index) {
  struct rtmsg *route = (struct rtmsg *)(void *)&message.link;
  memset(&message, 0, sizeof(message));
  message.header = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(sizeof(*route)), .nlmsg_type = type};
  *route = (struct rtmsg){.rtm_family = AF_INET, .rtm_table = table, .rtm_type = kind};
  if (index) {
    (void)append(RTA_OIF, &index, sizeof(index));
  }
  return ps_interfaces_is_way(&interfaces, &message.header);
}

static void test_routes(void **state) {
  (void)state;
  comes(2, "eth0", NULL, 0);
  comes(3, "docker0", "bridge", 0);
  assert_true(is_way(RTM_NEWROUTE, RT_TABLE_MAIN, RTN_UNICAST, 2));
  assert_true(is_way(RTM_DELROUTE, RT_TABLE_MAIN, RTN_UNICAST, 2));
  assert_true(is_way(RTM_NEWROUTE, RT_TABLE_MAIN, RTN_UNICAST, 0));
  assert_true(is_way(RTM_NEWROUTE, RT_TABLE_MAIN, RTN_UNICAST, 9));
  assert_false(is_way(RTM_NEWROUTE, RT_TABLE_MAIN, RTN_UNICAST, 3));
  assert_false(is_way(RTM_DELROUTE, RT_TABLE_MAIN, RTN_UNICAST, 3));
  assert_false(is_way(RTM_NEWROUTE, RT_TABLE_LOCAL, RTN_UNICAST, 2));
  assert_false(is_way(RTM_NEWROUTE, RT_TABLE_MAIN, RTN_MULTICAST, 2));
  assert_false(is_way(RTM_NEWADDR, RT_TABLE_MAIN, RTN_UNICAST, 2));
}

static void test_other_news_teach_nothing(void **state) {
  (void)state;
  struct nlmsghdr *told = (struct nlmsghdr *)(void *)link_news(RTM_NEWADDR, 3, "docker0", "bridge", 0);
  ps_interfaces_learn(&interfaces, told);
  assert_int_equal(interfaces.count, 0);
  comes(2, "eth0", NULL, 3);
  comes(3, "br0", "bridge", 0);
  (void)link_news(RTM_DELLINK, 2, "eth0", NULL, 3);
  message.link.ifi_family = AF_BRIDGE; /* unplugged: the kernel's other message says what it is now */
  ps_interfaces_learn(&interfaces, &message.header);
  assert_int_equal(interfaces.count, 2);
}

/* Each message is cut at each length, in memory that ends there; and lengths within it lie. */
static void test_lengths_are_not_trusted(void **state) {
  (void)state;
  (void)link_news(RTM_NEWLINK, 3, "docker0", "bridge", 5);
  news kept = message;
  for (unsigned length = sizeof(struct nlmsghdr); length <= kept.header.nlmsg_len; length++) {
    struct nlmsghdr *cut = malloc(length);
    assert_non_null(cut);
    memcpy(cut, &kept, length);
    cut->nlmsg_len = length;
    ps_interfaces_learn(&interfaces, cut);
    free(cut);
  }
  for (size_t at = 0; at + 1 < sizeof(kept.attributes); at++) {
    static const unsigned short lies[] = {0, 1, 3, 4, 5, 0x7FFF, 0xFFFF};
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
      message = kept;
      memcpy(message.attributes + at, &lies[i], sizeof(lies[i]));
      ps_interfaces_learn(&interfaces, &message.header);
      assert_in_range(interfaces.count, 0, 1);
    }
  }
}

static void test_this_machine_has_a_loopback(void **state) {
  (void)state;
  comes(12345, "left", "bridge", 0);
  ps_interfaces_load(&interfaces);
  assert_true(interfaces.count > 0);
  assert_true(ps_interfaces_counts_name(&interfaces, "lo"));
  assert_true(ps_interfaces_counts(&interfaces, 12345)); /* forgotten */
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_what_containers_have),
      TEST(test_the_end_that_is_the_way_out_counts),
      TEST(test_a_bridge_with_a_card_in_it_counts),
      TEST(test_an_end_that_was_plugged_in_stays_one),
      TEST(test_names_and_their_aliases),
      TEST(test_routes),
      TEST(test_other_news_teach_nothing),
      TEST(test_lengths_are_not_trusted),
      TEST(test_this_machine_has_a_loopback),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
