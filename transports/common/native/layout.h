/* SPDX-License-Identifier: MIT */
/**
 * @file layout.h
 * Where things are in a solver's folder on Windows, and what its environment has to say of it. Nothing here needs
 * Windows. Paths are UTF-8, with `\` between their parts; what is given may have `/` too.
 *
 * Thread: any.
 */
#ifndef TRANSPORTS_NATIVE_LAYOUT_H
#define TRANSPORTS_NATIVE_LAYOUT_H

#include <stddef.h>

/** Users often choose a folder within the solver's: so many above it are looked at, too. */
#define LAYOUT_PARENTS 6

/** Is there a file (`folder` 0) or a folder at the path? */
typedef int layout_exists(void *context, const char *path, int folder);

typedef enum layout_kind {
  LAYOUT_PLAIN,  /**< no Python of its own; only with a program that the profile names */
  LAYOUT_DEV,    /**< as it is built: build-win-native\python */
  LAYOUT_BUNDLE, /**< as it is distributed: python */
  LAYOUT_VENV    /**< for layout_find_venv: no Python but that of an environment, if there is one */
} layout_kind;

typedef enum layout_result {
  LAYOUT_FOUND,
  LAYOUT_NO_MEMORY,
  LAYOUT_NO_FOLDER,  /**< there is nothing at the path; `place` is it */
  LAYOUT_NO_PROGRAM, /**< neither there nor above; `place` is where it is expected */
  LAYOUT_NO_PYTHON   /**< `place` and `other_place` are where it is expected */
} layout_result;

/** What was found. Zero-initialise; layout_clear. All texts are its own, NULL if they do not apply. */
typedef struct layout {
  layout_kind kind;
  char *root;
  char *program;
  char *cuda; /**< folder of CUDA that came with it */
  char *venv; /**< folder of a Python environment */
  char *place;
  char *other_place;
} layout;

/**
 * Looks for the solver at `start` and up to LAYOUT_PARENTS folders above it. `program`: path that the profile names,
 * relative ones count from the solver's folder; NULL = in the usual places.
 */
layout_result layout_find(layout *found, const char *start, const char *program, layout_exists *exists, void *context);
/** The same for a solver that brings no Python. `venv`: its Python environment, if there is one at that path, which
 * also counts from the solver's folder; may be NULL. */
layout_result layout_find_venv(layout *found, const char *start, const char *program, const char *venv,
                               layout_exists *exists, void *context);
void layout_clear(layout *found);

/** Most entries of an environment that there are. */
#define LAYOUT_ENTRIES 3
/**
 * The environment that the solver needs: PATH, PYTHONPATH, CUDA_PATH, or PATH, VIRTUAL_ENV, as NAME=value, each to
 * free(), NULL after the last. `path` and `python_path` are what these variables hold now (NULL = they are not set).
 * Returns 0, or -1 if memory is out.
 */
int layout_environment(const layout *found, const char *path, const char *python_path,
                       char *entries[LAYOUT_ENTRIES + 1]);

/** A path below a folder, to free(); NULL if memory is out. */
char *layout_join(const char *folder, const char *name);
/** Cuts a path to the folder above. Returns 0 if there is none: it is a disk or a share. */
int layout_go_up(char *path);

#endif
