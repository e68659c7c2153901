/* SPDX-License-Identifier: MIT */
/*
 * penstock ssh-command explain 'LINE': the plain profile that a pasted command means. The command knows nothing of ssh:
 * it makes a profile with the transport of its own name in memory, and asks that transport.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/explanation.h"
#include "cli/json_out.h"
#include "cli/out.h"
#include "cli/profile_select.h"
#include "cli/show.h"
#include "cli/visitor.h"
#include "config/append.h"
#include "log/log.h"

#define TRANSPORT "ssh-command"
#define OPTION    "command"

/* The command line, and what has come of it so far. */
typedef struct explain_job {
  const char *text; /* what is explained */
  const char *save; /* the name to save it under; NULL = only show it */
  int json;
  char *path; /* of the file to save to */
  ps_profiles profiles;
  ps_explanation explanation;
  char *section;
} explain_job;

/* --- telling ------------------------------------------------------------------------------------ */

static int tell_error(const explain_job *job, const penstock_error *error) {
  if (job->json) {
    ps_json_line(json_pack("{s:o}", "error", ps_json_error(error)));
  } else {
    ps_cli_print_error(PS_STDERR, "Failed", error);
  }
  return (int)ps_cli_exit_code(error);
}

static int refuse(const explain_job *job, const char *what, const char *next) {
  penstock_error error;
  (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s", what);
  penstock_next(&error, "%s", next);
  return tell_error(job, &error);
}

static int tell_problems(explain_job *job, ps_problems *problems) {
  if (job->json) {
    for (size_t i = 0; i < problems->count; i++) {
      ps_json_line(ps_json_problem(&problems->items[i]));
    }
    return refuse(job, "the profiles file has errors: nothing was written", "mend what is told of it above");
  }
  ps_cli_print_problems(PS_STDERR, problems);
  return PS_EXIT_CONFIG;
}

static void tell(const explain_job *job, const char *name) {
  char file[4096];
  if (job->json) {
    ps_json_line(json_pack("{s:o, s:O, s:O, s:o, s:o, s:n}", "name", ps_json_text(name), "profile",
                           job->explanation.object, "notes", job->explanation.list, "ini", ps_json_text(job->section),
                           "saved", ps_json_text(job->save ? job->path : NULL), "error"));
    return;
  }
  size_t size = strlen(job->section);
  job->section[size - 1] = '\0'; /* ps_out_text ends the line */
  ps_out_text(job->section);
  if (job->save) {
    ps_out_line("\nSaved in %s. Does it work? penstock check %s --connect", ps_show_safe(file, sizeof(file), job->path),
                strpbrk(name, " '$") ? "'NAME'" : name);
  }
}

/* --- saving ------------------------------------------------------------------------------------- */

/* The file as it will be, which is not in place yet: problems are to name the place. */
static void rename_problems(ps_problems *problems, const char *made, const char *path) {
  for (size_t i = 0; i < problems->count; i++) {
    char *name = strcmp(problems->items[i].file, made) == 0 ? strdup(path) : NULL;
    if (name) {
      free(problems->items[i].file);
      problems->items[i].file = name;
    }
  }
}

/* Loads the file that was made, with the profile's plugin, as `penstock up` would. */
static int check_made(void *context, const char *made) {
  explain_job *job = context;
  ps_profiles profiles = {0};
  ps_profile profile = {0};
  penstock_error error = {.struct_size = sizeof(error)};
  int exit_code = PS_EXIT_OK;
  profiles.config = ps_config_load(made, &profiles.problems);
  if (profiles.config) {
    profiles.gateway = ps_config_check_gateway(profiles.config, &profiles.problems);
    if (ps_profile_open(&profiles, job->save, &profile) == 0 &&
        ps_visit_instance(&profile, NULL, NULL, &error) != PS_EXIT_OK) {
      ps_profiles_add_refusal(&profiles, job->save, &error);
    }
  }
  if (ps_problems_fatal(&profiles.problems) > 0) {
    rename_problems(&profiles.problems, made, job->path);
    exit_code = tell_problems(job, &profiles.problems);
  }
  ps_profile_close(&profile);
  ps_profiles_free(&profiles);
  return exit_code;
}

static int save(explain_job *job) {
  penstock_error error;
  int result = ps_config_append(job->path, job->section, check_made, job, &error);
  return result < 0 ? tell_error(job, &error) : result;
}

/* Is there room for the profile? Says so if not. */
static int check_name(const explain_job *job) {
  const ps_config *config = job->profiles.config;
  const char *fault = ps_config_name_fault(job->save);
  char what[512];
  if (fault) {
    (void)snprintf(what, sizeof(what), "--save %.100s: %s", job->save, fault);
    return refuse(job, what, "choose another name");
  }
  for (size_t i = 0; config && i < ps_config_profile_count(config); i++) {
    if (strcmp(ps_config_profile_name(config, i), job->save) == 0) {
      (void)snprintf(what, sizeof(what), "there is a profile '%.100s' already in %.300s", job->save, job->path);
      return refuse(job, what, "choose another name, or take that profile out first");
    }
  }
  return PS_EXIT_OK;
}

/* --- explaining --------------------------------------------------------------------------------- */

/* Reads the profiles file: to save to it, and for [gateway]'s plugin_path. Without one there is nothing to read, which
 * is a fault only if the command line named it and nothing is to be saved. */
static int load(explain_job *job) {
  job->path = job->save ? ps_config_find_or_new(ps_cli_options.config) : NULL;
  if (job->save && !job->path) {
    return refuse(job, "there is no home folder to save a profile in", "name a file with --config FILE");
  }
  if (job->save && access(job->path, F_OK) != 0 && errno == ENOENT) {
    return check_name(job);
  }
  int is_loaded = ps_profiles_load(&job->profiles) == 0;
  int is_broken = !is_loaded || ps_problems_fatal(&job->profiles.problems) > 0;
  if (is_broken && (job->save || ps_cli_options.config)) {
    return tell_problems(job, &job->profiles.problems);
  }
  return job->save ? check_name(job) : PS_EXIT_OK;
}

static int with_instance(void *context, penstock_instance *instance, const ps_profile *profile) {
  explain_job *job = context;
  penstock_error error = {.struct_size = sizeof(error)};
  const penstock_explain_ext *ext =
      profile->transport->get_extension ? profile->transport->get_extension(instance, PENSTOCK_EXT_EXPLAIN) : NULL;
  if (!ext) {
    return refuse(job, "the plugin of transport '" TRANSPORT "' explains nothing", "install penstock's own");
  }
  if (ps_explanation_get(&job->explanation, ext, instance, &error)) {
    return tell_error(job, &error);
  }
  const char *host = job->explanation.host;
  const char *name = job->save ? job->save : host && !ps_config_name_fault(host) ? host : "solver";
  job->section = ps_explanation_section(&job->explanation, name, job->text);
  if (!job->section) {
    return refuse(job, "out of memory", "");
  }
  int exit_code = job->save ? save(job) : PS_EXIT_OK;
  if (exit_code == PS_EXIT_OK) {
    tell(job, name);
  }
  return exit_code;
}

static int explain(explain_job *job) {
  penstock_error error;
  ps_profile profile = {.name = TRANSPORT};
  const ps_plugin_request request = {
      .transport = TRANSPORT,
      .plugin_path = job->profiles.gateway ? ps_settings_string(job->profiles.gateway, "plugin_path") : NULL};
  if (ps_registry_find(&request, &profile.transport, &profile.plugin, &error)) {
    return tell_error(job, &error);
  }
  profile.settings = ps_settings_defaults(profile.name, profile.transport);
  int exit_code = PS_EXIT_FAILED;
  if (profile.settings && ps_settings_set_exact(profile.settings, OPTION, job->text) == 0) {
    profile.usable = 1;
    exit_code = ps_visit_instance(&profile, with_instance, job, &error);
    if (error.what[0]) {
      exit_code = tell_error(job, &error);
    }
  }
  ps_profile_close(&profile);
  return exit_code;
}

static int cmd_explain(int argc, char **argv) {
  explain_job job = {0};
  char **arguments;
  int exit_code;
  const ps_cli_option options[] = {
      {"save", "NAME", "add it to the profiles file as profile NAME", NULL, &job.save},
      {"json", NULL, "one JSON object", &job.json, NULL},
  };
  const ps_cli_syntax syntax = {
      "ssh-command explain",
      "'LINE'",
      "Shows the profile that a pasted ssh line means, and what of the line has no effect.\n"
      "LINE is the whole line in quotes, as in\n"
      "\n"
      "  penstock ssh-command explain \"ssh -p 2222 -J gate alice@gpu01\"\n"
      "\n"
      "It is read as a shell and ssh would read it; nothing is connected, and nothing is run but\n"
      "'ssh -G'. With --save, the profiles file is made if there is none, and what is in it stays\n"
      "as it is.",
      options,
      sizeof(options) / sizeof(options[0]),
      1,
      1};
  for (int i = 1; i + 1 < argc; i++) {
    if (strcmp(argv[i], "ssh") == 0 || strcmp(argv[i], "'ssh") == 0) { /* a ' is a letter to cmd.exe */
      return ps_cli_usage(syntax.command, "put the whole line in double quotes: \"ssh %s ...\"", argv[i + 1]);
    }
  }
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  job.text = arguments[0];
  /* The notes are shown, so they need not be logged too. */
  if ((exit_code = ps_cli_open_log(NULL, PENSTOCK_LOG_ERROR)) != 0) {
    return exit_code;
  }
  exit_code = load(&job);
  if (exit_code == PS_EXIT_OK) {
    exit_code = explain(&job);
  }
  ps_explanation_clear(&job.explanation);
  ps_profiles_free(&job.profiles);
  free(job.section);
  free(job.path);
  ps_log_close();
  return exit_code;
}

int ps_cmd_ssh_command(int argc, char **argv) {
  static const ps_cli_command commands[] = {
      {"explain", "the profile that a pasted ssh line means; --save NAME keeps it", cmd_explain},
  };
  static const ps_cli_group group = {"ssh-command", commands, sizeof(commands) / sizeof(commands[0])};
  return ps_cli_run_group(&group, argc, argv);
}
