/* SPDX-License-Identifier: MIT */
#include "cli/out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/list.h"
#include "base/signals.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/term.h"

#define QUEUE_LIMIT  ((size_t)256 * 1024)
#define STOP_WAIT_NS 1000000000u

typedef struct chunk {
  ps_list node;
  size_t size;
  char data[];
} chunk;

/* `lock` guards all of it. */
static struct {
  uv_mutex_t lock;
  uv_cond_t changed; /* something to write, or stopping, or the thread has ended */
  uv_thread_t thread;
  ps_list queue;
  size_t queued;         /* bytes in the queue */
  size_t dropped;        /* lines that found the queue full */
  size_t progress_width; /* columns of the text that the next line has to write over */
  char progress[256];    /* the last progress, to tell news */
  int json;
  int threaded; /* a thread writes */
  int stopping; /* the thread is to end once the queue is empty */
  int ended;    /* the thread has ended */
  int broken;   /* nothing can be written any more */
  int fault;    /* errno of that; 0 if it is only that nobody reads any more */
  int excused;  /* … and it does not matter */
} out;

static uv_once_t once = UV_ONCE_INIT;

static void init(void) {
  if (uv_mutex_init(&out.lock) != 0 || uv_cond_init(&out.changed) != 0) {
    abort(); /* no memory for two words at the start of the program */
  }
  ps_list_init(&out.queue);
}

static void lock(void) {
  uv_once(&once, init);
  uv_mutex_lock(&out.lock);
}

/* The errno of a write that has failed, as it is kept. */
static int fault_of(int failed) {
  return failed && errno != EPIPE ? errno : 0;
}

/* Queues or writes. [locked] */
static void put(const char *data, size_t size) {
  if (out.broken || size == 0) {
    return;
  }
  if (!out.threaded) {
    out.broken = ps_term_write(PS_STDOUT, data, size) != 0;
    out.fault = fault_of(out.broken);
    return;
  }
  chunk *entry = out.queued + size > QUEUE_LIMIT ? NULL : malloc(sizeof(*entry) + size);
  if (!entry) {
    out.dropped++;
    return;
  }
  entry->size = size;
  memcpy(entry->data, data, size);
  ps_list_append(&out.queue, &entry->node);
  out.queued += size;
  uv_cond_broadcast(&out.changed);
}

/* Once the reader has caught up: how much it has missed. [locked] */
static void tell_dropped(void) {
  char text[96];
  if (out.dropped > 0 && ps_list_empty(&out.queue)) {
    int size = snprintf(text, sizeof(text),
                        out.json ? "{\"event\":\"dropped\",\"lines\":%zu}\n"
                                 : "(%zu lines are missing here: nobody read them in time)\n",
                        out.dropped);
    out.dropped = 0;
    put(text, (size_t)size);
  }
}

static void write_queue(void *unused) {
  (void)unused;
  ps_signals_block();
  lock();
  for (;;) {
    chunk *entry = NULL;
    ps_list *node = ps_list_take(&out.queue);
    if (node) {
      entry = PS_CONTAINER(node, chunk, node);
      uv_mutex_unlock(&out.lock);
      int failed = ps_term_write(PS_STDOUT, entry->data, entry->size) != 0;
      int fault = fault_of(failed);
      uv_mutex_lock(&out.lock);
      out.queued -= entry->size;
      out.fault = out.broken ? out.fault : fault;
      out.broken |= failed;
      free(entry);
      tell_dropped();
    } else if (out.stopping) {
      break;
    } else {
      uv_cond_wait(&out.changed, &out.lock);
    }
  }
  out.ended = 1;
  uv_cond_broadcast(&out.changed);
  uv_mutex_unlock(&out.lock);
}

void ps_out_start(int json) {
  lock();
  out.json = json;
  out.stopping = 0;
  out.ended = 0;
  /* The thread waits for the lock that we hold. */
  out.threaded = uv_thread_create(&out.thread, write_queue, NULL) == 0;
  uv_mutex_unlock(&out.lock);
}

