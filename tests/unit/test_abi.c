/* SPDX-License-Identifier: MIT */
/* A plugin's tables are checked member by member, each fault by a message of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../plugins/slots.h"
#include "plugin/abi.h"

/** A plugin without fault that a case may spoil. */
typedef struct tables {
  penstock_option options[2];
  penstock_transport transports[2];
  const penstock_transport *list[2];
  penstock_plugin plugin;
} tables;

static penstock_error error;
static const char *const none[] = {NULL};
static const char *const words[] = {"a", "b", NULL};
static const char *const with_empty[] = {"a", "", NULL};

static void make(tables *t) {
  static const penstock_transport transport = {
      .struct_size = sizeof(penstock_transport), .name = "one", .summary = "The first", TEST_SLOTS};
  static const penstock_option option = {
      .struct_size = sizeof(penstock_option), .type = PENSTOCK_OPTION_STRING, .key = "key", .help = "Help."};
  memset(t, 0, sizeof(*t));
  for (size_t i = 0; i < 2; i++) {
    t->options[i] = option;
    t->transports[i] = transport;
    t->list[i] = &t->transports[i];
  }
  t->options[1].key = "other_key2";
  t->transports[1].name = "two-2";
  t->transports[0].options = t->options;
  t->transports[0].option_count = 2;
  t->plugin = (penstock_plugin){
      sizeof(penstock_plugin), PENSTOCK_ABI_MINOR, "test", "1.0", "MIT", t->list, 2, 0,
  };
}

static void spoil_plugin_size(tables *t) {
  t->plugin.struct_size = 0;
}
static void spoil_plugin_size_huge(tables *t) {
  t->plugin.struct_size = UINT32_MAX;
}
static void spoil_plugin_name(tables *t) {
  t->plugin.name = "a b";
}
static void spoil_plugin_no_name(tables *t) {
  t->plugin.name = NULL;
}
static void spoil_version(tables *t) {
  t->plugin.version = "1\n2";
}
static void spoil_license(tables *t) {
  t->plugin.license = NULL;
}
static void spoil_no_transports(tables *t) {
  t->plugin.transports = NULL;
}
static void spoil_zero_transports(tables *t) {
  t->plugin.transport_count = 0;
}
static void spoil_many_transports(tables *t) {
  t->plugin.transport_count = UINT32_MAX;
}
static void spoil_hole(tables *t) {
  t->list[1] = NULL;
}
static void spoil_transport_size(tables *t) {
  t->transports[1].struct_size = PS_ABI_TRANSPORT_MIN - 1;
}
static void spoil_transport_name(tables *t) {
  t->transports[1].name = "Two";
}
static void spoil_transport_name_long(tables *t) {
  t->transports[1].name = "abcdefghijklmnopqrstuvwxyz0123456";
}
static void spoil_transport_name_null(tables *t) {
  t->transports[0].name = NULL;
}
static void spoil_transport_twice(tables *t) {
  t->transports[1].name = "one";
}
static void spoil_summary(tables *t) {
  t->transports[1].summary = NULL;
}
static void spoil_create(tables *t) {
  t->transports[1].create = NULL;
}
static void spoil_destroy(tables *t) {
  t->transports[1].destroy = NULL;
}
static void spoil_connect(tables *t) {
  t->transports[1].connect = NULL;
}
static void spoil_cancel(tables *t) {
  t->transports[1].cancel = NULL;
}
static void spoil_open_stream(tables *t) {
  t->transports[1].open_stream = NULL;
}
static void spoil_cancel_open(tables *t) {
  t->transports[1].cancel_open = NULL;
}
static void spoil_ready(tables *t) {
  t->transports[1].ready = test_connect;
}
static void spoil_options_null(tables *t) {
  t->transports[0].options = NULL;
}
static void spoil_options_many(tables *t) {
  t->transports[0].option_count = UINT32_MAX;
}
static void spoil_option_size(tables *t) {
  t->options[0].struct_size = 8;
}
static void spoil_option_stride(tables *t) {
  t->options[1].struct_size = sizeof(penstock_option) + 8;
}
static void spoil_key(tables *t) {
  t->options[1].key = "Key";
}
static void spoil_key_digit(tables *t) {
  t->options[1].key = "2key";
}
static void spoil_key_null(tables *t) {
  t->options[1].key = NULL;
}
static void spoil_key_twice(tables *t) {
  t->options[1].key = "key";
}
static void spoil_key_of_core(tables *t) {
  t->options[1].key = "listen";
}
static void spoil_type(tables *t) {
  t->options[1].type = PENSTOCK_OPTION_ENV + 1;
}
static void spoil_help(tables *t) {
  t->options[1].help = "";
}
static void spoil_range(tables *t) {
  t->options[1].type = PENSTOCK_OPTION_INT;
  t->options[1].min = 2;
  t->options[1].max = 1;
}
static void spoil_range_of_text(tables *t) {
  t->options[1].max = 1;
}
static void spoil_required_default(tables *t) {
  t->options[1].flags = PENSTOCK_OPTION_REQUIRED;
  t->options[1].default_value = "x";
}
static void spoil_secret_number(tables *t) {
  t->options[1].type = PENSTOCK_OPTION_INT;
  t->options[1].flags = PENSTOCK_OPTION_SECRET;
}
static void spoil_no_choices(tables *t) {
  t->options[1].type = PENSTOCK_OPTION_CHOICE;
  t->options[1].choices = none;
}
static void spoil_empty_choice(tables *t) {
  t->options[1].type = PENSTOCK_OPTION_CHOICE;
  t->options[1].choices = with_empty;
}
static void spoil_choices_of_text(tables *t) {
  t->options[1].choices = words;
}

