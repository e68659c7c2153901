/* SPDX-License-Identifier: MIT */
#include "plugin/abi.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"

static const char NAME_CHARACTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
static const char KEY_CHARACTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
static const char PLUGIN_CHARACTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

/** One copy under way: where it comes from, for messages. */
typedef struct abi_copy {
  const char *path;
  const char *transport; /**< name of the one being looked at; NULL = the plugin itself */
  penstock_error *error;
} abi_copy;

/** Refuses the plugin. Its author is the one who can do something. */
static int refuse(const abi_copy *copy, const char *format, ...) PENSTOCK_PRINTF(2, 3);
static int refuse(const abi_copy *copy, const char *format, ...) {
  char why[200];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(why, sizeof(why), format, arguments);
  va_end(arguments);
  penstock_fail(copy->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.200s: refused: %s%.33s%s%s", copy->path,
                copy->transport ? "transport '" : "", copy->transport ? copy->transport : "",
                copy->transport ? "': " : "", why);
  penstock_next(copy->error, "this is a defect of the plugin: tell its author, or use another build of it");
  return PENSTOCK_E_FAILED;
}

/** Is it 1 to `limit` of these characters? Looks at no more than it must. */
static int is_word(const char *text, const char *characters, size_t limit) {
  if (!text) {
    return 0;
  }
  size_t length = strnlen(text, limit + 1);
  return length > 0 && length <= limit && strspn(text, characters) == length;
}

/** Is it one line of text that a user can be shown? */
static int is_line(const char *text, size_t limit) {
  if (!text || strnlen(text, limit + 1) > limit) {
    return 0;
  }
  for (; *text; text++) {
    if ((unsigned char)*text < 0x20 || (unsigned char)*text == 0x7f) {
      return 0;
    }
  }
  return 1;
}

int ps_abi_transport_name(const char *name) {
  return is_word(name, NAME_CHARACTERS, 32);
}

/** Copies a struct of `foreign_size` bytes into a zeroed one of ours, and says what it is now. */
static void copy_struct(void *own, size_t own_size, const void *foreign, uint32_t foreign_size) {
  memset(own, 0, own_size);
  memcpy(own, foreign, foreign_size < own_size ? foreign_size : own_size);
  uint32_t size = (uint32_t)own_size;
  memcpy(own, &size, sizeof(size));
}

static int check_size(const abi_copy *copy, const char *what, uint32_t size, size_t minimum) {
  if (size < minimum || size > PS_ABI_STRUCT_MAX) {
    return refuse(copy, "%s says that it is %lu bytes long; version 1 has at least %zu", what, (unsigned long)size,
                  minimum);
  }
  return 0;
}

static int check_choices(const abi_copy *copy, const penstock_option *option) {
  if (option->type != PENSTOCK_OPTION_CHOICE) {
    return option->choices ? refuse(copy, "option '%s' has choices but is no CHOICE", option->key) : 0;
  }
  if (!option->choices || !option->choices[0]) {
    return refuse(copy, "option '%s' is a CHOICE without choices", option->key);
  }
  for (size_t i = 0; option->choices[i]; i++) {
    if (i >= PS_ABI_OPTIONS_MAX || !option->choices[i][0] || !is_line(option->choices[i], 256)) {
      return refuse(copy, "option '%s' has a choice that is empty or no text (number %zu)", option->key, i + 1);
    }
  }
  return 0;
}

/** Has every profile a key of that name already? */
static int is_core_key(const char *key) {
  for (uint32_t i = 0; i < ps_profile_table.count; i++) {
    if (strcmp(ps_profile_table.options[i].key, key) == 0) {
      return 1;
    }
  }
  return strcmp(key, "include") == 0;
}

