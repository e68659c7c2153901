/* SPDX-License-Identifier: MIT */
/**
 * @file path.h
 * What differs between systems in how paths are written. Inside of the program all have `/` between their parts.
 */
#ifndef PS_PATH_H
#define PS_PATH_H

/** Between the folders of a list: ":" or ";". */
extern const char ps_path_list_separator[2];

/** Does it count from no folder? */
int ps_path_is_absolute(const char *path);

#endif
