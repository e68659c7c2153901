/* SPDX-License-Identifier: MIT */
/**
 * @file sections.h
 * The files as they were read: sections of keys and raw texts, each with its place. Private to core/config.
 */
#ifndef PS_SECTIONS_H
#define PS_SECTIONS_H

#include "config/config.h"
#include "config/place.h"

/** One `key = text`. */
typedef struct ps_entry {
  char *key;
  char *text;      /**< as written: comments and outer space taken off; a new line for every line it goes on */
  char *expanded;  /**< kept for ps_config_raw */
  ps_place place;  /**< of the key */
  int is_repeated; /**< the key was set before in this section: reported, and not to be used */
} ps_entry;

/** One section. */
typedef struct ps_section {
  char *name;
  ps_place place;
  ps_entry **entries;
  size_t count;
  struct ps_section *parent; /**< what it inherits from; NULL if nothing, or if that cannot be */
  int is_parent;             /**< another one inherits from it */
} ps_section;

struct ps_config {
  char *path;   /**< the main file */
  char **files; /**< names of all files read, for the places */
  char **real;  /**< the same, without links: who was read already? */
  size_t file_count;
  ps_section *gateway;   /**< NULL if there is none */
  ps_section **profiles; /**< in the order of the files */
  size_t profile_count;
  ps_section **strays; /**< sections that are not to be used: repeated, wrongly named, before any section */
  size_t stray_count;
};

/** Reads the sections of one file's bytes into `config`. `includes` gets the `include` entries, borrowed. */
typedef struct ps_entry_list {
  ps_entry **items;
  size_t count;
} ps_entry_list;
void ps_sections_read(ps_config *config, const char *file, const char *bytes, size_t size, ps_entry_list *includes,
                      ps_problems *problems);

/**
 * Makes a config of bytes that are in memory, as if they were the file `name`; what they include is not read.
 * For tests. NULL if out of memory.
 */
ps_config *ps_config_parse(const char *name, const char *bytes, size_t size, ps_problems *problems);

/** A profile by its name; NULL if there is none. */
ps_section *ps_sections_profile(const ps_config *config, const char *name);
/** A key of the section itself; NULL if it is not set there. */
ps_entry *ps_section_own(const ps_section *section, const char *key);
/** A key of the section or of what it inherits from. */
ps_entry *ps_section_find(const ps_section *section, const char *key);
/** Ties each profile to the one it inherits from. */
void ps_sections_inherit(ps_config *config, ps_problems *problems);

#endif