static int check_option(const abi_copy *copy, const penstock_option *option, size_t number) {
  if (!is_word(option->key, KEY_CHARACTERS, 48) || option->key[0] < 'a') {
    return refuse(copy, "option number %zu has a key that is not made of a-z, 0-9 and _ (1 to 48, a letter first)",
                  number);
  }
  if (is_core_key(option->key)) {
    return refuse(copy, "option '%s' is a key that every profile has already", option->key);
  }
  if (option->type < PENSTOCK_OPTION_STRING || option->type > PENSTOCK_OPTION_ENV) {
    return refuse(copy, "option '%s' has a type that this penstock does not know (%lu)", option->key,
                  (unsigned long)option->type);
  }
  if (!is_line(option->help, 1024) || !option->help[0]) {
    return refuse(copy, "option '%s' has no help, or more than one line of it", option->key);
  }
  if (option->min > option->max) {
    return refuse(copy, "option '%s' has a range that is empty", option->key);
  }
  if ((option->min || option->max) && option->type != PENSTOCK_OPTION_INT && option->type != PENSTOCK_OPTION_DURATION) {
    return refuse(copy, "option '%s' has a range but is no INT or DURATION", option->key);
  }
  if ((option->flags & PENSTOCK_OPTION_REQUIRED) && option->default_value) {
    return refuse(copy, "option '%s' is required, so its default could never be used", option->key);
  }
  if ((option->flags & (PENSTOCK_OPTION_SECRET | PENSTOCK_OPTION_FAR_PATH)) && option->type != PENSTOCK_OPTION_STRING) {
    return refuse(copy, "option '%s' is flagged SECRET or FAR_PATH but is no STRING", option->key);
  }
  return check_choices(copy, option);
}

/** Copies the table of options of a transport that is already ours. */
static int copy_options(const abi_copy *copy, penstock_transport *transport) {
  const unsigned char *foreign = (const unsigned char *)transport->options;
  uint32_t count = transport->option_count;
  uint32_t stride;
  transport->options = NULL;
  transport->option_count = 0;
  if (count == 0) {
    return 0;
  }
  if (!foreign || count > PS_ABI_OPTIONS_MAX) {
    return refuse(copy, "it declares %lu options, but %s", (unsigned long)count,
                  foreign ? "that many cannot be" : "has no table of them");
  }
  memcpy(&stride, foreign, sizeof(stride));
  int code = check_size(copy, "its table of options", stride, PS_ABI_OPTION_MIN);
  if (code) {
    return code;
  }
  penstock_option *options = calloc(count, sizeof(*options));
  if (!options) {
    return refuse(copy, "out of memory");
  }
  transport->options = options;
  transport->option_count = count;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t size;
    memcpy(&size, foreign + (size_t)i * stride, sizeof(size));
    if (size != stride) {
      return refuse(copy, "option number %lu has another size than the first one", (unsigned long)i + 1);
    }
    copy_struct(&options[i], sizeof(options[i]), foreign + (size_t)i * stride, stride);
    code = check_option(copy, &options[i], (size_t)i + 1);
    for (uint32_t earlier = 0; !code && earlier < i; earlier++) {
      if (strcmp(options[earlier].key, options[i].key) == 0) {
        code = refuse(copy, "option '%s' is declared twice", options[i].key);
      }
    }
    if (code) {
      return code;
    }
  }
  return 0;
}

static int check_slots(const abi_copy *copy, const penstock_transport *transport) {
  const char *missing = !transport->create        ? "create"
                        : !transport->destroy     ? "destroy"
                        : !transport->connect     ? "connect"
                        : !transport->cancel      ? "cancel"
                        : !transport->open_stream ? "open_stream"
                        : !transport->cancel_open ? "cancel_open"
                                                  : NULL;
  if (missing) {
    return refuse(copy, "its slot %s is empty; every transport must have it", missing);
  }
  if (transport->ready && !transport->launch) {
    return refuse(copy, "it has the slot ready but no launch");
  }
  return 0;
}

