/* SPDX-License-Identifier: MIT */
/*
 * Streams to commands in the container, and to its log: each is a command of the carrier below, which completes the
 * open by itself. No way to a port is needed, and nothing is learnt of the solver.
 */
#include "common/container/container_internal.h"
#include "common/exec.h"

static void refuse(const container_carrier *self, penstock_open *open, uint32_t error_class, const char *why) {
  penstock_error error = {.struct_size = sizeof(error)};
  (void)penstock_fail(&error, PENSTOCK_LEG_CONTAINER, error_class, "No command can be run in %s: %s", self->name, why);
  self->base.host->open_failed(self->base.host, open, &error);
}

void container_open_command(carrier *carried, penstock_open *open, const char *body, size_t size,
                            uint64_t deadline_ms) {
  container_carrier *self = (container_carrier *)carried;
  carrier *below = self->base.below;
  size_t outer_size = 0;
  if (!self->has_view) {
    refuse(self, open, PENSTOCK_CLASS_INTERNAL, "it was not looked at yet");
    return;
  }
  if (!below->ops->open_command) {
    refuse(self, open, PENSTOCK_CLASS_CONFIG, "the way to its engine carries no commands");
    return;
  }
  script *s = container_ask_command(self->ask, &self->view, body, size);
  const char *text = script_text(s, &outer_size);
  if (text) {
    below->ops->open_command(below, open, text, outer_size, deadline_ms);
  } else {
    refuse(self, open, PENSTOCK_CLASS_TRANSIENT, "out of memory");
  }
  script_destroy(s);
}

void container_carrier_open_log(carrier *carried, penstock_open *open, const penstock_command *command,
                                uint64_t deadline_ms) {
  container_carrier *self = (container_carrier *)carried;
  if (!self->has_view) {
    refuse(self, open, PENSTOCK_CLASS_INTERNAL, "it was not looked at yet");
    return;
  }
  exec_open(
      self->base.below, open,
      container_ask_log_stream(self->ask, &self->view, command->lines, (command->flags & PENSTOCK_COMMAND_FOLLOW) != 0),
      command, deadline_ms);
}
