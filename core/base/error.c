/* SPDX-License-Identifier: MIT */
#include "base/error.h"

void ps_error_import(penstock_error *to, const penstock_error *from) {
  memset(to, 0, sizeof(*to));
  if (from) {
    memcpy(to, from, from->struct_size < sizeof(*to) ? from->struct_size : sizeof(*to));
  }
  to->struct_size = (uint32_t)sizeof(*to);
  to->what[sizeof(to->what) - 1] = '\0';
  to->next[sizeof(to->next) - 1] = '\0';
  to->detail[sizeof(to->detail) - 1] = '\0';
  if (to->what[0] == '\0') {
    (void)snprintf(to->what, sizeof(to->what), "the transport failed and did not say why");
    to->error_class = to->error_class ? to->error_class : PENSTOCK_CLASS_INTERNAL;
  }
}
