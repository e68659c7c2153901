/* SPDX-License-Identifier: MIT */
#include "cli/watch_view.h"

#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/marks.h"
#include "cli/show.h"
#include "cli/status_text.h"

/* Bars are drawn if there is room for so many, and no more than the second. */
#define BARS_LEAST 8
#define BARS_MOST  40
/* What stands before them and behind them. */
#define BARS_BESIDE 46

/* How much is shown of each gateway. */
typedef enum detail { ALL, BRIEF, LINE } detail;

/* --- a gateway ---------------------------------------------------------------------------------- */

/* A bar graph, how fast it is now, and how fast it was. */
static void add_rate(ps_text *text, const char *headline, const json_t *status, const char *key, const ps_spark *spark,
                     const ps_watch_look *look) {
  char now[32];
  char peak[32];
  size_t room = look->columns > BARS_BESIDE ? look->columns - BARS_BESIDE : 0;
  size_t width = room > BARS_MOST ? BARS_MOST : room;
  ps_text_addf(text, "  %-10s ", headline);
  if (width >= BARS_LEAST) {
    ps_spark_draw(text, spark, width, look->unicode);
    ps_text_adds(text, " ");
  }
  if (!json_is_integer(json_object_get(status, key))) {
    ps_text_adds(text, "not known now\n");
    return;
  }
  uint64_t rate = ps_status_number(status, key);
  uint64_t most = (uint64_t)ps_spark_peak(spark, PS_SPARK_SAMPLES);
  ps_text_addf(text, "%s/s, at most %s/s\n", ps_show_size(now, sizeof(now), rate),
               ps_show_size(peak, sizeof(peak), rate > most ? rate : most));
}

static void add_whole(ps_text *text, const ps_watch_row *row, const ps_watch_look *look) {
  const json_t *status = row->status;
  ps_status_headline(text, status);
  ps_status_reason(text, status);
  ps_status_solver(text, status);
  ps_status_streams(text, status);
  add_rate(text, "Up", status, "up_rate", row->up, look);
  add_rate(text, "Down", status, "down_rate", row->down, look);
  ps_status_swap(text, status);
  ps_status_way(text, status);
  ps_status_last_error(text, status);
}

static void add_short(ps_text *text, const ps_watch_row *row, const ps_watch_look *look) {
  char words[1024];
  const json_t *status = row->status;
  const char *why = ps_status_word(json_object_get(status, "reason"), "what");
  ps_status_headline(text, status);
  if (why[0]) {
    ps_text_addf(text, "  %-10s %s\n", "Why", ps_show_safe(words, sizeof(words), why));
  }
  add_rate(text, "Up", status, "up_rate", row->up, look);
  add_rate(text, "Down", status, "down_rate", row->down, look);
}

void ps_watch_brief(ps_text *text, const ps_watch_row *row) {
  char words[1024];
  char up[32];
  char down[32];
  const json_t *status = row->status;
  const char *why = ps_status_word(json_object_get(status, "reason"), "what");
  ps_text_addf(text, "%s: ", ps_show_safe(words, sizeof(words), row->label));
  if (row->has_ended) {
    ps_text_adds(text, "has ended");
  } else if (row->error) {
    ps_text_addf(text, "%s", ps_show_safe(words, sizeof(words), row->error->what));
  } else if (!status) {
    ps_text_adds(text, "is asked");
  } else {
    ps_text_addf(text, "%s, %llu streams, %llu held, %s/s up, %s/s down", ps_status_word(status, "state"),
                 (unsigned long long)ps_status_number(status, "streams"),
                 (unsigned long long)ps_status_number(status, "held"),
                 ps_show_size(up, sizeof(up), ps_status_number(status, "up_rate")),
                 ps_show_size(down, sizeof(down), ps_status_number(status, "down_rate")));
    ps_text_addf(text, "%s%s", why[0] ? ": " : "", ps_show_safe(words, sizeof(words), why));
  }
}

