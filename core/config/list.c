/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "config/expand.h"
#include "config/value.h"

int ps_unquote(const char *text, ps_text *out, ps_text *fault) {
  size_t size = strlen(text);
  ps_text_adds(out, "");
  if (text[0] != '"') {
    ps_text_adds(out, text);
    return 0;
  }
  size_t at = 1;
  size_t start = out->size;
  while (at < size && text[at] != '"') {
    if (text[at] == '\\' && (text[at + 1] == '"' || text[at + 1] == '\\')) {
      at++;
    }
    ps_text_add(out, text + at, 1);
    at++;
  }
  if (at >= size) {
    ps_text_adds(fault, "the quote is not closed");
    return PENSTOCK_E_INVALID;
  }
  if (at + 1 < size) {
    /* Quotes around the first word only, say: then they belong to the value. */
    out->size = start;
    ps_text_adds(out, text);
  }
  return 0;
}

/* A list being split. */
typedef struct splitter {
  const char *at;
  int line;        /* of `at`, 0-based */
  int item_line;   /* where the item began */
  ps_text item;    /* the item so far, quotes taken off */
  size_t solid;    /* bytes of it that are no trailing blanks */
  int is_quoted;   /* it has a quoted part: an empty item is meant */
  int after_quote; /* the quoted part has ended: nothing but a separator may follow */
} splitter;

/* Takes the quoted text that starts at `at`. */
static int take_quoted(splitter *self, ps_text *fault) {
  for (self->at++; *self->at && *self->at != '"'; self->at++) {
    if (self->at[0] == '\\' && (self->at[1] == '"' || self->at[1] == '\\')) {
      self->at++;
    }
    self->line += *self->at == '\n';
    ps_text_add(&self->item, self->at, 1);
  }
  if (*self->at != '"') {
    ps_text_adds(fault, "the quote is not closed");
    return PENSTOCK_E_INVALID;
  }
  self->at++;
  self->solid = self->item.size;
  self->is_quoted = 1;
  self->after_quote = 1;
  return 0;
}

/* Takes one item, up to its separator. */
static int take_item(splitter *self, ps_text *fault) {
  while (*self->at && *self->at != ',' && *self->at != '\n') {
    int is_blank = *self->at == ' ' || *self->at == '\t';
    if (is_blank && self->item.size == 0) {
      self->at++;
      continue;
    }
    if (*self->at == '"' && !self->is_quoted && (self->item.size == 0 || self->item.data[self->item.size - 1] == '=')) {
      self->item_line = self->line;
      if (take_quoted(self, fault) != 0) {
        return PENSTOCK_E_INVALID;
      }
      continue;
    }
    if (!is_blank && self->after_quote) {
      ps_text_adds(fault, "text follows a closing quote: items are separated by commas");
      return PENSTOCK_E_INVALID;
    }
    size_t span = ps_expand_span(self->at); /* a comma in ${NAME:-a,b} separates nothing */
    ps_text_add(&self->item, self->at, span ? span : 1);
    self->at += span ? span : 1;
    self->solid = is_blank ? self->solid : self->item.size;
  }
  return 0;
}

static void begin_item(splitter *self) {
  self->item.size = 0;
  ps_text_adds(&self->item, "");
  self->solid = 0;
  self->is_quoted = 0;
  self->after_quote = 0;
  self->item_line = self->line;
}

int ps_list_split(const char *text, int (*item)(void *context, const char *item, int line), void *context,
                  ps_text *fault, int *fault_line) {
  splitter self = {.at = text};
  int result = 0;
  while (*self.at && result == 0) {
    begin_item(&self);
    result = take_item(&self, fault);
    if (result == 0 && self.item.no_memory) {
      ps_text_adds(fault, "out of memory");
      result = PENSTOCK_E_NOMEM;
    }
    if (result == 0 && (self.solid > 0 || self.is_quoted)) {
      self.item.data[self.solid] = '\0';
      result = item(context, self.item.data, self.item_line);
    } else if (result == 0 && *self.at == ',') {
      ps_text_adds(fault, "an item is missing before a comma");
      result = PENSTOCK_E_INVALID;
    }
    if (*self.at) {
      self.line += *self.at == '\n';
      self.at++;
    }
  }
  *fault_line = self.item_line;
  free(self.item.data);
  return result;
}
