/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_agent_choice.h
 * What the option `agent` of a profile says. Pure. Thread: any.
 */
#ifndef TRANSPORTS_SSH_AGENT_CHOICE_H
#define TRANSPORTS_SSH_AGENT_CHOICE_H

typedef enum ssh_agent_choice {
  SSH_AGENT_USUAL,   /**< unset, yes: ssh_config's, or whatever there is */
  SSH_AGENT_NONE,    /**< no */
  SSH_AGENT_BY_NAME, /**< a word of key_agent.h */
  SSH_AGENT_PATH,    /**< of a socket or pipe */
  SSH_AGENT_UNKNOWN
} ssh_agent_choice;

/** What else than yes and no there is here, for a message. */
extern const char ssh_agent_choices[];

/** `value` is NULL if the option is not set. */
ssh_agent_choice ssh_agent_choose(const char *value);
/** Is `value` a name of an agent on this system? */
int ssh_agent_is_name(const char *value);

#endif
