/* SPDX-License-Identifier: MIT */
#include "common/container/container_report.h"

#include <ctype.h>
#include <stdlib.h>

#include "common/container/container_there.h"

/* --- the one line that says it ------------------------------------------------------------------------- */

/* What clients write before and around what went wrong. */
static int is_noise(const char *line, size_t length) {
  static const char *const noise[] = {
      "WARNING", "[]", "Emulate Docker CLI", "Error: failed to start containers", "See 'docker", "Run 'docker"};
  for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
    if (strncmp(line, noise[i], strlen(noise[i])) == 0) {
      return 1;
    }
  }
  return strspn(line, " \t") >= length || (strncmp(line, "time=", 5) == 0 && strstr(line, "level=warn") != NULL);
}

static void essence(const char *said, char *text, size_t size) {
  static const char *const starts[] = {"docker: ", "Error response from daemon: ", "Error: "};
  text[0] = '\0';
  for (const char *line = said; *line;) {
    size_t length = strcspn(line, "\n");
    if (!is_noise(line, length)) {
      for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        size_t skip = strlen(starts[i]);
        if (strncmp(line, starts[i], skip) == 0 && skip < length) {
          line += skip;
          length -= skip;
        }
      }
      /* The command that docker runs for an engine behind SSH: what that said is what matters. */
      const char *inner = strstr(line, "stderr=");
      if (inner && inner + 7 < line + length) {
        length -= (size_t)(inner + 7 - line);
        line = inner + 7;
      }
      (void)snprintf(text, size, "%.*s", (int)(length < size ? length : size - 1), line);
      penstock_utf8_trim(text, size);
      return;
    }
    line += length + (line[length] == '\n');
  }
}

/* --- words for the user -------------------------------------------------------------------------------- */

/*
 * Words with places for what is known:
 *   %E the client's command   %A address of its engine   %B the same in brackets, if it is known   %W the machine   %N
 * "container 'ppf'", "service 'app' …" %C what the client knows the container by   %L the line that says what went
 * wrong   %Y (file:line of `engine`) %U container_user   %D container_workdir   %F compose_file   %P the list of
 * projects
 */
