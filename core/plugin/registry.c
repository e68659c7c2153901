/* SPDX-License-Identifier: MIT */
#include "plugin/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/nearest.h"
#include "plugin/abi.h"
#include "plugin/facts.h"
#include "plugin/image.h"
#include "plugin/library.h"
#include "plugin/pin.h"
#include "plugin/trust.h"

/** A file that is loaded, until the process ends. */
typedef struct loaded_file {
  ps_list link;
  ps_file_facts facts; /**< as it was loaded */
  ps_plugin plugin;
} loaded_file;

static ps_list all_loaded = {&all_loaded, &all_loaded};

static const ps_plugin *find_loaded(const ps_file_facts *facts) {
  for (ps_list *node = all_loaded.next; node != &all_loaded; node = node->next) {
    loaded_file *entry = PS_CONTAINER(node, loaded_file, link);
    if (entry->facts.device == facts->device && entry->facts.number == facts->number) {
      return &entry->plugin;
    }
  }
  return NULL;
}

static int no_memory(penstock_error *error, const char *path) {
  penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.400s: out of memory", path);
  return PENSTOCK_E_NOMEM;
}

static int same_file(const ps_file_facts *left, const ps_file_facts *right) {
  return left->device == right->device && left->number == right->number && left->size == right->size &&
         left->changed_s == right->changed_s && left->changed_ns == right->changed_ns;
}

/** Pin and image, of one and the same reading of the file. */
static int examine(int file, const char *path, const char *pin, int loaded_already, penstock_error *error) {
  void *bytes;
  size_t size;
  int code = ps_image_read(file, path, &bytes, &size, error);
  if (!code && pin) {
    code = ps_pin_check(bytes, size, pin, path, error);
  }
  if (!code && !loaded_already) {
    code = ps_image_check_bytes(bytes, size, path, error);
  }
  free(bytes);
  return code;
}

/**
 * Runs the loader on a file that has passed, and copies its tables.
 *
 * The loader is given the path again and not the open file (as /proc/self/fd/N): under that name debuggers
 * would not find the plugin's symbols, nor the plugin its libraries by $ORIGIN. The path has no links, and
 * only root and the user can change what it names. An update that happened between is seen afterwards.
 */
static int run_loader(const char *path, const ps_file_facts *examined, loaded_file **result, penstock_error *error) {
  ps_file_facts now;
  loaded_file *entry = calloc(1, sizeof(*entry));
  void *library = NULL;
  int code = PENSTOCK_E_FAILED;
  if (!entry) {
    return no_memory(error, path);
  }
  library = ps_library_open(path, error);
  if (!library) {
    goto out;
  }
  if (ps_file_facts_at(path, &now) != 0 || !same_file(&now, examined)) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                  "%.300s: the file was exchanged while it was being loaded", path);
    penstock_next(error, "try again when its installation has finished");
    goto out;
  }
  const penstock_plugin *symbol = ps_library_symbol(library, PENSTOCK_PLUGIN_SYMBOL_NAME);
  if (!symbol) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                  "%.300s: refused: the loader does not find " PENSTOCK_PLUGIN_SYMBOL_NAME " in it", path);
    penstock_next(error, "copy or build the file again");
    goto out;
  }
  entry->plugin.plugin = ps_abi_copy(symbol, path, error);
  if (entry->plugin.plugin) {
    code = 0;
  }
out:
  if (code) {
    if (library) {
      ps_library_close(library);
    }
    free(entry);
    entry = NULL;
  }
  *result = entry;
  return code;
}

int ps_registry_load(const char *path, const char *sha256, const ps_plugin **plugin, penstock_error *error) {
  int file;
  char *resolved;
  ps_file_facts facts;
  loaded_file *entry = NULL;
  *plugin = NULL;
  int code = ps_trust_open_code(path, &file, &resolved, error);
  if (code) {
    return code;
  }
  if (ps_file_facts_of(file, &facts) != 0) {
    code = penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.400s: %s", path, strerror(errno));
    goto out;
  }
  const ps_plugin *known = find_loaded(&facts);
  if (!known || sha256) {
    code = examine(file, resolved, sha256, known != NULL, error);
  }
  if (!code && !known) {
    code = run_loader(resolved, &facts, &entry, error);
  }
  if (code) {
    goto out;
  }
  if (entry) {
    entry->facts = facts;
    entry->plugin.path = resolved;
    resolved = NULL;
    ps_list_append(&all_loaded, &entry->link);
    known = &entry->plugin;
  }
  *plugin = known;
out:
  (void)close(file);
  free(resolved);
  return code;
}

/** Appends to a text in a buffer, after `separator` if something stands there; cut at the end. */
static void add_text(char *buffer, size_t size, const char *separator, const char *text) {
  size_t used = strlen(buffer);
  (void)snprintf(buffer + used, size - used, "%s%s", used ? separator : "", text);
  penstock_utf8_trim(buffer, size);
}