static void add_row(ps_text *text, const ps_watch_row *row, const ps_watch_look *look, detail how) {
  char words[4 * sizeof(((penstock_error *)0)->what)];
  char age[32];
  if (how == LINE || (!row->status && !row->error && !row->has_ended)) {
    ps_watch_brief(text, row);
    ps_text_adds(text, "\n");
  } else if (row->has_ended) {
    ps_text_addf(text, PS_MARK_STRONG "%s" PS_MARK_END ": " PS_MARK_BAD "has ended" PS_MARK_END " %s ago\n",
                 ps_show_safe(words, sizeof(words), row->label), ps_show_age(age, sizeof(age), row->ended_ms));
  } else if (row->error) {
    ps_text_addf(text, PS_MARK_STRONG "%s" PS_MARK_END ": " PS_MARK_BAD "does not answer" PS_MARK_END "\n",
                 ps_show_safe(words, sizeof(words), row->label));
    ps_text_addf(text, "  %-10s %s\n", "Why", ps_show_safe(words, sizeof(words), row->error->what));
    ps_text_addf(text, "  %-10s %s\n", "Next", ps_show_safe(words, sizeof(words), row->error->next));
  } else if (how == ALL) {
    add_whole(text, row, look);
  } else {
    add_short(text, row, look);
  }
}

/* --- the page ----------------------------------------------------------------------------------- */

static void add_none(ps_text *text, const ps_watch_look *look) {
  char name[400];
  if (look->wanted) {
    ps_text_addf(text, "No gateway runs with the profile '%s': waiting for one (penstock up %s)\n",
                 ps_show_safe(name, sizeof(name), look->wanted), name);
  } else {
    ps_text_adds(text, "No gateway of yours runs on this machine: waiting for one (penstock up PROFILE)\n");
  }
}

static size_t count_lines(const ps_text *text) {
  size_t count = 0;
  for (size_t i = 0; i < text->size; i++) {
    count += text->data[i] == '\n';
  }
  return count;
}

static void add_rows(ps_text *text, const ps_watch_row *rows, size_t count, const ps_watch_look *look, detail how) {
  for (size_t i = 0; i < count; i++) {
    ps_text_adds(text, i > 0 && how == ALL ? "\n" : "");
    add_row(text, &rows[i], look, how);
  }
  if (count == 0) {
    add_none(text, look);
  }
}

/* For a terminal that shows nothing else. */
static void add_ascii(ps_text *page, const char *line, size_t size) {
  for (size_t i = 0; i < size; i++) {
    unsigned char byte = (unsigned char)line[i];
    if (byte < 0x80) {
      ps_text_add(page, &line[i], 1);
    } else if (byte >= 0xC0) { /* the first of a character */
      ps_text_adds(page, "?");
    }
  }
}

static void add_cut(ps_text *page, const char *line, size_t size, const ps_watch_look *look) {
  const char *more = look->unicode ? "\u2026" : "...";
  size_t more_columns = look->unicode ? 1 : 3;
  size_t shown = size;
  int is_cut = ps_columns(line, size) > look->columns;
  if (is_cut) {
    size_t room = look->columns > more_columns ? look->columns - more_columns : 0;
    shown = ps_columns_fit(line, size, room);
  }
  if (look->unicode) {
    ps_text_add(page, line, shown);
  } else {
    add_ascii(page, line, shown);
  }
  if (is_cut) {
    ps_text_adds(page, look->columns >= more_columns ? more : "");
    ps_text_adds(page, PS_MARK_END);
  }
}

/* The lines that there is room for, and the last one. */
static void add_page(ps_text *page, const ps_text *text, const ps_watch_look *look) {
  char footer[128];
  size_t total = count_lines(text);
  size_t room = look->lines > 1 ? look->lines - 1 : 0; /* the last one is for what can be done */
  size_t shown = total > room ? room : total;
  const char *line = text->data ? text->data : "";
  for (size_t i = 0; i < shown; i++) {
    size_t size = strcspn(line, "\n");
    add_cut(page, line, size, look);
    ps_text_adds(page, "\n");
    line += size + 1;
  }
  if (shown < total) {
    (void)snprintf(footer, sizeof(footer), PS_MARK_FAINT "%zu more line%s: make the window higher; q ends" PS_MARK_END,
                   total - shown, total - shown == 1 ? "" : "s");
  } else {
    (void)snprintf(footer, sizeof(footer), PS_MARK_FAINT "q ends" PS_MARK_END);
  }
  add_cut(page, footer, strlen(footer), look);
}

void ps_watch_render(ps_text *page, const ps_watch_row *rows, size_t count, const ps_watch_look *look) {
  ps_text text = {0};
  for (detail how = ALL; how <= LINE; how++) {
    text.size = 0;
    add_rows(&text, rows, count, look, how);
    if (count_lines(&text) < look->lines) {
      break;
    }
  }
  add_page(page, &text, look);
  page->no_memory |= text.no_memory;
  free(text.data);
}