void ps_out_stop(void) {
  lock();
  int threaded = out.threaded;
  uint64_t until = uv_hrtime() + STOP_WAIT_NS;
  out.stopping = 1;
  uv_cond_broadcast(&out.changed);
  for (uint64_t now = uv_hrtime(); threaded && !out.ended && now < until; now = uv_hrtime()) {
    (void)uv_cond_timedwait(&out.changed, &out.lock, until - now);
  }
  int ended = out.ended;
  out.threaded = 0;
  /* A thread that still hangs in a write is left behind, and with it the reader. */
  out.broken |= threaded && !ended;
  uv_mutex_unlock(&out.lock);
  if (threaded && ended) {
    uv_thread_join(&out.thread);
  }
}

int ps_out_is_broken(void) {
  lock();
  int broken = out.broken;
  uv_mutex_unlock(&out.lock);
  return broken;
}

void ps_out_excuse(void) {
  lock();
  out.excused = 1;
  uv_mutex_unlock(&out.lock);
}

int ps_out_finish(int exit_code) {
  lock();
  int fault = out.excused ? 0 : out.fault;
  uv_mutex_unlock(&out.lock);
  if (fault == 0) {
    return exit_code;
  }
  (void)fprintf(stderr, "penstock: cannot write to standard output: %s\n", strerror(fault));
  return exit_code == PS_EXIT_OK ? (int)PS_EXIT_FAILED : exit_code;
}

/* Blanks the progress that stands on the terminal's last line. [locked] */
static void clear_progress(void) {
  if (out.progress_width > 0) {
    char blank[sizeof(out.progress) + 2];
    blank[0] = '\r';
    memset(blank + 1, ' ', out.progress_width);
    blank[out.progress_width + 1] = '\r';
    put(blank, out.progress_width + 2);
    out.progress_width = 0;
  }
}

void ps_out_bytes(const void *data, size_t size) {
  lock();
  clear_progress();
  put(data, size);
  uv_mutex_unlock(&out.lock);
}

static const char *label;
static int is_label_json;

void ps_out_label(const char *text, int json) {
  label = text;
  is_label_json = json;
  ps_term_share();
}

const char *ps_out_labelled(void) {
  return label;
}

static void add_with_label(ps_text *out_text, const char *text) {
  size_t size;
  do {
    size = strcspn(text, "\n");
    if (label) {
      ps_text_add_safe(out_text, label);
      ps_text_adds(out_text, ": ");
    }
    ps_text_add(out_text, text, size);
    text += size;
    if (*text) {
      ps_text_add(out_text, text++, 1);
    }
  } while (*text);
}

char *ps_out_with_label(const char *text) {
  ps_text lines = {0};
  add_with_label(&lines, text);
  if (lines.no_memory) {
    free(lines.data);
    return NULL;
  }
  return lines.data;
}

void ps_out_text(const char *text) {
  ps_text line = {0};
  if (label && !is_label_json) {
    add_with_label(&line, text);
  } else {
    ps_text_adds(&line, text);
  }
  ps_text_adds(&line, "\n");
  lock();
  clear_progress();
  if (line.no_memory) {
    out.dropped++;
  } else {
    put(line.data, line.size);
  }
  uv_mutex_unlock(&out.lock);
  free(line.data);
}

void ps_out_line(const char *format, ...) {
  char text[8192];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  penstock_utf8_trim(text, sizeof(text));
  ps_out_text(text);
}

/* Cuts UTF-8 text after so many characters. Returns how many it has then. */
static size_t cut(char *text, size_t columns) {
  size_t count = 0;
  for (char *at = text; *at; at++) {
    if (((unsigned char)*at & 0xC0) != 0x80) {
      if (count == columns) {
        *at = '\0';
        break;
      }
      count++;
    }
  }
  return count;
}

void ps_out_progress(const char *text) {
  char line[sizeof(out.progress)];
  (void)snprintf(line, sizeof(line), "%s", text);
  penstock_utf8_trim(line, sizeof(line));
  if (!ps_term_can_rewrite(PS_STDOUT)) {
    lock();
    int news = strcmp(out.progress, line) != 0;
    memcpy(out.progress, line, sizeof(line));
    uv_mutex_unlock(&out.lock);
    if (news) {
      ps_out_text(line);
    }
    return;
  }
  size_t width = cut(line, ps_term_columns(PS_STDOUT) - 1);
  lock();
  clear_progress();
  put(line, strlen(line));
  /* Back to the first column, so that a line of the log starts there. */
  put("\r", 1);
  out.progress_width = width;
  uv_mutex_unlock(&out.lock);
}
