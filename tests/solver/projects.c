/* SPDX-License-Identifier: MIT */
#include "projects.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MAX_PROJECTS 1024
#define NAME_LIMIT   128
#define BUILD_MS     200
#define FRAME_MS     50
#define FRAMES       60

typedef struct project {
  long long built_at;   /* when the build is done, in ms; 0 = not built */
  long long started_at; /* when the run began, in ms; 0 = does not run */
  int frame;            /* where the last run was stopped */
  char name[NAME_LIMIT + 1];
  char data_hash[PROJECT_HASH];
  char param_hash[PROJECT_HASH];
  char upload_id[PROJECT_ID];
} project;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static project projects[MAX_PROJECTS];
static size_t project_count;

static long long now_ms(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int project_name_valid(const char *name) {
  size_t length = strlen(name);
  return length > 0 && length <= NAME_LIMIT && name[0] != '.' && !strchr(name, '/');
}

/* Finds a project; with `create`, makes it. NULL if there is none, or no room. */
static project *find(const char *name, int create) {
  for (size_t i = 0; i < project_count; i++) {
    if (strcmp(projects[i].name, name) == 0) {
      return &projects[i];
    }
  }
  if (!create || project_count == MAX_PROJECTS) {
    return NULL;
  }
  project *made = &projects[project_count++];
  memset(made, 0, sizeof(*made));
  (void)snprintf(made->name, sizeof(made->name), "%s", name);
  return made;
}

static int frame_of(const project *it, long long now) {
  long long frame = it->frame + (it->started_at ? (now - it->started_at) / FRAME_MS : 0);
  return frame > FRAMES ? FRAMES : (int)frame;
}

static const char *status_of(const project *it, int has_data, long long now) {
  int frame = frame_of(it, now);
  if (!has_data) {
    return "NO_DATA";
  }
  if (!it->built_at) {
    return "NO_BUILD";
  }
  if (now < it->built_at) {
    return "BUILDING";
  }
  if (it->started_at && frame < FRAMES) {
    return "BUSY";
  }
  return frame > 0 && frame < FRAMES ? "RESUMABLE" : "READY";
}

/* Returns why the action is refused, "" if it was done. */
static const char *act(project *it, const char *status, project_action action, long long now) {
  int ready = strcmp(status, "READY") == 0;
  int resumable = strcmp(status, "RESUMABLE") == 0;
  switch (action) {
  case PROJECT_QUERY:
    return "";
  case PROJECT_BUILD:
    if (strcmp(status, "NO_DATA") == 0 || strcmp(status, "BUSY") == 0) {
      return "cannot build in this state";
    }
    it->built_at = now + BUILD_MS;
    it->started_at = 0;
    it->frame = 0;
    return "";
  case PROJECT_START:
  case PROJECT_RESUME:
    if (!ready && !resumable) {
      return "cannot start in this state";
    }
    it->frame = action == PROJECT_RESUME && resumable ? it->frame : 0;
    it->started_at = now;
    return "";
  case PROJECT_TERMINATE:
  case PROJECT_SAVE_AND_QUIT:
    it->frame = frame_of(it, now);
    it->started_at = 0;
    return "";
  case PROJECT_DELETE:
    it->built_at = 0;
    it->started_at = 0;
    it->frame = 0;
    return "";
  }
  return "unknown action";
}

void project_act(demo_store *store, const char *name, project_action action, project_view *view) {
  int has_data = store_has(store, name, "data.pickle");
  long long now = now_ms();
  memset(view, 0, sizeof(*view));
  view->error = "";
  (void)snprintf(view->root, sizeof(view->root), "%.*s/%s", (int)(sizeof(view->root) - NAME_LIMIT - 2), store->root,
                 name);
  (void)pthread_mutex_lock(&lock);
  project none = {.name = ""};
  project *it = find(name, has_data || action != PROJECT_QUERY);
  if (!it) {
    it = &none;
    view->error = action == PROJECT_QUERY ? "" : "too many projects";
  } else {
    view->error = act(it, status_of(it, has_data, now), action, now);
  }
  view->status = status_of(it, has_data, now);
  view->frame = frame_of(it, now);
  memcpy(view->data_hash, it->data_hash, sizeof(view->data_hash));
  memcpy(view->param_hash, it->param_hash, sizeof(view->param_hash));
  memcpy(view->upload_id, it->upload_id, sizeof(view->upload_id));
  (void)pthread_mutex_unlock(&lock);
}

void project_uploaded(const char *name, const char *upload_id, const char *data_hash, const char *param_hash) {
  (void)pthread_mutex_lock(&lock);
  project *it = find(name, 1);
  if (it) {
    if (data_hash) {
      (void)snprintf(it->data_hash, sizeof(it->data_hash), "%s", data_hash);
    }
    if (param_hash) {
      (void)snprintf(it->param_hash, sizeof(it->param_hash), "%s", param_hash);
    }
    (void)snprintf(it->upload_id, sizeof(it->upload_id), "%s", upload_id ? upload_id : "");
    it->built_at = 0;
    it->started_at = 0;
    it->frame = 0;
  }
  (void)pthread_mutex_unlock(&lock);
}