static const struct {
  container_fault fault;
  uint32_t error_class;
  const char *what;
  const char *next;
} words[] = {
    {CONTAINER_FAULT_OPTION, PENSTOCK_CLASS_CONFIG, "'%E' cannot be run on %W: %L",
     "Correct `engine`%Y: its command has an option that it does not know"},
    {CONTAINER_FAULT_PERMISSION, PENSTOCK_CLASS_CONFIG, "This user may not use the engine of %E on %W%B",
     "Run `sudo usermod -aG docker $USER` there and log in again, or set `engine = sudo -n docker` (on Windows, be in "
     "the "
     "group docker-users)"},
    {CONTAINER_FAULT_NO_ENGINE, PENSTOCK_CLASS_TRANSIENT, "The engine of %E is not running on %W%B",
     "Start it there: the program that runs it (Docker Desktop, colima, podman machine), or else `sudo systemctl start "
     "docker`"},
    {CONTAINER_FAULT_UNREACHABLE, PENSTOCK_CLASS_TRANSIENT, "%E on %W cannot reach its engine at %A: %L",
     "Try `%E ps` there; `docker context ls` and DOCKER_HOST say which engine it uses, and `engine = docker --context "
     "NAME` chooses one"},
    {CONTAINER_FAULT_SILENT, PENSTOCK_CLASS_TRANSIENT, "%E on %W does not answer%B",
     "Its engine may be starting, busy or stuck: try `%E ps` there, and look at its log"},
    {CONTAINER_FAULT_CONTEXT, PENSTOCK_CLASS_CONFIG, "%E on %W does not know its engine: %L",
     "See `docker context ls` (podman: `podman system connection list`) there, and set DOCKER_CONTEXT or `engine`%Y to "
     "one that exists"},
    {CONTAINER_FAULT_TLS, PENSTOCK_CLASS_CONFIG, "%E on %W does not trust its engine at %A: %L",
     "Check the certificates of its context, or DOCKER_CERT_PATH and DOCKER_TLS_VERIFY, there"},
    {CONTAINER_FAULT_VERSION, PENSTOCK_CLASS_CONFIG, "%E on %W and its engine do not understand each other: %L",
     "Install a client and an engine there that fit together, or correct DOCKER_API_VERSION"},
    {CONTAINER_FAULT_SUDO_PASSWORD, PENSTOCK_CLASS_CONFIG, "sudo on %W asks for a password before it runs %E",
     "Allow it without one (`sudo visudo`: USER ALL=(root) NOPASSWD: /usr/bin/docker), or join the group `docker` and "
     "set `engine = docker`%Y"},
    {CONTAINER_FAULT_SUDO_DENIED, PENSTOCK_CLASS_CONFIG, "This user may not run %E on %W: %L",
     "Let them with `sudo visudo` there, or join the group `docker` and set `engine = docker`%Y"},
    {CONTAINER_FAULT_PODMAN_SETUP, PENSTOCK_CLASS_CONFIG, "podman cannot work for this user on %W: %L",
     "Make `%E ps` work there first: it needs ranges in /etc/subuid and /etc/subgid, and a login session (`loginctl "
     "enable-linger`)"},
    {CONTAINER_FAULT_STOPPED, PENSTOCK_CLASS_TRANSIENT, "%N on %W does not run (any more)",
     "`%E logs %C` there says why it ended"},
    {CONTAINER_FAULT_PAUSED, PENSTOCK_CLASS_TRANSIENT, "%N on %W is paused", "Run `%E unpause %C` there"},
    {CONTAINER_FAULT_ABSENT, PENSTOCK_CLASS_TRANSIENT, "%N on %W is gone",
     "It was removed, or made anew: it is looked for again"},
    {CONTAINER_FAULT_NO_SHELL, PENSTOCK_CLASS_CONFIG,
     "%N has no /bin/sh that can be run, so nothing can be launched in it",
     "Use an image with a shell, or make the solver the container's own command and leave `root` unset"},
    {CONTAINER_FAULT_NO_USER, PENSTOCK_CLASS_CONFIG, "There is no user '%U' in %N",
     "Set `container_user` to a user of the container, or a number (uid or uid:gid)"},
    {CONTAINER_FAULT_NO_WORKDIR, PENSTOCK_CLASS_CONFIG, "The folder '%D' cannot be entered in %N",
     "Set `container_workdir` to a folder of the container that its user may enter"},
    {CONTAINER_FAULT_PORT_TAKEN, PENSTOCK_CLASS_TRANSIENT,
     "%N could not be started: a port that it publishes is in use "
     "on %W: %L",
     "End what holds that port there, or make the container again with another one; no port needs to be published for "
     "penstock"},
    {CONTAINER_FAULT_NO_GPU, PENSTOCK_CLASS_CONFIG,
     "%N could not be started: the engine on %W cannot give it a GPU: %L",
     "Install the NVIDIA Container Toolkit there and run `sudo nvidia-ctk runtime configure`, then restart the engine"},
    {CONTAINER_FAULT_NO_COMMAND, PENSTOCK_CLASS_CONFIG, "%N could not be started: its command cannot be run: %L",
     "Make it again with a command that is in the image, such as `sleep infinity`"},
    {CONTAINER_FAULT_NO_MOUNT, PENSTOCK_CLASS_CONFIG,
     "%N could not be started: something that it mounts is not there: %L",
     "Put it back on %W, or make the container again without it"},
    {CONTAINER_FAULT_DISK_FULL, PENSTOCK_CLASS_TRANSIENT, "The disk of the engine on %W is full: %L",
     "Free some space there: `%E system df` says what takes it"},
    {CONTAINER_FAULT_NO_COMPOSE, PENSTOCK_CLASS_CONFIG, "%N cannot be brought up: %W has no compose for %E",
     "Install `docker compose` (package docker-compose-v2 or docker-compose-plugin) or docker-compose there, or bring "
     "it "
     "up yourself"},
    {CONTAINER_FAULT_COMPOSE_FILE, PENSTOCK_CLASS_CONFIG, "%N cannot be brought up: compose finds no file on %W: %L",
     "Set `compose_file` to its path there"},
    {CONTAINER_FAULT_NO_SERVICE, PENSTOCK_CLASS_CONFIG, "%N cannot be brought up: the compose file has no such service",
     "Correct `service`, or `compose_file` (%F)"},
    {CONTAINER_FAULT_PROJECTS, PENSTOCK_CLASS_CONFIG, "Several compose projects on %W have a %N: %P",
     "Set `project` to the one that is meant"},
};