/** Takes the transport out of a plugin that is loaded. */
static int pick(const ps_plugin *plugin, const char *name, const penstock_transport **transport,
                penstock_error *error) {
  char names[256] = "";
  for (uint32_t i = 0; i < plugin->plugin->transport_count; i++) {
    const penstock_transport *candidate = plugin->plugin->transports[i];
    if (strcmp(candidate->name, name) == 0) {
      *transport = candidate;
      return 0;
    }
    add_text(names, sizeof(names), ", ", candidate->name);
  }
  penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.240s brings no transport '%.40s'", plugin->path,
                name);
  penstock_next(error, "it brings: %s. Set transport to one of them, or plugin to another file", names);
  return PENSTOCK_E_NOT_FOUND;
}

/** What there is, for a name that was not found. */
typedef struct transport_survey {
  ps_nearest nearest;
  char best[33];       /**< where nearest.best points to */
  char available[300]; /**< names */
  char places[2048];   /**< folders, one a line */
} transport_survey;

/** Takes in the file at `path`, whose name says which transport it brings. */
static void survey_file(transport_survey *survey, const char *path) {
  const char *slash = strrchr(path, '/');
  const char *start = slash ? slash + 1 : path;
  char name[sizeof(survey->best)];
  int length = snprintf(name, sizeof(name), "%.*s", (int)(strlen(start) - strlen(PENSTOCK_PLUGIN_SUFFIX)), start);
  if (length >= (int)sizeof(name) || !ps_abi_transport_name(name)) {
    return;
  }
  size_t distance = survey->nearest.distance;
  add_text(survey->available, sizeof(survey->available), ", ", name);
  ps_nearest_offer(&survey->nearest, name);
  if (survey->nearest.distance < distance) {
    memcpy(survey->best, name, sizeof(name));
    survey->nearest.best = survey->best;
  }
}

/** Says what there is, and where was looked, when nothing of that name was found. */
static int not_found(char **folders, const char *name, penstock_error *error) {
  transport_survey survey = {0};
  ps_nearest_init(&survey.nearest, name);
  for (size_t i = 0; folders[i]; i++) {
    char **files = ps_registry_files(folders[i]);
    for (size_t k = 0; files && files[k]; k++) {
      survey_file(&survey, files[k]);
    }
    add_text(survey.places, sizeof(survey.places), "\n", folders[i]);
    add_text(survey.places, sizeof(survey.places), "", files && files[0] ? "" : " (no plugins there)");
    ps_registry_free_list(files);
  }
  const char *best = survey.nearest.best;
  penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "there is no transport '%.64s'%s%s%s", name,
                best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
  penstock_next(error, "available: %s. A plugin whose file has another name is named with plugin = FILE",
                survey.available[0] ? survey.available : "none");
  if (error) {
    (void)snprintf(error->detail, sizeof(error->detail), "searched:\n%s", survey.places);
  }
  return PENSTOCK_E_NOT_FOUND;
}

/** Path of NAME.so (.dll) in the first folder that has it, to free(); NULL if none has. */
static char *search(char **folders, const char *name) {
  for (size_t i = 0; folders[i]; i++) {
    size_t size = strlen(folders[i]) + strlen(name) + sizeof("/" PENSTOCK_PLUGIN_SUFFIX);
    char *path = malloc(size);
    ps_file_facts facts;
    if (!path) {
      return NULL;
    }
    (void)snprintf(path, size, "%s/%s" PENSTOCK_PLUGIN_SUFFIX, folders[i], name);
    /* One that is there but cannot be looked at is not passed over: loading it will say why. */
    if (ps_file_facts_at(path, &facts) == 0 || (errno != ENOENT && errno != ENOTDIR)) {
      return path;
    }
    free(path);
  }
  return NULL;
}

int ps_registry_find(const ps_plugin_request *request, const penstock_transport **transport, const ps_plugin **plugin,
                     penstock_error *error) {
  const ps_plugin *found = NULL;
  char **folders = NULL;
  char *path = NULL;
  int code;
  *transport = NULL;
  if (!request->transport || !request->transport[0]) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "the profile names no transport");
    penstock_next(error, "set transport = NAME; penstock plugin list shows what there is");
    return PENSTOCK_E_FAILED;
  }
  if (request->plugin) {
    code = ps_registry_load(request->plugin, request->plugin_sha256, &found, error);
  } else {
    folders = ps_registry_folders(request);
    if (!folders) {
      return no_memory(error, request->transport);
    }
    path = ps_abi_transport_name(request->transport) ? search(folders, request->transport) : NULL;
    code = path ? ps_registry_load(path, request->plugin_sha256, &found, error)
                : not_found(folders, request->transport, error);
  }
  if (found) {
    code = pick(found, request->transport, transport, error);
  }
  if (!code && plugin) {
    *plugin = found;
  }
  free(path);
  ps_registry_free_list(folders);
  return code;
}
