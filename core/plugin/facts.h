/* SPDX-License-Identifier: MIT */
/**
 * @file facts.h
 * What tells one file from another, and from what it was before. Thread: any.
 */
#ifndef PS_PLUGIN_FACTS_H
#define PS_PLUGIN_FACTS_H

#include <stdint.h>

typedef struct ps_file_facts {
  uint64_t device;
  uint64_t number; /**< on its device */
  uint64_t size;   /**< bytes */
  int64_t changed_s;
  int64_t changed_ns;
} ps_file_facts;

/** Of an open file. Returns 0, or -1 with errno. */
int ps_file_facts_of(int file, ps_file_facts *facts);
/** Of what a path leads to, or of a link that leads nowhere. Returns 0, or -1 with errno. */
int ps_file_facts_at(const char *path, ps_file_facts *facts);

#endif
