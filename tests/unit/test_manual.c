/* SPDX-License-Identifier: MIT */
/* The manual's parts: what tables say reaches the page, and nothing of it is taken for a command of roff. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "manual/manual.h"
#include "manual/mdoc.h"

static void assert_made(ps_text *page, const char *expected) {
  assert_string_equal(page->data ? page->data : "", expected);
  free(page->data);
  *page = (ps_text){0};
}

static void line(ps_text *page, const char *text) {
  ps_mdoc_line(page, text, strlen(text));
}

static void text_means_just_itself(void **state) {
  (void)state;
  ps_text page = {0};
  line(&page, ".Dd is no macro, nor \\fB a font");
  assert_made(&page, "\\&.Dd is no macro, nor \\efB a font\n");
  line(&page, "'so --quick ~/x ^C \"y\"");
  assert_made(&page, "\\(aqso \\-\\-quick \\(ti/x \\(haC \\(dqy\\(dq\n");
  line(&page, "as `penstock up` and `ssh -o` do");
  assert_made(&page, "as \\(oqpenstock up\\(cq and \\(oqssh \\-o\\(cq do\n");
  line(&page, "caf\xc3\xa9");
  assert_made(&page, "caf\\[u00E9]\n");
  line(&page, "   ");
  assert_made(&page, "");
  ps_mdoc_argument(&page, "No \"x\"");
  assert_made(&page, " \"\\&No \\(dqx\\(dq\"");
  ps_mdoc_literal(&page, ".x  `y`", 7);
  assert_made(&page, "\\&.x  \\(gay\\(ga\n");
}

static void sentences_have_lines_of_their_own(void **state) {
  (void)state;
  ps_text page = {0};
  line(&page, "One. Two ... three. .x");
  assert_made(&page, "One.\nTwo ... three. .x\n");
  ps_mdoc_sentence(&page, "no stop");
  assert_made(&page, "no stop.\n");
  ps_mdoc_sentence(&page, "A stop.");
  assert_made(&page, "A stop.\n");
  ps_mdoc_sentence(&page, "");
  assert_made(&page, "");
}

static void examples_are_kept_as_they_are(void **state) {
  (void)state;
  ps_text page = {0};
  ps_mdoc_paragraphs(&page, "One\ntwo\n\n\nthree\n\n  an  'example'\n  more\n\nfour");
  assert_made(&page,
              "One\ntwo\n.Pp\nthree\n.Bd -literal -offset indent\nan  \\(aqexample\\(aq\nmore\n.Ed\n.Pp\nfour\n");
  ps_mdoc_paragraphs(&page, "  example");
  assert_made(&page, ".Bd -literal -offset indent\nexample\n.Ed\n");
}

static const char *const colours[] = {"red", "green", NULL};

#define TRANSPORT(variable, its_name)                                                                                  \
  static const penstock_option variable##_options[] = {                                                                \
      {sizeof(penstock_option), PENSTOCK_OPTION_CHOICE, 0, 0, "colour", NULL, "Of " its_name, 0, 0, colours},          \
      {sizeof(penstock_option), PENSTOCK_OPTION_INT, PENSTOCK_OPTION_LIVE, 0, "shared", "3", "In both", 1, 9, NULL}};  \
  static const penstock_transport variable = {.struct_size = sizeof(penstock_transport),                               \
                                              .name = its_name,                                                        \
                                              .summary = "A way",                                                      \
                                              .options = variable##_options,                                           \
                                              .option_count = 2}

TRANSPORT(first, "first");
TRANSPORT(second, "second");
static const penstock_transport *const two[] = {&first, &second};
static const penstock_plugin plugin = {.struct_size = sizeof(plugin), .transports = two, .transport_count = 2};
static const penstock_plugin *known[] = {&plugin};
static const ps_manual_plugins plugins = {known, 1};

static void a_key_is_told_once(void **state) {
  (void)state;
  ps_text page = {0};
  const char *unknown = NULL;
  assert_int_equal(ps_manual_page(&page, ".Dt X\n.\\\" GENERATE transport-keys\n.Sh END\n", &plugins, &unknown), 0);
  assert_made(&page, ".Dt X\n"
                     ".Ss transport = \"\\&first\"\nA way.\nIt only forwards.\n"
                     ".Bl -tag -width Ds\n"
                     ".It Ic \"\\&colour\" No \"\\&choice red|green\"\nOf first.\n"
                     ".It Ic \"\\&shared\" No \"\\&int 1..9, default 3, live\"\nIn both.\n"
                     ".El\n"
                     ".Ss transport = \"\\&second\"\nA way.\nIt only forwards.\n"
                     ".Pp\nAs with transport\n.Cm \"\\&first\" :\n.Ic \"\\&shared\" .\n"
                     ".Bl -tag -width Ds\n"
                     ".It Ic \"\\&colour\" No \"\\&choice red|green\"\nOf second.\n"
                     ".El\n"
                     ".Sh END\n");
}

static void an_unknown_part_is_named(void **state) {
  (void)state;
  ps_text page = {0};
  const char *unknown = NULL;
  assert_int_equal(ps_manual_page(&page, "x\n.\\\" GENERATE nothing\n", &plugins, &unknown), -1);
  assert_string_equal(unknown, "nothing\n");
  free(page.data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_means_just_itself),        cmocka_unit_test(sentences_have_lines_of_their_own),
      cmocka_unit_test(examples_are_kept_as_they_are), cmocka_unit_test(a_key_is_told_once),
      cmocka_unit_test(an_unknown_part_is_named),
  };
  return cmocka_run_group_tests_name("manual", tests, NULL, NULL);
}
