/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/pointers.h"
#include "config/expand.h"
#include "config/files.h"
#include "config/sections.h"
#include "config/value.h"
#include "plugin/trust.h"

#define LARGEST_FILE    ((size_t)1024 * 1024)
#define DEEPEST_INCLUDE 8
#define MOST_FILES      256

/* One file and those that include it, up to the main one. */
typedef struct chain {
  const struct chain *above;
  const char *real;
  int depth;
} chain;

/* One load under way. */
typedef struct loader {
  ps_config *config;
  ps_problems *problems;
} loader;

static void read_file(loader *self, const char *path, const chain *above, ps_place from);

/* Reads all of an open file. NULL with a problem if it cannot be. */
static char *read_bytes(loader *self, int fd, const char *path, size_t *size) {
  ps_text bytes = {0};
  char block[16384];
  ssize_t count;
  ps_text_adds(&bytes, "");
  while ((count = read(fd, block, sizeof(block))) != 0) {
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count > 0 && bytes.size + (size_t)count <= LARGEST_FILE) {
      ps_text_add(&bytes, block, (size_t)count);
      continue;
    }
    if (count < 0) {
      ps_problems_add(self->problems, 1, path, 0, "cannot read the file: %s", strerror(errno));
    } else {
      ps_problems_add(self->problems, 1, path, 0, "the file is larger than 1 MiB: this is no profiles file");
    }
    free(bytes.data);
    return NULL;
  }
  if (bytes.no_memory) {
    ps_problems_add(self->problems, 1, path, 0, "out of memory");
    free(bytes.data);
    return NULL;
  }
  *size = bytes.size;
  return bytes.data;
}

/* Was the file read already, and if so, may it be that it includes itself? Says so. */
static int is_read_already(loader *self, const char *real, const chain *above, ps_place from) {
  for (const chain *link = above; link; link = link->above) {
    if (strcmp(link->real, real) == 0) {
      ps_problems_add(self->problems, 1, from.file, from.line, "`include` goes in a circle: %s includes itself", real);
      return 1;
    }
  }
  for (size_t i = 0; i < self->config->file_count; i++) {
    if (strcmp(self->config->real[i], real) == 0) {
      ps_problems_add(self->problems, 1, from.file, from.line, "`include`: %s is included twice", real);
      return 1;
    }
  }
  return 0;
}

/* Opens the file if it can be trusted. -1 with a problem. */
static int open_trusted(loader *self, const char *path, char **real, ps_place from) {
  penstock_error error = {.struct_size = sizeof(error)};
  int fd = -1;
  int result = ps_trust_open_code(path, &fd, real, &error);
  if (result == 0) {
    return fd;
  }
  /* The place names the file already. */
  size_t size = strlen(path);
  const char *what = strncmp(error.what, path, size) == 0 && strncmp(error.what + size, ": ", 2) == 0
                         ? error.what + size + 2
                         : error.what;
  if (from.file && result == PENSTOCK_E_NOT_FOUND) {
    ps_problems_add(self->problems, 1, from.file, from.line, "`include`: %s: %s", path, what);
  } else {
    ps_problems_add(self->problems, 1, path, 0, "%s%s%s", what, error.next[0] ? "; " : "", error.next);
  }
  return -1;
}

/* Notes a file that is read; takes `real` over. Returns our copy of its name, or NULL if out of memory. */
static const char *note_file(ps_config *config, const char *path, char *real) {
  char *copy = strdup(path);
  size_t count = config->file_count;
  if (!copy || ps_pointers_add(&config->files, &count, copy) != 0) {
    free(copy);
    free(real);
    return NULL;
  }
  count = config->file_count;
  if (ps_pointers_add(&config->real, &count, real) != 0) {
    free(copy);
    free(real);
    return NULL;
  }
  config->file_count = count;
  return copy;
}

/* --- include --------------------------------------------------------------------------------------- */

/* One `include` under way. */
typedef struct inclusion {
  loader *loader;
  const chain *link;
  ps_place place;
} inclusion;

static void include_found(void *context, const char *path) {
  const inclusion *self = context;
  read_file(self->loader, path, self->link, self->place);
}

/* Reads the files that a pattern stands for. */
static void include_pattern(const inclusion *self, const char *pattern, const ps_place *place) {
  inclusion at = *self;
  at.place = *place;
  int result = ps_config_each_match(pattern, include_found, &at);
  if (result == PENSTOCK_E_NOT_FOUND) {
    ps_problems_add(self->loader->problems, 0, place->file, place->line, "`include`: no file matches %s", pattern);
  } else if (result != 0) {
    ps_problems_add(self->loader->problems, 1, place->file, place->line, "`include`: cannot look for %s: %s", pattern,
                    strerror(errno));
  }
}

/* Adds the path as a pattern: only what the user wrote is one, not the folder of `file` that it may count from. */
static void add_pattern(ps_text *pattern, const char *path, const char *file) {
  const char *slash = strrchr(file, '/');
  size_t folder = slash ? (size_t)(slash - file) + 1 : 0;
  size_t plain = strncmp(path, file, folder) == 0 ? folder : 0;
  for (size_t i = 0; path[i]; i++) {
    if (i < plain && strchr("*?[\\", path[i])) {
      ps_text_adds(pattern, "\\");
    }
    ps_text_add(pattern, path + i, 1);
  }
}

