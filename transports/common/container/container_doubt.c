/* SPDX-License-Identifier: MIT */
/* A way that connects and leads nowhere: the engine's proxy accepts for a container that it does not get through to. */
#include "common/container/container_internal.h"

void container_carrier_paths(carrier *carried, const container_view *view, container_paths *paths) {
  container_carrier *self = (container_carrier *)carried;
  container_paths_find(paths, view, &self->settings);
  container_lessons_apply(&self->lessons, view, paths);
}

static int has_way(container_carrier *self) {
  container_paths paths;
  container_carrier_paths(&self->base, &self->view, &paths);
  for (size_t i = 0; i < paths.count; i++) {
    if (!paths.items[i].why_not[0]) {
      return 1;
    }
  }
  return 0;
}

/* `reach` allows no other: a command in the container, or its own address, would lead to who is mute; a published port
 * leads to the engine. */
static void say_dead_end(const container_carrier *self, penstock_error *error) {
  const penstock_config *config = self->settings.config;
  const char *origin = config->get_origin(config, "reach");
  char name[ADDRESS_HOST_SIZE + 64];
  container_path_name(&self->settled, name, sizeof(name));
  (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CONFIG,
                      "The %s of %s accepts connections, but nothing answers: is there a firewall or a VPN between %s "
                      "and its containers, or is the solver stuck?",
                      name, self->name, self->base.below->where);
  penstock_next(error, "Take reach = published%s%s%s out of the profile, so that the other ways are tried, too",
                origin ? " (" : "", origin ? origin : "", origin ? ")" : "");
}

int32_t container_carrier_doubt(carrier *carried, uint32_t what, penstock_error *error) {
  container_carrier *self = (container_carrier *)carried;
  container_path doubted = self->settled;
  char name[ADDRESS_HOST_SIZE + 64];
  /* Where it is not known who listens inside, it may as well be nobody. */
  if (!self->is_settled || !self->view.knows_listeners) {
    return 0;
  }
  size_t others = container_lessons_doubts(&self->lessons);
  doubted.is_doubted = 1;
  (void)snprintf(doubted.why_not, sizeof(doubted.why_not), "%s",
                 what == PENSTOCK_DOUBT_MUTE ? "it accepted the connection, and then nothing came"
                                             : "something answers there that is no solver");
  container_lessons_keep(&self->lessons, &self->view, &doubted);
  if (has_way(self)) {
    container_path_name(&self->settled, name, sizeof(name));
    penstock_logf(self->base.host, PENSTOCK_LOG_INFO, "%s is not reached by: %s (%s)", self->name, name,
                  doubted.why_not);
    self->is_settled = 0;
    self->fresh_until_ns = 0; /* perhaps the solver has ended meanwhile */
    return 1;
  }
  container_lessons_forget_doubts(&self->lessons);
  self->is_settled = others == 0; /* else all of them are tried again */
  if (what == PENSTOCK_DOUBT_MUTE && self->settings.reach == CONTAINER_REACH_PUBLISHED) {
    say_dead_end(self, error);
  }
  return 0;
}