static int copy_transport(abi_copy *copy, penstock_transport *own, const void *foreign, uint32_t number) {
  uint32_t size;
  char what[32];
  copy->transport = NULL;
  (void)snprintf(what, sizeof(what), "transport number %lu", (unsigned long)number);
  if (!foreign) {
    return refuse(copy, "%s is missing from its list", what);
  }
  memcpy(&size, foreign, sizeof(size));
  int code = check_size(copy, what, size, PS_ABI_TRANSPORT_MIN);
  if (code) {
    return code;
  }
  copy_struct(own, sizeof(*own), foreign, size);
  if (!ps_abi_transport_name(own->name)) {
    code = refuse(copy, "%s has a name that is not made of a-z, 0-9 and - (1 to 32)", what);
  } else {
    copy->transport = own->name;
    if (!is_line(own->summary, 1024)) {
      code = refuse(copy, "it has no summary, or more than one line of it");
    }
  }
  if (code) {
    own->options = NULL; /* still the plugin's */
    own->option_count = 0;
    return code;
  }
  code = copy_options(copy, own);
  return code ? code : check_slots(copy, own);
}

/** Copies the transports of a plugin that is already ours. */
static int copy_transports(abi_copy *copy, penstock_plugin *plugin) {
  const penstock_transport *const *foreign = plugin->transports;
  uint32_t count = plugin->transport_count;
  plugin->transports = NULL;
  plugin->transport_count = 0;
  if (count == 0 || count > PS_ABI_TRANSPORTS_MAX || !foreign) {
    return refuse(copy, "it brings %lu transports; 1 to %d can be", foreign ? (unsigned long)count : 0UL,
                  PS_ABI_TRANSPORTS_MAX);
  }
  // NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is meant
  const penstock_transport **list = calloc(count, sizeof(*list));
  if (!list) {
    return refuse(copy, "out of memory");
  }
  plugin->transports = list;
  for (uint32_t i = 0; i < count; i++) {
    penstock_transport *own = calloc(1, sizeof(*own));
    if (!own) {
      return refuse(copy, "out of memory");
    }
    list[i] = own;
    plugin->transport_count = i + 1;
    int code = copy_transport(copy, own, foreign[i], i + 1);
    for (uint32_t earlier = 0; !code && earlier < i; earlier++) {
      // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): names are there, refuse() never returns 0
      if (strcmp(list[earlier]->name, own->name) == 0) {
        code = refuse(copy, "it is brought twice");
      }
    }
    if (code) {
      return code;
    }
  }
  return 0;
}

const penstock_plugin *ps_abi_copy(const penstock_plugin *foreign, const char *path, penstock_error *error) {
  abi_copy copy = {.path = path, .error = error};
  uint32_t size;
  memcpy(&size, foreign, sizeof(size));
  if (check_size(&copy, "its table", size, PS_ABI_PLUGIN_MIN)) {
    return NULL;
  }
  penstock_plugin *own = malloc(sizeof(*own));
  if (!own) {
    (void)refuse(&copy, "out of memory");
    return NULL;
  }
  copy_struct(own, sizeof(*own), foreign, size);
  int code = copy_transports(&copy, own);
  copy.transport = NULL;
  if (!code && !is_word(own->name, PLUGIN_CHARACTERS, 64)) {
    code = refuse(&copy, "its name is not made of letters, digits, '.', '_' and '-' (1 to 64)");
  }
  if (!code && (!is_line(own->version, 64) || !own->version[0] || !is_line(own->license, 256))) {
    code = refuse(&copy, "it does not say its version and license in one line each");
  }
  if (code) {
    ps_abi_free(own);
    return NULL;
  }
  return own;
}

void ps_abi_free(const penstock_plugin *copy) {
  if (!copy) {
    return;
  }
  for (uint32_t i = 0; i < copy->transport_count; i++) {
    free((void *)(uintptr_t)copy->transports[i]->options);
    free((void *)(uintptr_t)copy->transports[i]);
  }
  free((void *)(uintptr_t)copy->transports);
  free((void *)(uintptr_t)copy);
}
