/* SPDX-License-Identifier: MIT */
/**
 * @file container_lessons.h
 * What tries have taught of the ways to a container, for as long as it is not started anew: which of them connect and
 * lead nowhere, and why others failed before a solver was there. Pure. Thread: any.
 */
#ifndef TRANSPORTS_CONTAINER_LESSONS_H
#define TRANSPORTS_CONTAINER_LESSONS_H

#include "common/container/container_paths.h"

/** Zero-initialise. */
typedef struct container_lessons {
  char id[65];         /**< the container they are of, and its start */
  char started_at[40]; /**< as in container_view */
  container_path items[2 * CONTAINER_PATHS_MAX];
  size_t count;
} container_lessons;

/**
 * Keeps `path` with its `why_not`: if `is_doubted`, it connects and leads nowhere; else a try of it has failed. Those
 * of another container or start than the `view`'s are let go.
 */
void container_lessons_keep(container_lessons *self, const container_view *view, const container_path *path);

/**
 * Marks `paths` of `view`: what is doubted cannot be tried; and of a way that cannot because of where the solver
 * listens, which is perhaps where it was told to because the way failed, the reason is why it failed.
 */
void container_lessons_apply(const container_lessons *self, const container_view *view, container_paths *paths);

/** How many are doubted. */
size_t container_lessons_doubts(const container_lessons *self);
/** No way is doubted any more. */
void container_lessons_forget_doubts(container_lessons *self);

#endif
