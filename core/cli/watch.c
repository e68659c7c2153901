/* SPDX-License-Identifier: MIT */
/* The gateways as they change: on a terminal in place, on one that cannot do that in lines, and for programs as JSON.
 */
#include "cli/watch.h"

#include <signal.h>
#include <stdlib.h>

#include "base/signals.h"
#include "cli/cli.h"
#include "cli/json_out.h"
#include "cli/keyboard.h"
#include "cli/out.h"
#include "cli/screen.h"
#include "cli/watch_gateways.h"
#include "cli/watch_paint.h"
#include "cli/watch_view.h"

/* What comes within so long is painted at once. */
#define PAINT_MS  40
#define SHOWN_MAX 64
#define CTRL_C    '\003'
#define CTRL_D    '\004'
#define CTRL_L    '\014'

/* How it is shown. */
typedef enum kind { SCREEN, LINES, JSON } kind;

typedef struct watch {
  const ps_watch_options *options;
  kind kind;
  uv_loop_t loop;
  ps_watch_gateways gateways;
  uv_timer_t tick;
  uv_timer_t paint;
  ps_keyboard keyboard;
  uv_signal_t signals[PS_SCREEN_SIGNALS];
  ps_text page; /* that the screen shows; `data` NULL: it is not known */
  int is_ending;
  int signal; /* that ended it; 0 = the user did */
} watch;

static void end(watch *self) {
  self->is_ending = 1;
  uv_stop(&self->loop);
}

/* --- on a screen -------------------------------------------------------------------------------- */

static int by_label(const void *a, const void *b) {
  return strcmp(((const ps_watch_row *)a)->label, ((const ps_watch_row *)b)->label);
}

static ps_watch_row row_of(const ps_watched *one) {
  int is_silent = one->is_silent && !one->ended_ns;
  return (ps_watch_row){.label = one->found.label,
                        .status = one->status,
                        .error = is_silent ? &one->found.error : NULL,
                        .has_ended = one->ended_ns != 0,
                        .ended_ms = one->ended_ns ? (uv_hrtime() - one->ended_ns) / 1000000 : 0,
                        .up = &one->up,
                        .down = &one->down};
}

static void render(watch *self, ps_text *page) {
  ps_watch_row rows[SHOWN_MAX];
  size_t count = 0;
  ps_watch_look look = {.unicode = ps_term_is_utf8(), .wanted = self->options->wanted};
  ps_screen_size(&look.columns, &look.lines);
  look.columns -= look.columns > 1 ? 1 : 0; /* some terminals go on to the next line behind the last column */
  for (ps_list *node = self->gateways.list.next; node != &self->gateways.list && count < SHOWN_MAX; node = node->next) {
    const ps_watched *one = PS_CONTAINER(node, ps_watched, node);
    if (ps_watched_is_shown(one)) {
      rows[count++] = row_of(one);
    }
  }
  qsort(rows, count, sizeof(rows[0]), by_label);
  ps_watch_render(page, rows, count, &look);
}

static void on_paint(uv_timer_t *timer) {
  watch *self = timer->data;
  ps_text page = {0};
  ps_text out = {0};
  render(self, &page);
  if (page.data && !page.no_memory) {
    ps_watch_paint(&out, self->page.data, page.data);
    if (out.size > 0 && ps_term_write(PS_STDOUT, out.data, out.size) != 0) {
      end(self); /* the terminal is gone */
    }
    free(self->page.data);
    self->page = page;
  } else {
    free(page.data);
  }
  free(out.data);
}

static void paint_soon(watch *self) {
  if (self->kind == SCREEN && !uv_is_active((uv_handle_t *)&self->paint)) {
    (void)uv_timer_start(&self->paint, on_paint, PAINT_MS, 0);
  }
}

/* What the screen shows is not known any more. */
static void paint_anew(watch *self) {
  free(self->page.data);
  self->page = (ps_text){0};
  paint_soon(self);
}

/* Ctrl-C is a key only where the system makes no signal of it. */
static void on_keys(void *context, const char *keys, long count) {
  watch *self = context;
  if (count < 0) {
    end(self);
  }
  for (long i = 0; i < count; i++) {
    if (keys[i] == 'q' || keys[i] == 'Q' || keys[i] == CTRL_C || keys[i] == CTRL_D) {
      end(self);
    } else if (keys[i] == CTRL_L) {
      paint_anew(self);
    }
  }
}

/* --- in lines ----------------------------------------------------------------------------------- */

/* Remembers what is shown of it. Returns whether that is news. */
static int is_news(ps_watched *one, char *line) {
  int is_same = line && one->shown && strcmp(line, one->shown) == 0;
  if (!line || is_same) {
    free(line);
    return 0;
  }
  free(one->shown);
  one->shown = line;
  return 1;
}

