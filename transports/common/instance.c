/* SPDX-License-Identifier: MIT */
#include "common/instance.h"

#include <stdlib.h>

#include "common/exec.h"

penstock_instance *instance_create(const penstock_host *host, carrier *link, penstock_error *error) {
  penstock_instance *instance = link ? calloc(1, sizeof(*instance)) : NULL;
  if (link && !instance) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    link->ops->destroy(link);
  }
  if (instance) {
    instance->host = host;
    instance->carrier = link;
  }
  return instance;
}

int32_t instance_finish(penstock_instance *instance, solver_runtime *runtime, penstock_instance **out) {
  *out = NULL;
  if (!instance) {
    return PENSTOCK_E_FAILED;
  }
  if (!runtime) {
    instance_destroy(instance);
    return PENSTOCK_E_FAILED;
  }
  instance->runtime = runtime;
  *out = instance;
  return PENSTOCK_OK;
}

void instance_destroy(penstock_instance *instance) {
  if (!instance) {
    return;
  }
  if (instance->runtime) {
    instance->runtime->ops->destroy(instance->runtime);
  }
  instance->carrier->ops->destroy(instance->carrier);
  if (instance->free_own) {
    instance->free_own(instance->own);
  }
  free(instance);
}

static void connected(void *context, const penstock_error *error) {
  penstock_instance *instance = context;
  penstock_op *op = instance->connecting;
  instance->connecting = NULL;
  instance->host->op_done(instance->host, op, error);
}

void instance_connect(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  const carrier_ops *ops = instance->carrier->ops;
  instance->connecting = op;
  if (ops->connect) {
    ops->connect(instance->carrier, op, deadline_ms, connected, instance);
  } else {
    connected(instance, NULL);
  }
}

void instance_validate(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  instance->runtime->ops->validate(instance->runtime, op, deadline_ms);
}

void instance_launch(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  instance->runtime->ops->launch(instance->runtime, op, deadline_ms);
}

void instance_ready(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  instance->runtime->ops->ready(instance->runtime, op, deadline_ms);
}

void instance_stop(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  instance->runtime->ops->stop(instance->runtime, op, deadline_ms);
}

void instance_identify(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  instance->runtime->ops->identify(instance->runtime, op, deadline_ms);
}

void instance_cancel(penstock_instance *instance, penstock_op *op) {
  if (op != instance->connecting) {
    instance->runtime->ops->cancel(instance->runtime, op);
  } else if (instance->carrier->ops->connect_cancel) {
    instance->carrier->ops->connect_cancel(instance->carrier, op);
  }
}

void instance_open_stream(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms) {
  instance->runtime->ops->open(instance->runtime, open, deadline_ms);
}

void instance_cancel_open(penstock_instance *instance, penstock_open *open) {
  instance->runtime->ops->open_cancel(instance->runtime, open);
}

static uint32_t is_free(penstock_instance *instance) {
  const carrier *link = instance->carrier;
  return !link->ops->streams_cost || !link->ops->streams_cost(link);
}

/* --- commands ------------------------------------------------------------------------------------- */

static void open_command(penstock_instance *instance, penstock_open *open, const penstock_command *command,
                         uint64_t deadline_ms) {
  exec_open_command(instance->carrier, open, command, deadline_ms);
}

static void open_log(penstock_instance *instance, penstock_open *open, const penstock_command *command,
                     uint64_t deadline_ms) {
  instance->runtime->ops->open_log(instance->runtime, open, command, deadline_ms);
}

/* On each of the stacked carriers: a container's log is shown by its engine, outside. */
static void end_command(penstock_instance *instance, const char *token) {
  for (carrier *link = instance->carrier; link; link = link->below) {
    exec_end(link, token);
  }
}

/* --- how a solver ended --------------------------------------------------------------------------- */

static void end_look(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  instance->runtime->ops->end_look(instance->runtime, op, deadline_ms);
}

static uint32_t end_how(penstock_instance *instance, penstock_error *error) {
  return instance->runtime->ops->end_how(instance->runtime, error);
}

/* --- optional parts ------------------------------------------------------------------------------- */

const void *instance_extension(penstock_instance *instance, const char *name) {
  static const penstock_ahead_ext ahead = {.struct_size = (uint32_t)sizeof(ahead), .is_free = is_free};
  static const penstock_exec_ext exec = {.struct_size = (uint32_t)sizeof(exec),
                                         .open_command = open_command,
                                         .open_log = open_log,
                                         .end_command = end_command};
  static const penstock_end_ext end = {.struct_size = (uint32_t)sizeof(end), .look = end_look, .how = end_how};
  (void)instance;
  if (strcmp(name, PENSTOCK_EXT_EXEC) == 0) {
    return &exec;
  }
  if (strcmp(name, PENSTOCK_EXT_END) == 0) {
    return &end;
  }
  return strcmp(name, PENSTOCK_EXT_AHEAD) == 0 ? &ahead : NULL;
}