static void each_fault_is_named(void **state) {
  (void)state;
  static const struct {
    void (*spoil)(tables *t);
    const char *says;
  } cases[] = {
      {spoil_plugin_size, "its table says that it is 0 bytes long"},
      {spoil_plugin_size_huge, "its table says that it is 4294967295 bytes long"},
      {spoil_plugin_name, "its name is not made of"},
      {spoil_plugin_no_name, "its name is not made of"},
      {spoil_version, "does not say its version and license"},
      {spoil_license, "does not say its version and license"},
      {spoil_no_transports, "it brings 0 transports"},
      {spoil_zero_transports, "it brings 0 transports"},
      {spoil_many_transports, "it brings 4294967295 transports"},
      {spoil_hole, "transport number 2 is missing"},
      {spoil_transport_size, "transport number 2 says that it is"},
      {spoil_transport_name, "transport number 2 has a name that is not made of"},
      {spoil_transport_name_long, "transport number 2 has a name"},
      {spoil_transport_name_null, "transport number 1 has a name"},
      {spoil_transport_twice, "transport 'one': it is brought twice"},
      {spoil_summary, "transport 'two-2': it has no summary"},
      {spoil_create, "transport 'two-2': its slot create is empty"},
      {spoil_destroy, "its slot destroy is empty"},
      {spoil_connect, "its slot connect is empty"},
      {spoil_cancel, "its slot cancel is empty"},
      {spoil_open_stream, "its slot open_stream is empty"},
      {spoil_cancel_open, "its slot cancel_open is empty"},
      {spoil_ready, "ready but no launch"},
      {spoil_options_null, "transport 'one': it declares 2 options, but has no table"},
      {spoil_options_many, "it declares 4294967295 options"},
      {spoil_option_size, "its table of options says that it is 8 bytes long"},
      {spoil_option_stride, "option number 2 has another size"},
      {spoil_key, "option number 2 has a key that is not made of"},
      {spoil_key_digit, "option number 2 has a key"},
      {spoil_key_null, "option number 2 has a key"},
      {spoil_key_twice, "option 'key' is declared twice"},
      {spoil_key_of_core, "option 'listen' is a key that every profile has already"},
      {spoil_type, "option 'other_key2' has a type that this penstock does not know (10)"},
      {spoil_help, "option 'other_key2' has no help"},
      {spoil_range, "a range that is empty"},
      {spoil_range_of_text, "a range but is no INT or DURATION"},
      {spoil_required_default, "is required, so its default could never be used"},
      {spoil_secret_number, "SECRET or FAR_PATH but is no STRING"},
      {spoil_no_choices, "is a CHOICE without choices"},
      {spoil_empty_choice, "a choice that is empty"},
      {spoil_choices_of_text, "has choices but is no CHOICE"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    tables t;
    make(&t);
    cases[i].spoil(&t);
    error.what[0] = '\0';
    assert_null(ps_abi_copy(&t.plugin, "/some/plugin.so", &error));
    assert_int_equal(error.leg, PENSTOCK_LEG_LOCAL);
    assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
    assert_non_null(strstr(error.next, "author"));
    if (!strstr(error.what, cases[i].says) || !strstr(error.what, "/some/plugin.so")) {
      print_error("expected: %s\nwhat: %s\n", cases[i].says, error.what);
      fail();
    }
  }
}

static void copy_is_complete(void **state) {
  (void)state;
  tables t;
  make(&t);
  t.options[1].type = PENSTOCK_OPTION_CHOICE;
  t.options[1].choices = words;
  t.transports[1].launch = test_connect;
  const penstock_plugin *copy = ps_abi_copy(&t.plugin, "/some/plugin.so", &error);
  assert_non_null(copy);
  assert_int_equal(copy->transport_count, 2);
  assert_memory_equal(copy->transports[1], &t.transports[1], sizeof(penstock_transport));
  assert_memory_equal(copy->transports[0]->options, t.options, sizeof(t.options));
  assert_ptr_not_equal(copy->transports[0]->options, t.options);
  ps_abi_free(copy);
}

static void names_are_judged(void **state) {
  (void)state;
  assert_true(ps_abi_transport_name("docker-ssh-command"));
  assert_true(ps_abi_transport_name("abcdefghijklmnopqrstuvwxyz012345"));
  assert_false(ps_abi_transport_name(""));
  assert_false(ps_abi_transport_name(NULL));
  assert_false(ps_abi_transport_name("a/b"));
  assert_false(ps_abi_transport_name("a_b"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_fault_is_named),
      cmocka_unit_test(copy_is_complete),
      cmocka_unit_test(names_are_judged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
