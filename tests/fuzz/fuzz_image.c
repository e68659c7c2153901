/* SPDX-License-Identifier: MIT */
/* Plugin files: whatever the bytes are, the answer is a verdict with words. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "plugin/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  penstock_error error = {0};
  void *bytes = malloc(size ? size : 1); /* aligned, as the check wants it, and ending where the file ends */
  if (!bytes) {
    return 0;
  }
  memcpy(bytes, data, size);
  int code = ps_image_check_bytes(bytes, size, "/fuzz/plugin.so", &error);
  if (code > 0 || (code < 0 && (error.error_class != PENSTOCK_CLASS_CONFIG || !error.what[0] || !error.next[0]))) {
    abort();
  }
  if (memcmp(bytes, data, size) != 0) {
    abort(); /* the check only reads */
  }
  free(bytes);
  return 0;
}
