/* SPDX-License-Identifier: MIT */
/**
 * @file container_scripts.h
 * The texts of sh/, each of which goes behind assignments to the variables it uses; each says at its top which.
 */
#ifndef TRANSPORTS_CONTAINER_SCRIPTS_H
#define TRANSPORTS_CONTAINER_SCRIPTS_H

extern const char script_container_lib[];
extern const char script_container_look[];

#endif
