/* SPDX-License-Identifier: MIT */
#include "plugin/library.h"

#include <dlfcn.h>

void *ps_library_open(const char *path, penstock_error *error) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *why = dlerror();
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.160s: cannot be loaded: %.300s", path,
                  why ? why : "the system does not say why");
    penstock_next(error, "install what it needs (ldd lists it), or get a build of it for this system");
  }
  return library;
}

const void *ps_library_symbol(void *library, const char *name) {
  return dlsym(library, name);
}

void ps_library_close(void *library) {
  (void)dlclose(library);
}
