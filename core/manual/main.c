/* SPDX-License-Identifier: MIT */
/*
 * penstock-manual TEMPLATE PAGE [PLUGIN]...: makes a page of the manual while penstock is built. The plugins were built
 * a moment ago, by the same hands; whether others could change them is of no concern here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manual/manual.h"
#include "plugin/abi.h"
#include "plugin/library.h"

static int read_file(const char *path, ps_text *text) {
  char block[4096];
  size_t count;
  FILE *file = fopen(path, "re");
  if (!file) {
    return -1;
  }
  while ((count = fread(block, 1, sizeof(block), file)) > 0) {
    ps_text_add(text, block, count);
  }
  int failed = ferror(file) || text->no_memory || !text->data;
  (void)fclose(file);
  return failed ? -1 : 0;
}

static int write_file(const char *path, const ps_text *text) {
  FILE *file = text->no_memory ? NULL : fopen(path, "we");
  if (!file) {
    return -1;
  }
  int failed = fwrite(text->data, 1, text->size, file) != text->size;
  return fclose(file) != 0 || failed ? -1 : 0;
}

static const penstock_plugin *load(const char *path) {
  penstock_error error = {.struct_size = sizeof(error)};
  void *library = ps_library_open(path, &error);
  const void *symbol = library ? ps_library_symbol(library, PENSTOCK_PLUGIN_SYMBOL_NAME) : NULL;
  const penstock_plugin *plugin = symbol ? ps_abi_copy(symbol, path, &error) : NULL;
  if (!plugin) {
    (void)fprintf(stderr, "penstock-manual: %s: %s\n", path, error.what[0] ? error.what : "no plugin of this version");
  }
  return plugin;
}

static int make(char **argv, const ps_manual_plugins *plugins) {
  ps_text template = {0};
  ps_text page = {0};
  const char *unknown = NULL;
  int failed = 1;
  if (read_file(argv[1], &template) != 0) {
    (void)fprintf(stderr, "penstock-manual: cannot read %s\n", argv[1]);
  } else if (ps_manual_page(&page, template.data, plugins, &unknown) != 0) {
    (void)fprintf(stderr, "penstock-manual: %s: there is no part '%.*s'\n", argv[1], (int)strcspn(unknown, "\n"),
                  unknown);
  } else if (write_file(argv[2], &page) != 0) {
    (void)fprintf(stderr, "penstock-manual: cannot write %s\n", argv[2]);
  } else {
    failed = 0;
  }
  free(template.data);
  free(page.data);
  return failed;
}

int main(int argc, char **argv) {
  ps_manual_plugins plugins = {0};
  int failed = 0;
  if (argc < 3) {
    (void)fprintf(stderr, "Usage: penstock-manual TEMPLATE PAGE [PLUGIN]...\n");
    return 2;
  }
  plugins.plugins = calloc((size_t)argc, sizeof(const penstock_plugin *));
  for (int i = 3; plugins.plugins && i < argc; i++) {
    const penstock_plugin *plugin = load(argv[i]);
    failed |= !plugin;
    if (plugin) {
      plugins.plugins[plugins.count++] = plugin;
    }
  }
  failed = failed || !plugins.plugins || make(argv, &plugins);
  for (size_t i = 0; i < plugins.count; i++) {
    ps_abi_free(plugins.plugins[i]);
  }
  free((void *)plugins.plugins);
  return failed;
}
