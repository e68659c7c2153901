/* SPDX-License-Identifier: MIT */
/**
 * @file projects.h
 * What state each project is in. There is no simulation: builds and runs only take their time. Thread-safe.
 */
#ifndef DEMO_PROJECTS_H
#define DEMO_PROJECTS_H

#include <stddef.h>

#include "store.h"

#define PROJECT_HASH 129
#define PROJECT_ID   129

/** What an answer says of a project. */
typedef struct project_view {
  const char *status; /**< NO_DATA, NO_BUILD, BUILDING, READY, RESUMABLE, BUSY … */
  const char *error;  /**< why the action was refused; "" if it was not */
  char root[PATH_MAX];
  int frame;
  char data_hash[PROJECT_HASH];
  char param_hash[PROJECT_HASH];
  char upload_id[PROJECT_ID];
} project_view;

/** What a command asks for. */
typedef enum project_action {
  PROJECT_QUERY,
  PROJECT_BUILD,
  PROJECT_START,
  PROJECT_RESUME,
  PROJECT_TERMINATE,
  PROJECT_SAVE_AND_QUIT,
  PROJECT_DELETE
} project_action;

/** Is it a name for a project: one path component, of at most 128 bytes, not hidden? */
int project_name_valid(const char *name);
/** Carries out `action` on a project with a valid name and says how it stands. */
void project_act(demo_store *store, const char *name, project_action action, project_view *view);
/** New data or parameters have arrived; NULL leaves a hash as it is. What was built no longer counts. */
void project_uploaded(const char *name, const char *upload_id, const char *data_hash, const char *param_hash);

#endif
