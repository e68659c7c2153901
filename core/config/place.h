/* SPDX-License-Identifier: MIT */
/**
 * @file place.h
 * Where in the files something is written. Private to core/config.
 */
#ifndef PS_PLACE_H
#define PS_PLACE_H

/** A line of a file. `file` is borrowed from the ps_config; NULL = no file (a default, the command line). */
typedef struct ps_place {
  const char *file;
  int line;
} ps_place;

#endif
