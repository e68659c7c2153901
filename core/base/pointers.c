/* SPDX-License-Identifier: MIT */
#include "base/pointers.h"

#include <stdlib.h>
#include <string.h>

#include <penstock/sdk.h>

int ps_pointers_add(void *list, size_t *count, void *item) {
  void *items;
  memcpy(&items, list, sizeof(items)); /* a pointer to pointers of any kind */
  void **more = realloc(items, (*count + 1) * sizeof(*more));
  if (!more) {
    return PENSTOCK_E_NOMEM;
  }
  more[*count] = item;
  memcpy(list, &more, sizeof(more));
  (*count)++;
  return 0;
}