/* One item of an `include`: a file, or a pattern. */
static int include_item(void *context, const char *item, int line) {
  const inclusion *self = context;
  const ps_place place = {self->place.file, self->place.line + line};
  const penstock_option option = {.struct_size = sizeof(option), .type = PENSTOCK_OPTION_PATH, .key = "include"};
  ps_value path = {0};
  if (ps_value_parse(&option, item, place, &path, self->loader->problems) != 0 || !path.text) {
    ps_value_clear(&path);
    return 0; /* told already; the next items are looked at all the same */
  }
  if (strpbrk(item, "*?[") && access(path.text, F_OK) != 0) {
    ps_text pattern = {0};
    add_pattern(&pattern, path.text, place.file);
    include_pattern(self, pattern.data ? pattern.data : path.text, &place);
    free(pattern.data);
  } else {
    read_file(self->loader, path.text, self->link, place);
  }
  ps_value_clear(&path);
  return 0;
}

static void include(loader *self, const ps_entry *entry, const chain *link) {
  inclusion under_way = {.loader = self, .link = link, .place = entry->place};
  ps_text fault = {0};
  int line = 0;
  if (!entry->text[0]) {
    ps_problems_add(self->problems, 1, entry->place.file, entry->place.line, "`include` is empty: it names a file");
  }
  if (ps_list_split(entry->text, include_item, &under_way, &fault, &line) != 0) {
    ps_problems_add(self->problems, 1, entry->place.file, entry->place.line + line, "`include`: %s",
                    fault.data ? fault.data : "");
  }
  free(fault.data);
}

/* --- files ----------------------------------------------------------------------------------------- */

static void read_file(loader *self, const char *path, const chain *above, ps_place from) {
  char *real = NULL;
  char *bytes = NULL;
  size_t size = 0;
  ps_entry_list includes = {0};
  chain link = {.above = above, .depth = above ? above->depth + 1 : 0};
  if (link.depth > DEEPEST_INCLUDE || self->config->file_count >= MOST_FILES) {
    ps_problems_add(self->problems, 1, from.file, from.line, "`include`: %s is not read: more than %d %s", path,
                    link.depth > DEEPEST_INCLUDE ? DEEPEST_INCLUDE : MOST_FILES,
                    link.depth > DEEPEST_INCLUDE ? "files deep" : "files");
    return;
  }
  int fd = open_trusted(self, path, &real, from);
  if (fd < 0) {
    return;
  }
  if (is_read_already(self, real, above, from)) {
    free(real);
    goto out;
  }
  link.real = real;
  const char *file = note_file(self->config, path, real);
  if (!file) {
    ps_problems_add(self->problems, 1, path, 0, "out of memory");
    goto out;
  }
  ps_config_warn_of_readers(fd, file, self->problems);
  bytes = read_bytes(self, fd, file, &size);
  if (!bytes) {
    goto out;
  }
  ps_sections_read(self->config, file, bytes, size, &includes, self->problems);
  for (size_t i = 0; i < includes.count; i++) {
    include(self, includes.items[i], &link);
  }
out:
  free(includes.items);
  free(bytes);
  (void)close(fd);
}

ps_config *ps_config_load(const char *path, ps_problems *problems) {
  ps_config *config = calloc(1, sizeof(*config));
  char *copy = strdup(path);
  if (!config || !copy) {
    free(config);
    free(copy);
    ps_problems_add(problems, 1, path, 0, "out of memory");
    return NULL;
  }
  config->path = copy;
  loader self = {.config = config, .problems = problems};
  read_file(&self, path, NULL, (ps_place){NULL, 0});
  if (config->file_count == 0) {
    ps_config_free(config);
    return NULL;
  }
  ps_sections_inherit(config, problems);
  return config;
}

ps_config *ps_config_parse(const char *name, const char *bytes, size_t size, ps_problems *problems) {
  ps_config *config = calloc(1, sizeof(*config));
  char *real = strdup(name);
  ps_entry_list includes = {0};
  if (config) {
    config->path = strdup(name);
  }
  if (!config || !config->path || !real) {
    free(real);
    ps_config_free(config);
    return NULL;
  }
  const char *file = note_file(config, name, real);
  if (!file) {
    ps_config_free(config);
    return NULL;
  }
  ps_sections_read(config, file, bytes, size, &includes, problems);
  free(includes.items);
  ps_sections_inherit(config, problems);
  return config;
}

static void free_section(ps_section *section) {
  for (size_t i = 0; section && i < section->count; i++) {
    free(section->entries[i]->key);
    free(section->entries[i]->text);
    free(section->entries[i]->expanded);
    free(section->entries[i]);
  }
  if (section) {
    free(section->entries);
    free(section->name);
    free(section);
  }
}

void ps_config_free(ps_config *config) {
  if (!config) {
    return;
  }
  free_section(config->gateway);
  for (size_t i = 0; i < config->profile_count; i++) {
    free_section(config->profiles[i]);
  }
  for (size_t i = 0; i < config->stray_count; i++) {
    free_section(config->strays[i]);
  }
  for (size_t i = 0; i < config->file_count; i++) {
    free(config->files[i]);
    free(config->real[i]);
  }
  free(config->profiles);
  free(config->strays);
  free(config->files);
  free(config->real);
  free(config->path);
  free(config);
}