/* "container 'x'" or the like; at the start of a sentence with a capital. */
static void append(char *text, size_t size, const char *part) {
  size_t used = strlen(text);
  (void)snprintf(text + used, size - used, "%s", part);
  if (used == 0 && islower((unsigned char)text[0]) && strncmp(part, "container ", 10) == 0) {
    text[0] = 'C';
  } else if (used == 0 && strncmp(part, "service ", 8) == 0) {
    text[0] = 'S';
  }
}

/* The projects, a line each, as a list. */
static void list(char *text, size_t size, const char *said) {
  for (const char *line = said; *line;) {
    char part[80];
    size_t length = strcspn(line, "\n");
    if (length > 0) {
      (void)snprintf(part, sizeof(part), "%s%.*s", line == said ? "" : ", ", (int)(length < 60 ? length : 60), line);
      append(text, size, part);
    }
    line += length + (line[length] == '\n');
  }
}

static void expand(const container_report_context *context, const char *format, const char *said, char *text,
                   size_t size) {
  const container_settings *settings = context->settings;
  const char *origin = settings->config ? settings->config->get_origin(settings->config, "engine") : NULL;
  char part[512];
  text[0] = '\0';
  for (const char *at = format; *at; at++) {
    part[0] = '\0';
    if (*at != '%') {
      (void)snprintf(part, sizeof(part), "%c", *at);
      append(text, size, part);
      continue;
    }
    switch (*++at) {
    case 'E':
      append(text, size, context->engine);
      break;
    case 'A':
      append(text, size, context->at[0] ? context->at : "its usual address");
      break;
    case 'B':
      if (context->at[0]) {
        (void)snprintf(part, sizeof(part), " (%.300s)", context->at);
      }
      append(text, size, part);
      break;
    case 'W':
      append(text, size, context->where);
      break;
    case 'C':
      append(text, size, settings->container ? settings->container : settings->service);
      break;
    case 'U':
      append(text, size, settings->user ? settings->user : "");
      break;
    case 'D':
      append(text, size, settings->workdir ? settings->workdir : "");
      break;
    case 'F':
      append(text, size, settings->compose_file ? settings->compose_file : "");
      break;
    case 'P':
      list(text, size, said);
      break;
    case 'N':
      container_settings_name(settings, part, sizeof(part));
      append(text, size, part);
      break;
    case 'L':
      essence(said, part, 300);
      append(text, size, part);
      break;
    default:
      if (origin) {
        (void)snprintf(part, sizeof(part), " (%.290s)", origin);
      }
      append(text, size, part);
    }
  }
  penstock_utf8_trim(text, size);
}

static void fill(const container_report_context *context, uint32_t error_class, const char *what, const char *next,
                 const char *said, penstock_error *error) {
  char text[sizeof(error->what)];
  expand(context, what, said, text, sizeof(text));
  (void)penstock_fail(error, PENSTOCK_LEG_CONTAINER, error_class, "%s", text);
  expand(context, next, said, text, sizeof(text));
  penstock_next(error, "%s", text);
}

static void report_no_client(const container_report_context *context, const char *said, penstock_error *error) {
  const char *first = context->settings->words[0];
  char what[200];
  if (first && said[0] == '\0' && context->settings->words[1] && !strchr(first, '%')) {
    /* Not the client itself: what was to run it. */
    (void)snprintf(what, sizeof(what), "'%%E' cannot be run on %%W: there is no command '%.100s'", first);
    fill(context, PENSTOCK_CLASS_CONFIG, what, "Install that there, or set `engine`%Y to a command without it", said,
         error);
  } else if (first) {
    fill(context, PENSTOCK_CLASS_CONFIG, "The command '%E' cannot be run on %W",
         "Install it there, or set `engine`%Y to the client's full path", said, error);
  } else {
    fill(context, PENSTOCK_CLASS_CONFIG, "No container engine is installed on %W: there is neither docker nor podman",
         "Install one there, or set `engine` to the client's full path: the PATH of a login without a terminal may be "
         "short",
         said, error);
  }
}