/* Times go on by themselves: that is no change. */
static void forget_times(json_t *value) {
  const char *key;
  json_t *member;
  void *next;
  size_t index;
  json_object_foreach_safe(value, next, key, member) {
    size_t size = strlen(key);
    if (size >= 3 && strcmp(key + size - 3, "_ms") == 0) {
      (void)json_object_del(value, key);
    } else {
      forget_times(member);
    }
  }
  json_array_foreach(value, index, member) {
    forget_times(member);
  }
}

/* A gateway that has ended, or does not answer, has no status: its last name, and why. */
static json_t *without_status(const ps_watched *one) {
  const json_t *profile = json_object_get(one->status, "profile");
  const json_t *listen = json_object_get(one->status, "listen");
  return json_pack("{s:o, s:n, s:o, s:b, s:o}", "profile",
                   profile ? json_deep_copy(profile) : ps_json_text(one->found.label), "state", "listen",
                   listen ? json_deep_copy(listen) : json_null(), "ended", one->ended_ns != 0, "error",
                   ps_json_error(one->ended_ns ? NULL : &one->found.error));
}

static void print_json(ps_watched *one) {
  int is_well = !one->ended_ns && !one->is_silent;
  json_t *shown = is_well ? json_incref(one->status) : without_status(one);
  json_t *compared = json_deep_copy(shown);
  forget_times(compared);
  if (is_news(one, ps_json_dump(compared))) {
    ps_json_line(json_incref(shown));
  }
  json_decref(shown);
}

static void print_line(ps_watched *one) {
  ps_text line = {0};
  const ps_watch_row row = row_of(one);
  ps_watch_brief(&line, &row);
  if (is_news(one, line.data)) {
    ps_out_text(one->shown);
  }
}

static void on_changed(void *context, ps_watched *one, int is_answer) {
  watch *self = context;
  (void)is_answer;
  if (self->kind == SCREEN) {
    paint_soon(self);
  } else if (ps_watched_is_shown(one) && (one->status || one->is_silent)) {
    if (self->kind == JSON) {
      print_json(one);
    } else {
      print_line(one);
    }
    if (ps_out_is_broken()) {
      end(self);
    }
  }
}

/* --- its life ----------------------------------------------------------------------------------- */

static void on_tick(uv_timer_t *timer) {
  watch *self = timer->data;
  ps_watch_ask(&self->gateways);
  paint_soon(self); /* times have gone on */
}

static void on_signal(uv_signal_t *handle, int number) {
  watch *self = handle->data;
  if (ps_screen_on_signal(number)) {
    paint_anew(self);
  } else {
    self->signal = number == SIGINT ? 0 : number;
    end(self);
  }
}

static void open_watch(watch *self) {
  (void)uv_timer_init(&self->loop, &self->tick);
  (void)uv_timer_init(&self->loop, &self->paint);
  self->tick.data = self->paint.data = self;
  for (size_t i = 0; i < PS_SCREEN_SIGNALS; i++) {
    (void)uv_signal_init(&self->loop, &self->signals[i]);
    self->signals[i].data = self;
    if (ps_screen_signals[i] != 0) {
      (void)uv_signal_start(&self->signals[i], on_signal, ps_screen_signals[i]);
    }
  }
  if (self->kind == SCREEN) {
    ps_keyboard_open(&self->keyboard, &self->loop, on_keys, self);
  }
  ps_watch_open(&self->gateways, &self->loop, self->options->wanted, on_changed, self);
  (void)uv_timer_start(&self->tick, on_tick, 0, (uint64_t)self->options->interval_ms);
}

static void close_watch(watch *self) {
  ps_watch_close(&self->gateways);
  uv_close((uv_handle_t *)&self->tick, NULL);
  uv_close((uv_handle_t *)&self->paint, NULL);
  for (size_t i = 0; i < PS_SCREEN_SIGNALS; i++) {
    uv_close((uv_handle_t *)&self->signals[i], NULL);
  }
  ps_keyboard_close(&self->keyboard);
  (void)uv_run(&self->loop, UV_RUN_DEFAULT);
  (void)uv_loop_close(&self->loop);
  free(self->page.data);
}

int ps_watch(const ps_watch_options *options) {
  watch self = {.options = options};
  self.kind = options->json ? JSON : ps_term_can_rewrite(PS_STDOUT) ? SCREEN : LINES;
  if (uv_loop_init(&self.loop) != 0) {
    (void)fprintf(stderr, "penstock: out of memory or descriptors\n");
    return PS_EXIT_FAILED;
  }
  if (self.kind == SCREEN && ps_screen_enter() != PENSTOCK_OK) {
    self.kind = LINES;
  }
  open_watch(&self);
  (void)uv_run(&self.loop, UV_RUN_DEFAULT);
  ps_screen_leave();
  close_watch(&self);
  if (self.signal != 0) {
    ps_signals_obey(self.signal);
  }
  return PS_EXIT_OK;
}
