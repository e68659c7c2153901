/* SPDX-License-Identifier: MIT */
/* The transport `local` on Windows: a solver on this machine, as a process without a window and without a shell. */
#include "common/native/native.h"
#include "common/own_port.h"

#define OPTION(type, key, default_value, help)                                                                         \
  { sizeof(penstock_option), PENSTOCK_OPTION_##type, 0, 0, key, default_value, help, 0, 0, NULL }

/* The keys of `local` elsewhere (common/process_runtime.h), whose paths are this machine's. */
static const penstock_option options[] = {
    OPTION(ADDRESS, "endpoint", "127.0.0.1:19090", "Where the solver listens on this machine (host:port)"),
    OPTION(PATH, "root", NULL, "Folder of the solver, or one within it; penstock launches none without it"),
    OPTION(STRING, "gpu", NULL, "GPU of the launched solver: index or UUID (CUDA_VISIBLE_DEVICES)"),
    OPTION(ENV, "env", NULL, "More environment for the launched solver: NAME=value, ..."),
    OPTION(PATH, "venv", NULL, "Python environment of the launched solver: its Scripts folder comes first in PATH"),
    OPTION(STRING, "program", NULL,
           "The solver's program, if it is not ppf-cts-server.exe in target\\release, bin or the folder itself; "
           "also a .bat, .cmd or .py"),
    OPTION(LIST, "args", NULL, "More arguments for the launched solver"),
    OPTION(BOOL, "debug", "no", "Launch the solver with --debug"),
};

static int32_t create(const penstock_host *host, const penstock_config *config, penstock_instance **instance,
                      penstock_error *error) {
  *instance = NULL;
  if (own_port_refuse(config, error) != PENSTOCK_OK) {
    return PENSTOCK_E_FAILED;
  }
  return native_create(host, config, NATIVE_PLAIN, instance, error);
}

static const penstock_transport local_transport = {
    .struct_size = sizeof(penstock_transport),
    .name = "local",
    .summary = "A solver on this machine, launched as a plain process",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .create = create,
    NATIVE_SLOTS,
};

static const penstock_transport *const transports[] = {&local_transport};
PENSTOCK_PLUGIN("local", PENSTOCK_VERSION, "MIT", transports);
