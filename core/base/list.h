/* SPDX-License-Identifier: MIT */
/**
 * @file list.h
 * An intrusive, circular, doubly linked list: removal needs no search and no memory.
 */
#ifndef PS_LIST_H
#define PS_LIST_H

#include <stddef.h>

/** A node, and also the head of a list. */
typedef struct ps_list {
  struct ps_list *next;
  struct ps_list *prev;
} ps_list;

/** The struct that holds `node` as `member`. */
#define PS_CONTAINER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/** Makes an empty list, or a node that is in none. */
static inline void ps_list_init(ps_list *list) {
  list->next = list;
  list->prev = list;
}

/** Is the list empty (or the node in none)? */
static inline int ps_list_empty(const ps_list *list) {
  return list->next == list;
}

/** Appends a node that is in no list. */
static inline void ps_list_append(ps_list *list, ps_list *node) {
  node->next = list;
  node->prev = list->prev;
  list->prev->next = node;
  list->prev = node;
}

/** Takes a node out of its list; harmless if it is in none. */
static inline void ps_list_remove(ps_list *node) {
  node->prev->next = node->next;
  node->next->prev = node->prev;
  ps_list_init(node);
}

/** Takes the first node out; NULL if the list is empty. */
static inline ps_list *ps_list_take(ps_list *list) {
  if (ps_list_empty(list)) {
    return NULL;
  }
  ps_list *node = list->next;
  ps_list_remove(node);
  return node;
}

/** Moves all nodes of `from` to the (empty or not) end of `to`. */
static inline void ps_list_splice(ps_list *to, ps_list *from) {
  if (ps_list_empty(from)) {
    return;
  }
  from->next->prev = to->prev;
  to->prev->next = from->next;
  from->prev->next = to;
  to->prev = from->prev;
  ps_list_init(from);
}

#endif
