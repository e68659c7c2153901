/* SPDX-License-Identifier: MIT */
/* Libraries of Windows are examined by their bytes alone, so that this can be done everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/image_pe.h"

/* A library with one section: its exports, their names, and the table that they lead to. */
enum {
  SIGNATURE = 0x80,
  HEADER = SIGNATURE + 4,
  OPTIONAL = HEADER + 20,
  OPTIONAL_SIZE = 240,
  SECTIONS = OPTIONAL + OPTIONAL_SIZE,
  DATA = 0x200, /* in the file */
  ADDRESS = 0x1000,
  DATA_SIZE = 0x400,
  TABLE = DATA + 0x100, /* of the plugin */
  SIZE = DATA + DATA_SIZE,
};

typedef struct library {
  unsigned char bytes[SIZE];
} library;

static void put_16(library *self, size_t at, unsigned value) {
  self->bytes[at] = (unsigned char)value;
  self->bytes[at + 1] = (unsigned char)(value >> 8);
}

static void put_32(library *self, size_t at, uint32_t value) {
  put_16(self, at, value & 0xFFFF);
  put_16(self, at + 2, value >> 16);
}

static uint32_t address_of(size_t at) {
  return (uint32_t)(at - DATA + ADDRESS);
}

static void make(library *self, const char *name) {
  memset(self, 0, sizeof(*self));
  memcpy(self->bytes, "MZ", 2);
  put_32(self, 0x3C, SIGNATURE);
  memcpy(self->bytes + SIGNATURE, "PE\0\0", 4);
  put_16(self, HEADER, 0x8664);
  put_16(self, HEADER + 2, 1); /* sections */
  put_16(self, HEADER + 16, OPTIONAL_SIZE);
  put_16(self, HEADER + 18, 0x2022);
  put_16(self, OPTIONAL, 0x20B);
  put_32(self, OPTIONAL + 108, 16); /* directories */
  put_32(self, OPTIONAL + 112, ADDRESS);
  put_32(self, OPTIONAL + 116, 0x80);
  put_32(self, SECTIONS + 8, DATA_SIZE);
  put_32(self, SECTIONS + 12, ADDRESS);
  put_32(self, SECTIONS + 16, DATA_SIZE);
  put_32(self, SECTIONS + 20, DATA);
  put_32(self, SECTIONS + 36, 0x40000040);
  put_32(self, DATA + 20, 1); /* functions */
  put_32(self, DATA + 24, 1); /* names */
  put_32(self, DATA + 28, address_of(DATA + 0x30));
  put_32(self, DATA + 32, address_of(DATA + 0x34));
  put_32(self, DATA + 36, address_of(DATA + 0x38));
  put_32(self, DATA + 0x30, address_of(TABLE));
  put_32(self, DATA + 0x34, address_of(DATA + 0x40));
  put_16(self, DATA + 0x38, 0);
  memcpy(self->bytes + DATA + 0x40, name, strlen(name) + 1);
}

/* Examines a copy that ends where the memory does, so that a sanitizer sees every byte read beyond it. */
static int examine(const library *self, size_t size, penstock_error *error) {
  void *copy = malloc(size ? size : 1);
  memcpy(copy, self->bytes, size);
  int result = ps_image_pe_check_bytes(copy, size, "x.dll", error);
  free(copy);
  return result;
}

static void assert_refused(const library *self, const char *why) {
  penstock_error error = {.struct_size = sizeof(error)};
  assert_true(examine(self, SIZE, &error) < 0);
  assert_non_null(strstr(error.what, why));
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_true(error.next[0]);
}

static void test_good(void **state) {
  library self;
  penstock_error error = {.struct_size = sizeof(error)};
  (void)state;
  make(&self, PENSTOCK_PLUGIN_SYMBOL_NAME);
  assert_int_equal(examine(&self, SIZE, &error), 0);
}

static void test_truncated(void **state) {
  library self;
  penstock_error error = {.struct_size = sizeof(error)};
  (void)state;
  make(&self, PENSTOCK_PLUGIN_SYMBOL_NAME);
  for (size_t size = 0; size < SIZE; size++) {
    assert_true(examine(&self, size, &error) < 0);
  }
}

static void test_other_files(void **state) {
  library self;
  (void)state;
  make(&self, PENSTOCK_PLUGIN_SYMBOL_NAME);
  self.bytes[0] = 'E';
  assert_refused(&self, "not a PE file");
  make(&self, PENSTOCK_PLUGIN_SYMBOL_NAME);
  put_16(&self, HEADER, 0x14C);
  assert_refused(&self, "x86 (32 bits)");
  make(&self, PENSTOCK_PLUGIN_SYMBOL_NAME);
  put_16(&self, HEADER, 0xAA64);
  assert_refused(&self, "AArch64");
  make(&self, PENSTOCK_PLUGIN_SYMBOL_NAME);
  put_16(&self, HEADER + 18, 0x22);
  assert_refused(&self, "it is a program");
}

static void test_symbols(void **state) {
  library self;
  (void)state;
  make(&self, "something");
  assert_refused(&self, "does not export penstock_plugin_1");
  make(&self, "penstock_plugin_2");
  assert_refused(&self, "version 2 of the plugin interface");
  make(&self, "penstock_plugin_0");
  assert_refused(&self, "version 0 of the plugin interface");
  make(&self, PENSTOCK_PLUGIN_SYMBOL_NAME);
  put_32(&self, OPTIONAL + 112, 0);
  assert_refused(&self, "does not export");
  make(&self, PENSTOCK_PLUGIN_SYMBOL_NAME);
  put_32(&self, SECTIONS + 36, 0x60000020);
  assert_refused(&self, "is a function");
  make(&self, PENSTOCK_PLUGIN_SYMBOL_NAME);
  put_32(&self, DATA + 0x30, ADDRESS + 0x50);
  assert_refused(&self, "forwarded");
  make(&self, PENSTOCK_PLUGIN_SYMBOL_NAME);
  put_32(&self, DATA + 0x30, ADDRESS + DATA_SIZE - 8);
  assert_refused(&self, "readable data");
}

/* Numbers that lead beyond the file, or around the end of what a number can hold. */
static void test_hostile(void **state) {
  static const size_t places[] = {0x3C,        SECTIONS + 12, SECTIONS + 16, SECTIONS + 20, OPTIONAL + 112,
                                  DATA + 20,   DATA + 24,     DATA + 28,     DATA + 32,     DATA + 36,
                                  DATA + 0x30, DATA + 0x34,   HEADER + 2,    HEADER + 16,   OPTIONAL + 108};
  static const uint32_t values[] = {0xFFFFFFFF, 0xFFFFFFF0, 0x80000000, 0x7FFFFFFF, SIZE, SIZE - 1, ADDRESS - 1, 1};
  library self;
  penstock_error error = {.struct_size = sizeof(error)};
  (void)state;
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
    for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
      make(&self, PENSTOCK_PLUGIN_SYMBOL_NAME);
      put_32(&self, places[i], values[k]);
      (void)examine(&self, SIZE, &error); /* whatever it says, it reads nothing beyond */
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_good),    cmocka_unit_test(test_truncated), cmocka_unit_test(test_other_files),
      cmocka_unit_test(test_symbols), cmocka_unit_test(test_hostile),
  };
  return cmocka_run_group_tests_name("image_pe", tests, NULL, NULL);
}