void container_report_detail(penstock_error *error, const char *text) {
  text += strspn(text, "\n");
  size_t length = strlen(text);
  while (length > 0 && isspace((unsigned char)text[length - 1])) {
    length--;
  }
  if (length >= sizeof(error->detail)) {
    text += length - sizeof(error->detail) + 1;
    length = sizeof(error->detail) - 1;
    const char *line = memchr(text, '\n', length);
    const char *start = line ? line + 1 : text;
    while (((unsigned char)*start & 0xC0) == 0x80) {
      start++;
    }
    length -= (size_t)(start - text);
    text = start;
  }
  (void)snprintf(error->detail, sizeof(error->detail), "%.*s", (int)length, text);
}

/* What a client says of a wrong option is followed by all those that there are. */
static void detail_without_usage(penstock_error *error, const char *said) {
  char text[sizeof(error->detail)];
  const char *usage = strstr(said, "\nUsage:");
  (void)snprintf(text, sizeof(text), "%.*s", usage ? (int)(usage - said) : (int)sizeof(text) - 1, said);
  penstock_utf8_trim(text, sizeof(text));
  container_report_detail(error, text);
}

void container_report_call(const container_report_context *context, const char *call, int64_t code, const char *said,
                           penstock_error *error) {
  container_fault fault = container_report_classify(call, code, said);
  if (fault == CONTAINER_FAULT_NO_CLIENT) {
    report_no_client(context, said, error);
  } else {
    size_t i = 0;
    while (i < sizeof(words) / sizeof(words[0]) && words[i].fault != fault) {
      i++;
    }
    if (i < sizeof(words) / sizeof(words[0])) {
      fill(context, words[i].error_class, words[i].what, words[i].next, said, error);
    } else {
      char line[300];
      essence(said, line, sizeof(line));
      (void)penstock_fail(error, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT,
                          "`%.100s %s` on %.100s failed with status %d%s%s", context->engine,
                          strcmp(call, "version") == 0 ? "--version" : call, context->where, (int)code,
                          line[0] ? ": " : "", line);
      penstock_next(error, "Try `%.100s ps` there", context->engine);
    }
  }
  if (fault == CONTAINER_FAULT_OPTION) {
    detail_without_usage(error, said);
  } else if (fault != CONTAINER_FAULT_PROJECTS) {
    container_report_detail(error, said);
  }
}

void container_report_silent(const container_report_context *context, penstock_error *error) {
  container_report_call(context, "inspect", -1, "context deadline exceeded", error);
  error->detail[0] = '\0';
}

/* --- containers that are not as they should be --------------------------------------------------------- */

/* The client's command, and what it knows the container by. */
static const char *name_of(const container_report_context *context, const container_view *view) {
  return view->name[0] ? view->name : context->settings->container;
}

void container_report_held(const container_report_context *context, const container_view *view, penstock_error *error) {
  int is_paused = view->state == CONTAINER_PAUSED;
  (void)penstock_fail(error, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG,
                      "Container '%.200s' is %s, and `start_container = no`", name_of(context, view),
                      is_paused                          ? "paused"
                      : view->state == CONTAINER_CREATED ? "created but not started"
                                                         : "stopped");
  penstock_next(error, "Run `%.200s %s %.200s` on %.60s, or set `start_container = yes`", context->engine,
                is_paused ? "unpause" : "start", name_of(context, view), context->where);
}

