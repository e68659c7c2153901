/* SPDX-License-Identifier: MIT */
/*
 * A transport may have several ways to its endpoint, and the one that it took may connect and yet lead nowhere: what
 * accepts a connection for a container does so whether or not it gets through to it. Only the question to the solver
 * shows that. So before such an answer is believed, the transport is asked for another way.
 */
#include "base/error.h"
#include "lane/internal.h"

/* A solver that is ready accepts connections at the latest so long after: what still ends them is the way. */
#define DEAD_END_AFTER_NS (2ull * 1000000000)

static const penstock_way_ext *extension(const ps_link *link) {
  return link->transport->get_extension ? link->transport->get_extension(link->instance, PENSTOCK_EXT_WAY) : NULL;
}

void ps_ways_describe(const ps_link *link, char *text, size_t size) {
  char way[256] = "";
  const penstock_way_ext *ext = extension(link);
  if (ext && PENSTOCK_HAS(ext, penstock_way_ext, describe)) {
    ext->describe(link->instance, way, sizeof(way));
    way[sizeof(way) - 1] = '\0';
  }
  (void)snprintf(text, size, "%s%s", way[0] ? " by " : "", way);
}

/* What the last question says of the way; 0: nothing. */
static uint32_t doubt_of(const ps_lane *lane) {
  const ps_probe *probe = &lane->probe;
  int is_accepted = probe->opened_ns != 0;
  switch (probe->result) {
  case PS_PROBE_FOREIGN:
    return probe->size > 0 ? PENSTOCK_DOUBT_FOREIGN : PENSTOCK_DOUBT_MUTE;
  case PS_PROBE_SILENT:
    return is_accepted ? PENSTOCK_DOUBT_MUTE : 0;
  case PS_PROBE_ABSENT:
    /* One by which a solver has been served was a way: it is the solver that is gone. If not, a launch finds out. */
    return is_accepted && (lane->phase == PS_PHASE_CONFIRM || !lane->link->has_served || lane->raced)
               ? PENSTOCK_DOUBT_MUTE
               : 0;
  default:
    return 0;
  }
}

static int doubt(ps_lane *lane) {
  const penstock_way_ext *ext = extension(lane->link);
  uint32_t what = doubt_of(lane);
  if (!what || !ext || !PENSTOCK_HAS(ext, penstock_way_ext, doubt) || !ext->doubt) {
    return 0;
  }
  penstock_error said = {.struct_size = sizeof(said)};
  if (ext->doubt(lane->link->instance, what, &said)) {
    ps_log(PENSTOCK_LOG_DEBUG, lane->profile, "no solver answers by that way: the next one is tried");
    return 1;
  }
  if (said.what[0]) {
    ps_error_import(&lane->dead_end, &said);
    if (lane->probe.result == PS_PROBE_SILENT && said.error_class == PENSTOCK_CLASS_CONFIG) {
      lane->dead_end.error_class = PENSTOCK_CLASS_REFUSED; /* or it is busy, and a later try finds it */
    }
  }
  return 0;
}

int ps_ways_doubt(ps_lane *lane) {
  memset(&lane->dead_end, 0, sizeof(lane->dead_end));
  if (doubt(lane)) {
    return 1; /* that a way which leads nowhere is quick says nothing of the next one */
  }
  ps_probe_trust_way(&lane->probe);
  return 0;
}

const penstock_error *ps_ways_final(const ps_lane *lane) {
  const ps_probe *probe = &lane->probe;
  if (probe->result == PS_PROBE_FAILED && probe->error.error_class == PENSTOCK_CLASS_CONFIG) {
    return &probe->error;
  }
  int is_final = lane->dead_end.what[0] && lane->dead_end.error_class == PENSTOCK_CLASS_CONFIG;
  int is_busy = probe->result == PS_PROBE_SILENT; /* perhaps */
  return is_final && !is_busy && uv_hrtime() - lane->phase_ns > DEAD_END_AFTER_NS ? &lane->dead_end : NULL;
}

static const char *say_answer(const ps_probe *probe) {
  return !probe->opened_ns ? "nobody listens"
         : probe->size > 0 ? "something that no solver says"
                           : "the connection was accepted, and ended without a byte";
}

void ps_ways_explain(const ps_lane *lane, penstock_error *error) {
  const ps_probe *probe = &lane->probe;
  const penstock_error *said = lane->dead_end.what[0] ? &lane->dead_end : &probe->error;
  (void)snprintf(error->detail, sizeof(error->detail), "last answer: %s%s%.3000s",
                 said->what[0] ? said->what : say_answer(probe), said->detail[0] ? "\n" : "", said->detail);
  penstock_utf8_trim(error->detail, sizeof(error->detail));
  if (said->next[0] && (probe->result == PS_PROBE_FAILED || said == &lane->dead_end)) {
    penstock_next(error, "%s", said->next); /* there is no way to it: the transport knows what would help */
  } else {
    penstock_next(error, "see that `endpoint` is the address on which it listens, or raise `ready_timeout`");
  }
}
