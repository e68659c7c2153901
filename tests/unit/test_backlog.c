/* SPDX-License-Identifier: MIT */
#include "relay/backlog.h"

#include "relay_rig.h"

/* What goes in comes out in order, whatever the sizes; blocks come back to a bounded stock. */
static void test_order(void **state) {
  (void)state;
  ps_backlog backlog = {0};
  ps_block_stock stock = {0};
  unsigned char data[200000];
  uint64_t in = 0;
  uint64_t out = 0;
  while (out < MIB(16)) {
    if (in < MIB(16) && backlog.size < MIB(2)) {
      size_t size = rig_between(1, rig_random() % 2 ? sizeof(data) : 100);
      pattern_fill(5, in, data, size);
      assert_int_equal(ps_backlog_add(&backlog, &stock, data, size), 0);
      in += size;
    }
    size_t size;
    const void *front = ps_backlog_front(&backlog, &size);
    assert_true(size > 0);
    size = rig_between(1, size);
    pattern_check(5, out, front, size);
    ps_backlog_drop(&backlog, &stock, size);
    out += size;
    assert_int_equal(backlog.size, in - out);
  }
  ps_backlog_clear(&backlog, &stock);
  assert_int_equal(backlog.size, 0);
  assert_null(backlog.first);
  assert_true(stock.count <= 16);
  ps_block_stock_clear(&stock);
}

/* What was read as whole writes is offered as whole writes. */
static void test_pieces(void **state) {
  (void)state;
  enum { PIECE = 65516, COUNT = 4 };
  static unsigned char data[PIECE * COUNT];
  ps_backlog backlog = {.piece = PIECE};
  ps_block_stock stock = {0};
  pattern_fill(7, 0, data, sizeof(data));
  assert_int_equal(ps_backlog_add(&backlog, &stock, data, sizeof(data)), 0);
  for (uint64_t i = 0; i < COUNT; i++) {
    size_t size;
    const void *front = ps_backlog_front(&backlog, &size);
    assert_int_equal(size, PIECE);
    pattern_check(7, i * PIECE, front, size);
    ps_backlog_drop(&backlog, &stock, size);
  }
  assert_int_equal(backlog.size, 0);
  ps_block_stock_clear(&stock);
}

static void test_empty(void **state) {
  (void)state;
  ps_backlog backlog = {0};
  ps_block_stock stock = {0};
  size_t size = 1;
  assert_null(ps_backlog_front(&backlog, &size));
  assert_int_equal(size, 0);
  ps_backlog_drop(&backlog, &stock, 0);
  assert_int_equal(ps_backlog_add(&backlog, &stock, "abc", 3), 0);
  ps_backlog_drop(&backlog, &stock, 3);
  assert_null(backlog.first);
  assert_null(backlog.last);
  assert_int_equal(stock.count, 1);
  ps_block_stock_clear(&stock);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_pieces),
                                     cmocka_unit_test(test_empty)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
