/* SPDX-License-Identifier: MIT */
#include "common/container/container_settings.h"

#include <ctype.h>
#include <stdlib.h>

#include "common/address.h"
#include "common/script.h"
#include "common/shell_words.h"

enum { NAME_MAX_SIZE = 255 };

const char *const container_reach_words[] = {"auto", "published", "bridge", "exec", NULL};
const char *const container_exposure_words[] = {"warn", "error", "off", NULL};

/* "penstock.ini:12: ", or nothing for a default. */
static const char *origin(const penstock_config *config, const char *key, char *text, size_t size) {
  const char *place = config->get_origin(config, key);
  (void)snprintf(text, size, "%s%s", place ? place : "", place ? ": " : "");
  return text;
}

/* `value` with nothing in it that a terminal acts on. */
static const char *shown(const char *value, char *text, size_t size) {
  (void)snprintf(text, size, "%s", value);
  penstock_utf8_trim(text, size);
  script_make_printable(text, strlen(text));
  for (char *at = text; *at; at++) {
    if (*at == '\n' || *at == '\t') {
      *at = '?';
    }
  }
  return text;
}

static int bad_option(const container_settings *settings, const char *key, const char *value, const char *why,
                      penstock_error *error) {
  char place[256];
  char text[128];
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s%s = %s: %s",
                       origin(settings->config, key, place, sizeof(place)), key, shown(value, text, sizeof(text)), why);
}

/* The text of an option; NULL if it is unset or empty. */
static const char *text_of(const penstock_config *config, const char *key) {
  const char *text = config->get_string(config, key);
  return text && text[0] ? text : NULL;
}

/* --- names --------------------------------------------------------------------------------------------- */

/* What docker and podman allow for a container; an id, and what compose allows for services, is such a name, too. */
static int is_name(const char *text) {
  size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
  return isalnum((unsigned char)text[0]) && text[length] == '\0' && length <= NAME_MAX_SIZE;
}

static int check_name(const container_settings *settings, const char *key, const char *name, penstock_error *error) {
  if (!name || is_name(name)) {
    return 0;
  }
  const char *plain = name[0] == '/' && is_name(name + 1) ? name + 1 : NULL;
  (void)bad_option(settings, key, name, "no engine allows such a name", error);
  if (plain) {
    penstock_next(error, "Leave out the slash: %s = %s", key, plain);
  } else {
    penstock_next(error, "A name is made of letters, digits, '_', '.' and '-', and begins with a letter or a digit; "
                         "`docker ps -a` lists those that there are");
  }
  return PENSTOCK_E_FAILED;
}

static int check_names(const container_settings *settings, penstock_error *error) {
  if (!settings->container == !settings->service) {
    const char *key = settings->service ? "service" : "transport";
    char place[256];
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s%s",
                        origin(settings->config, key, place, sizeof(place)),
                        settings->service ? "`service` and `container` are both set, and may mean two containers"
                                          : "the profile says of no container that the solver is in it");
    penstock_next(error, "Set one of them: container = NAME, or service = NAME for one of docker compose");
    return PENSTOCK_E_FAILED;
  }
  return check_name(settings, "container", settings->container, error) ||
                 check_name(settings, "service", settings->service, error) ||
                 check_name(settings, "project", settings->project, error)
             ? PENSTOCK_E_FAILED
             : 0;
}

/* --- compose ------------------------------------------------------------------------------------------- */

static int check_compose(const container_settings *settings, penstock_error *error) {
  if (settings->service) {
    if (settings->start_compose && !settings->compose_file) {
      (void)bad_option(settings, "start_compose", "yes", "the compose file is not known", error);
      penstock_next(error, "Set compose_file to its path on the engine's machine");
      return PENSTOCK_E_FAILED;
    }
    return 0;
  }
  const char *useless = settings->project         ? "project"
                        : settings->compose_file  ? "compose_file"
                        : settings->start_compose ? "start_compose"
                                                  : NULL;
  if (useless) {
    const char *value = settings->config->get_string(settings->config, useless);
    (void)bad_option(settings, useless, value ? value : "yes", "it belongs to `service`, which is not set", error);
    penstock_next(error, "Set service = NAME in place of container, or take %s out", useless);
    return PENSTOCK_E_FAILED;
  }
  return 0;
}

/* --- the engine's command ------------------------------------------------------------------------------ */

/* The command runs on the engine's machine, whose variables nobody knows here. */
static const char *no_variable(void *context, const char *name) {
  (void)context;
  (void)name;
  return NULL;
}

static int no_file(void *context, const char *path) {
  (void)context;
  (void)path;
  return 0;
}

static const char *engine_fault(const shell_words *words) {
  const char *first = words->count > 0 ? words->items[0].text : "";
  for (size_t i = 0; i < words->count; i++) {
    if (strlen(words->items[i].text) != words->items[i].size || words->items[i].size == 0) {
      return "one of its words is empty";
    }
  }
  return first[0] == '\0'                            ? "it is no command"
         : first[0] == '-'                           ? "a command cannot begin with a dash"
         : strchr(first, '=')                        ? "a variable is no command; `env NAME=VALUE docker` is one"
         : words->count > CONTAINER_ENGINE_WORDS_MAX ? "it has too many words"
                                                     : NULL;
}

static int fail_engine(const container_settings *settings, const char *text, const char *why, penstock_error *error) {
  char detail[sizeof(error->detail)];
  (void)snprintf(detail, sizeof(detail), "%s", error->detail);
  (void)bad_option(settings, "engine", text, why, error);
  (void)snprintf(error->detail, sizeof(error->detail), "%s", detail);
  penstock_next(error, "Write the command of the engine's client as it is: docker, podman, sudo -n docker, a path; put "
                       "what belongs to a word in quotes");
  return PENSTOCK_E_FAILED;
}

