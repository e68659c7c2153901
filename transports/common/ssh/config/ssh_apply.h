/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_apply.h
 * What each keyword that is honoured does to the settings. For the table of ssh_keywords.c alone.
 */
#ifndef TRANSPORTS_SSH_APPLY_H
#define TRANSPORTS_SSH_APPLY_H

#include "common/ssh/config/ssh_keywords.h"

/* Named for their keyword. */
ssh_keyword_apply ssh_apply_address_family, ssh_apply_batch_mode, ssh_apply_bind_address, ssh_apply_bind_interface,
    ssh_apply_certificate_file, ssh_apply_ciphers, ssh_apply_compression, ssh_apply_connect_timeout,
    ssh_apply_connection_attempts, ssh_apply_global_known_hosts_file, ssh_apply_hash_known_hosts,
    ssh_apply_host_key_algorithms, ssh_apply_host_key_alias, ssh_apply_host_name, ssh_apply_identities_only,
    ssh_apply_identity_agent, ssh_apply_identity_file, ssh_apply_kex_algorithms, ssh_apply_log_level, ssh_apply_macs,
    ssh_apply_port, ssh_apply_proxy_command, ssh_apply_proxy_jump, ssh_apply_pubkey_accepted_algorithms,
    ssh_apply_rekey_limit, ssh_apply_required_rsa_size, ssh_apply_send_env, ssh_apply_set_env,
    ssh_apply_strict_host_key_checking, ssh_apply_tcp_keepalive, ssh_apply_user, ssh_apply_user_known_hosts_file;

#endif
