/* SPDX-License-Identifier: MIT */
/**
 * @file state.h
 * The states of a lane, which are also those of the gateway that owns it.
 */
#ifndef PS_STATE_H
#define PS_STATE_H

/** States of a lane, and of the gateway as a whole (the best of its lanes). */
typedef enum ps_state {
  PS_STATE_DOWN,       /**< no link; waits for the next try, or for the user */
  PS_STATE_CONNECTING, /**< the transport establishes its link */
  PS_STATE_LAUNCHING,  /**< the solver is being started, waited for: what that needs is there */
  PS_STATE_UP,         /**< streams are served */
  PS_STATE_DEGRADED,   /**< streams are served, something is not well */
  PS_STATE_HUNG,       /**< streams are served, and the solver does not answer */
  PS_STATE_STOPPED,    /**< the solver was ended because the user wanted it; the link is there */
  PS_STATE_STOPPING    /**< orderly shutdown */
} ps_state;

/** "up", "connecting" … */
const char *ps_state_name(ps_state state);
/** Are streams served in it? */
int ps_state_serves(ps_state state);

#endif
