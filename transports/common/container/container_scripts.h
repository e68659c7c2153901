/* SPDX-License-Identifier: MIT */
/**
 * @file container_scripts.h
 * The texts of sh/, each of which goes behind assignments to the variables it uses; each says at its top which.
 */
#ifndef TRANSPORTS_CONTAINER_SCRIPTS_H
#define TRANSPORTS_CONTAINER_SCRIPTS_H

extern const char script_container_lib[]; /**< before each of the others */
extern const char script_container_look[];
extern const char script_container_act[];
extern const char script_container_compose[];
extern const char script_container_list[];
extern const char script_container_log[];
extern const char script_container_inside[];
extern const char script_container_stream_fail[]; /**< before those that follow */
extern const char script_container_stream[];
extern const char script_container_log_stream[];
extern const char script_container_stream_inside[]; /**< runs in the container */

#endif
