/* SPDX-License-Identifier: MIT */
/**
 * @file process_scripts.h
 * The texts of sh/, each of which goes behind assignments to the variables it uses:
 *   ps_root, ps_program, ps_host, ps_port   all (host and port are the endpoint)
 *   ps_child, ps_token                      launch
 *   ps_child, ps_token, ps_port             watch (which goes without lib)
 *   ps_token, ps_venv, ps_debug (0 or 1), ps_environment, ps_arguments (script_list)   solver
 *   ps_wait                                 ready, in twentieths of a second
 *   ps_grace                                stop, in seconds
 *   ps_lines, ps_follow (0 or 1)            log, which makes ps_command
 *   ps_trailer, ps_token, ps_merge (0 or 1), ps_command (a function)   exec, behind exec_family; not lib
 *   ps_token                                exec_end, likewise; not lib
 */
#ifndef TRANSPORTS_PROCESS_SCRIPTS_H
#define TRANSPORTS_PROCESS_SCRIPTS_H

extern const char script_lib[];
extern const char script_validate[];
extern const char script_launch[];
extern const char script_watch[];
extern const char script_solver[];
extern const char script_ready[];
extern const char script_stop[];
extern const char script_end[];
extern const char script_identify[];
extern const char script_log[];
extern const char script_exec_family[];
extern const char script_exec[];
extern const char script_exec_end[];

#endif