static int read_engine(container_settings *settings, penstock_error *error) {
  static const shell_words_world world = {.variable = no_variable, .exists = no_file};
  shell_words words = {0};
  penstock_error why = {.struct_size = sizeof(why)};
  const char *text = text_of(settings->config, "engine");
  if (!text || strcmp(text, "auto") == 0) {
    return 0;
  }
  if (shell_words_split(&words, text, &world, &why)) {
    if (error) {
      *error = why;
      return why.error_class == PENSTOCK_CLASS_INTERNAL ? PENSTOCK_E_NOMEM
                                                        : fail_engine(settings, text, why.what, error);
    }
    return PENSTOCK_E_FAILED;
  }
  const char *fault = engine_fault(&words);
  int result = fault ? PENSTOCK_E_FAILED : 0;
  if (fault && error) {
    error->detail[0] = '\0';
    (void)fail_engine(settings, text, fault, error);
  }
  for (size_t i = 0; result == 0 && i < words.count; i++) {
    settings->words[i] = words.items[i].text; /* is ours from now on */
    words.items[i].text = NULL;
  }
  shell_words_clear(&words);
  return result;
}

/* --- the rest ------------------------------------------------------------------------------------------ */

static int read_endpoint(container_settings *settings, penstock_error *error) {
  char host[ADDRESS_HOST_SIZE];
  const char *text = text_of(settings->config, "endpoint");
  if (address_split(text, host, &settings->port) || settings->port == 0) {
    (void)bad_option(settings, "endpoint", text ? text : "", "it is no address to connect to", error);
    penstock_next(error, "Write the port on which the solver listens in the container: endpoint = 9090");
    return PENSTOCK_E_FAILED;
  }
  if (!address_is_loopback(host) && !address_is_wildcard(host)) {
    (void)bad_option(settings, "endpoint", text, "only its port means something in a container", error);
    penstock_next(error, "Write endpoint = %u; how the container is reached is found out, or said by `reach`",
                  settings->port);
    return PENSTOCK_E_FAILED;
  }
  return 0;
}

static int check_user_and_folder(const container_settings *settings, penstock_error *error) {
  const char *user = settings->user;
  if (user && (user[0] == '-' || user[strspn(user, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                   "0123456789_.:@$+-")] != '\0')) {
    (void)bad_option(settings, "container_user", user, "it is no user", error);
    penstock_next(error, "Write a name or a number, with a group after a colon if need be: 1000:1000");
    return PENSTOCK_E_FAILED;
  }
  if (settings->workdir && settings->workdir[0] != '/') {
    (void)bad_option(settings, "container_workdir", settings->workdir, "it is no absolute path in the container",
                     error);
    penstock_next(error, "Write a path that begins with a slash");
    return PENSTOCK_E_FAILED;
  }
  return 0;
}

/* The place of a CHOICE among its words; 0, the default, if it is unset. */
static int choice(const penstock_config *config, const char *key, const char *const *words) {
  const char *word = config->get_string(config, key);
  for (int i = 0; word && words[i]; i++) {
    if (strcmp(words[i], word) == 0) {
      return i;
    }
  }
  return 0;
}

/* Of the transports with a container, all others reach the engine's machine by SSH. */
static int is_here(const penstock_config *config) {
  const char *transport = text_of(config, "transport");
  return transport && strcmp(transport, "docker") == 0;
}

int container_settings_read(container_settings *settings, const penstock_config *config, penstock_error *error) {
  *settings = (container_settings){
      .config = config,
      .container = text_of(config, "container"),
      .service = text_of(config, "service"),
      .project = text_of(config, "project"),
      .compose_file = text_of(config, "compose_file"),
      .start_compose = config->get_int(config, "start_compose", 0) != 0,
      .reach = (container_reach)choice(config, "reach", container_reach_words),
      .start_container = config->get_int(config, "start_container", 1) != 0,
      .exposure = (container_exposure)choice(config, "expose_warning", container_exposure_words),
      .user = text_of(config, "container_user"),
      .workdir = text_of(config, "container_workdir"),
      .listen = is_here(config) ? text_of(config, "listen") : NULL,
      .has_root = text_of(config, "root") != NULL,
  };
  if (check_names(settings, error) || check_compose(settings, error) || read_endpoint(settings, error) ||
      check_user_and_folder(settings, error)) {
    return PENSTOCK_E_FAILED;
  }
  return read_engine(settings, error);
}

void container_settings_clear(container_settings *settings) {
  for (size_t i = 0; i < CONTAINER_ENGINE_WORDS_MAX; i++) {
    free(settings->words[i]);
  }
  memset(settings, 0, sizeof(*settings));
}

void container_settings_name(const container_settings *settings, char *text, size_t size) {
  if (settings->container) {
    (void)snprintf(text, size, "container '%s'", settings->container);
  } else if (settings->project) {
    (void)snprintf(text, size, "service '%s' of project '%s'", settings->service, settings->project);
  } else {
    (void)snprintf(text, size, "service '%s'", settings->service ? settings->service : "");
  }
}

void container_settings_publish(const container_settings *settings, char *text, size_t size) {
  char host[ADDRESS_HOST_SIZE];
  uint16_t listen = 0;
  unsigned port = settings->port;
  if (address_split(settings->listen, host, &listen) == 0 && listen == port) {
    port = port <= 55535 ? port + 10000 : port - 10000;
  }
  (void)snprintf(text, size, "127.0.0.1:%u:%u", port, (unsigned)settings->port);
}