/* What can be told from how it ended. */
static const char *ending(const container_view *view, char *text, size_t size) {
  if (view->is_out_of_memory) {
    (void)snprintf(text, size, "it was killed for want of memory");
  } else if (view->exit_code > 128 && view->exit_code < 160) {
    (void)snprintf(text, size, "exit code %d: signal %d", view->exit_code, view->exit_code - 128);
  } else {
    (void)snprintf(text, size, "exit code %d", view->exit_code);
  }
  return text;
}

void container_report_ended(const container_report_context *context, const container_view *view,
                            penstock_error *error) {
  char how[64];
  const char *name = name_of(context, view);
  int loops = view->state == CONTAINER_RESTARTING || view->restart_count > 0;
  /* A command that does its work and ends well will do just that the next time. */
  uint32_t error_class =
      view->exit_code == 0 && !view->fault[0] && !loops ? PENSTOCK_CLASS_CONFIG : PENSTOCK_CLASS_TRANSIENT;
  (void)penstock_fail(error, PENSTOCK_LEG_CONTAINER, error_class, "Container '%.150s' %s (%s)%s%.200s", name,
                      loops ? "ends and is started again and again" : "was started and has ended at once",
                      ending(view, how, sizeof(how)), view->fault[0] ? ": " : "", view->fault);
  if (view->is_out_of_memory) {
    penstock_next(error, "Give it more memory (`%.100s update --memory … %.150s` on %.60s)", context->engine, name,
                  context->where);
  } else if (error_class == PENSTOCK_CLASS_CONFIG) {
    penstock_next(error,
                  "Its command (`%.150s`) ends by itself: make it again with one that stays, such as `sleep infinity`",
                  view->command);
  } else {
    penstock_next(error, "The end of its log is below; all of it: `%.100s logs %.150s` on %.60s", context->engine, name,
                  context->where);
  }
}

void container_report_stuck(const container_report_context *context, const container_view *view,
                            penstock_error *error) {
  const char *name = name_of(context, view);
  int removed = view->state == CONTAINER_REMOVING || view->state == CONTAINER_DEAD;
  (void)penstock_fail(error, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT,
                      "Container '%.200s' cannot be used: it is %s%.31s", name, removed ? "" : "in the state ",
                      view->state == CONTAINER_REMOVING ? "being removed"
                      : view->state == CONTAINER_DEAD   ? "dead: the engine could not remove all of it"
                                                        : view->status);
  penstock_next(error,
                removed ? "Remove it with `%.200s rm -f %.200s` on %.60s, and make it again"
                        : "Look at it with `%.200s inspect %.200s` on %.60s",
                context->engine, name, context->where);
}

void container_report_absent(const container_report_context *context, const char *there, const char *images,
                             penstock_error *error) {
  const container_settings *settings = context->settings;
  if (!settings->container) {
    char project[128] = "";
    if (settings->project) {
      (void)snprintf(project, sizeof(project), " -p %.100s", settings->project);
    }
    fill(context, PENSTOCK_CLASS_CONFIG, "%N has no container on %W.", "", "", error);
    penstock_next(error, "Run `docker compose%s up -d %.100s` there, or set `start_compose = yes` and `compose_file`",
                  project, settings->service);
  } else {
    char image[128];
    char publish[96];
    int is_podman = strstr(context->engine, "podman") != NULL;
    int is_launched = settings->config && settings->config->get_string(settings->config, "root") != NULL;
    container_there_image(settings->container, images, image, sizeof(image));
    container_settings_publish(settings, publish, sizeof(publish));
    (void)penstock_fail(error, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "Container '%.200s' does not exist.",
                        settings->container);
    /* Where the solver is launched in it, it needs a command that stays: that of many images is a shell, and ends. */
    penstock_next(error, "%s `container`, or make it on %.60s: `%.100s run -d --name %.100s %s -p %s%s %.100s%s`",
                  there && there[0] ? "Correct" : "Set", context->where, context->engine, settings->container,
                  is_podman ? "--device nvidia.com/gpu=all" : "--gpus all", publish, is_launched ? " --init" : "",
                  image, is_launched ? " sleep infinity" : "");
  }
  container_there_list(settings->container ? settings->container : settings->service, context->where, there,
                       settings->container ? images : NULL, error->detail, sizeof(error->detail));
}
