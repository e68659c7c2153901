/* SPDX-License-Identifier: MIT */
/**
 * @file crew_internal.h
 * What the files of a crew share: crew.c (its lanes, and what they say), crew_solver.c (the solver is ended, or
 * started, as the user wants), crew_settings.c (settings that reloads bring). Thread: the main thread.
 */
#ifndef PS_CREW_INTERNAL_H
#define PS_CREW_INTERNAL_H

#include "gateway/crew.h"

typedef struct ps_crew_slot {
  ps_lane *lane; /**< NULL once it has ended */
  ps_state state;
  int gave_up;
  int is_quiet; /**< as it was asked to be, for the solver's end */
  int has_link; /**< then */
} ps_crew_slot;

/** How far what was asked about the solver has come. */
typedef enum ps_crew_stage {
  PS_CREW_STAGE_NONE,
  PS_CREW_STAGE_QUIETING, /**< streams may finish */
  PS_CREW_STAGE_ENDING,   /**< one lane ends the solver */
  PS_CREW_STAGE_STARTING
} ps_crew_stage;

typedef struct ps_crew_solver {
  ps_crew_stage stage;
  ps_solver_ask what; /**< that was asked last */
  uint64_t ticket;    /**< of it: events that carry an older one say nothing of it */
  size_t streams;     /**< that were left when the solver's end began */
  uint32_t leader;    /**< index of the lane that ends it, and looks for another one */
  int is_by_itself;   /**< it was not the user who asked, but `on_hang` */
  int is_stopped;     /**< the user has ended it, and it was neither started since nor found */
} ps_crew_solver;

struct ps_crew {
  ps_crew_options options; /**< which live as long as the lanes that read them */
  ps_mailbox inbox;
  ps_door door;
  penstock_socket listening; /**< borrowed while it starts */
  int door_is_lent;          /**< the lane takes connections in by itself */
  ps_crew_slot slots[PS_CREW_LANES_MAX];
  uint32_t started;
  uint32_t left; /**< not ended yet */
  uint32_t most; /**< that there will be */
  ps_launch_gate gate;
  ps_state state;
  int told_serving; /**< since no lane was up the last time */
  ps_crew_solver solver;
  int stopping;
  int stop_solver;
  int waits; /**< the solver's end does, for other crews */
  uint64_t drain_end_ns;
  struct ps_crew_edition *editions; /**< settings that came later, the last ones first */
};

/** The best of its lanes, as crew_solver.c may have changed them; tells it if it is another one. */
void ps_crew_look_at_state(ps_crew *crew);

/** Reads how long connections may be held. */
void ps_crew_read_hold(ps_crew *crew);

/** Which edition the settings are that count. */
uint64_t ps_crew_settings_number(const ps_crew *crew);
/** A lane begins with them. */
void ps_crew_settings_used(ps_crew *crew, uint32_t lane);
/** A lane does not read settings of that edition any more; nor, if `and_before`, any before that. */
void ps_crew_settings_unused(ps_crew *crew, uint32_t lane, uint64_t number, int and_before);
/** No lane lives. */
void ps_crew_settings_free(ps_crew *crew);

/** Is something under way that was asked about the solver? No client is served meanwhile. */
int ps_crew_solver_is_busy(const ps_crew *crew);
/** What a lane says: a state, PS_LANE_QUIET, PS_LANE_ENDED, PS_LANE_SERVING. After the crew itself has acted on it. */
void ps_crew_solver_heard(ps_crew *crew, ps_crew_slot *slot, const ps_lane_event *event);
/** The crew is to end: so does what is under way. */
void ps_crew_solver_stop(ps_crew *crew);

#endif
