/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_keywords.h"

#include <strings.h>

#include "common/ssh/config/ssh_apply.h"

/* --- does a value ask for anything? ---------------------------------------------------------------- */

static int says_no(const char *value) {
  return strcasecmp(value, "no") == 0 || strcasecmp(value, "false") == 0 || strcasecmp(value, "none") == 0 ||
         value[0] == '\0';
}

static int asks(const char *value) {
  return !says_no(value);
}

static int is_other_provider(const char *value) {
  return strcasecmp(value, "internal") != 0 && asks(value);
}

static int is_other_quality(const char *value) {
  return strncasecmp(value, "none", 4) != 0;
}

static int is_other_request(const char *value) {
  return strcasecmp(value, "auto") != 0 && asks(value);
}

static int is_other_session(const char *value) {
  return strcasecmp(value, "default") != 0 && strcasecmp(value, "none") != 0;
}

/* --- the table ------------------------------------------------------------------------------------- */

#define HONOURED(name, apply, note)                                                                                    \
  { name, SSH_KEYWORD_HONOURED, apply, NULL, note, NULL }
#define NOT_APPLICABLE(name, note)                                                                                     \
  { name, SSH_KEYWORD_NOT_APPLICABLE, NULL, NULL, note, NULL }
#define WARNED(name, matters, note, next)                                                                              \
  { name, SSH_KEYWORD_WARNED, NULL, matters, note, next }
#define REFUSED(name, matters, note, next)                                                                             \
  { name, SSH_KEYWORD_REFUSED, NULL, matters, note, next }

#define NO_SHELL    "penstock opens no shell for you over this connection"
#define NO_TERMINAL "there is no terminal on the far side"
#define BY_SSH_G    "taken into account when the settings are found"
#define NO_GSSAPI   "only `transport = openssh` logs in with Kerberos"
#define OBSOLETE    "obsolete: OpenSSH ignores it too"

static const ssh_keyword keywords[] = {
    NOT_APPLICABLE("AddKeysToAgent", "a passphrase that you type is kept for the life of the gateway instead"),
    HONOURED("AddressFamily", ssh_apply_address_family, "addresses of the other family are not tried"),
    NOT_APPLICABLE("AFSTokenPassing", OBSOLETE),
    NOT_APPLICABLE("AppleMultiPath", "macOS only: plain TCP is used"),
    HONOURED("BatchMode", ssh_apply_batch_mode,
             "yes: nobody is asked for a passphrase or an answer; a secret reference is used"),
    HONOURED("BindAddress", ssh_apply_bind_address, "the connection comes from this address"),
    HONOURED("BindInterface", ssh_apply_bind_interface, "the connection goes out through this interface"),
    HONOURED("CanonicalDomains", NULL, BY_SSH_G),
    HONOURED("CanonicalizeFallbackLocal", NULL, BY_SSH_G),
    HONOURED("CanonicalizeHostname", NULL, BY_SSH_G),
    HONOURED("CanonicalizeMaxDots", NULL, BY_SSH_G),
    HONOURED("CanonicalizePermittedCNAMEs", NULL, BY_SSH_G),
    NOT_APPLICABLE("CASignatureAlgorithms",
                   "about certificates of hosts, which only `transport = openssh` takes: one is never accepted here"),
    HONOURED("CertificateFile", ssh_apply_certificate_file, "all of them; KEY-cert.pub beside a key needs no line"),
    HONOURED("ChallengeResponseAuthentication", NULL, "old name of KbdInteractiveAuthentication"),
    WARNED("ChannelTimeout", asks, "channels that are idle are not closed", NULL),
    WARNED("CheckHostIP", asks, "the host is looked up in known_hosts by its name alone, not by its address too", NULL),
    NOT_APPLICABLE("Cipher", OBSOLETE),
    HONOURED("Ciphers", ssh_apply_ciphers,
             "what libssh has of them; if unset, AES-GCM comes first where the processor has AES"),
    NOT_APPLICABLE("ClearAllForwardings", "no forwarding of ssh_config is opened anyway"),
    HONOURED("Compression", ssh_apply_compression, ""),
    NOT_APPLICABLE("CompressionLevel", OBSOLETE),
    HONOURED("ConnectionAttempts", ssh_apply_connection_attempts,
             "within one attempt of penstock's, which tries again by itself"),
    HONOURED("ConnectTimeout", ssh_apply_connect_timeout, "of one attempt; the profile's connect_timeout bounds all"),
    NOT_APPLICABLE("ControlMaster", "penstock has a connection of its own, and shares nobody else's"),
    NOT_APPLICABLE("ControlPath", "penstock has a connection of its own, and shares nobody else's"),
    NOT_APPLICABLE("ControlPersist", "penstock has a connection of its own, and shares nobody else's"),
    HONOURED("DSAAuthentication", NULL, "old name of PubkeyAuthentication"),
    WARNED("DynamicForward", asks, "penstock forwards its own `listen` to `endpoint`, and nothing else",
           "Open it with ssh beside penstock if you need it"),
    NOT_APPLICABLE("EnableEscapeCommandline", NO_TERMINAL),
    NOT_APPLICABLE("EnableSSHKeysign", "for host-based login, which only `transport = openssh` does"),
    NOT_APPLICABLE("EscapeChar", NO_TERMINAL),
    NOT_APPLICABLE("ExitOnForwardFailure", "a listener that cannot be opened is always an error"),
    NOT_APPLICABLE("FallBackToRsh", OBSOLETE),
    NOT_APPLICABLE("FingerprintHash", "fingerprints are always SHA256"),
    NOT_APPLICABLE("ForkAfterAuthentication", "`penstock up` is run by a service manager, or stays in its terminal"),
    NOT_APPLICABLE("ForwardAgent", NO_SHELL ", and the solver is given no agent"),
    NOT_APPLICABLE("ForwardX11", NO_SHELL),
    NOT_APPLICABLE("ForwardX11Timeout", NO_SHELL),
    NOT_APPLICABLE("ForwardX11Trusted", NO_SHELL),
    NOT_APPLICABLE("GatewayPorts", "who may connect is said by `listen` and `expose` in the profile"),
    HONOURED("GlobalKnownHostsFile", ssh_apply_global_known_hosts_file, "read, never written to"),
    NOT_APPLICABLE("GlobalKnownHostsFile2", OBSOLETE),
    HONOURED("GSSAPIAuthentication", NULL, "never used; refused if it is the only way to log in that is left"),
    NOT_APPLICABLE("GSSAPIClientIdentity", NO_GSSAPI),
    NOT_APPLICABLE("GSSAPIDelegateCredentials", NO_GSSAPI),
    NOT_APPLICABLE("GSSAPIKexAlgorithms", NO_GSSAPI),
    NOT_APPLICABLE("GSSAPIKeyExchange", "the host is known by its host key in any case"),
    NOT_APPLICABLE("GSSAPIRenewalForcesRekey", NO_GSSAPI),
    NOT_APPLICABLE("GSSAPIServerIdentity", NO_GSSAPI),
    NOT_APPLICABLE("GSSAPITrustDns", NO_GSSAPI),
    HONOURED("HashKnownHosts", ssh_apply_hash_known_hosts, "for what `penstock trust` and accept-new add"),
    HONOURED("Host", NULL, BY_SSH_G),
    NOT_APPLICABLE("HostbasedAcceptedAlgorithms", "for host-based login, which only `transport = openssh` does"),
    HONOURED("HostbasedAuthentication", NULL, "never used; refused if it is the only way to log in that is left"),
    NOT_APPLICABLE("HostbasedKeyTypes", "old name of HostbasedAcceptedAlgorithms"),
    HONOURED(
        "HostKeyAlgorithms", ssh_apply_host_key_algorithms,
        "what libssh has of them, without certificates; if unset, the types that are known for the host come first"),
    HONOURED("HostKeyAlias", ssh_apply_host_key_alias, "the name under which the host is looked up in known_hosts"),
    HONOURED("Hostname", ssh_apply_host_name, ""),
    HONOURED("IdentitiesOnly", ssh_apply_identities_only, "yes if the profile sets `key`"),
    HONOURED("IdentityAgent", ssh_apply_identity_agent, "a path, a variable, SSH_AUTH_SOCK or none"),
    HONOURED("IdentityFile", ssh_apply_identity_file, "all of them, in their order"),
    HONOURED("IdentityFile2", ssh_apply_identity_file, "old name of IdentityFile"),
    HONOURED("IgnoreUnknown", NULL, BY_SSH_G),
    HONOURED("Include", NULL, BY_SSH_G),
    WARNED("IPQoS", is_other_quality, "packets are sent without a type of service, as with `IPQoS none`", NULL),
    HONOURED("KbdInteractiveAuthentication", NULL,
             "a no is heard; a yes is not enough: the profile must name it (auth = publickey, keyboard-interactive)"),
    NOT_APPLICABLE("KbdInteractiveDevices", "the server chooses"),
    HONOURED("KeepAlive", ssh_apply_tcp_keepalive, "old name of TCPKeepAlive"),
    NOT_APPLICABLE("KerberosAuthentication", OBSOLETE),
    NOT_APPLICABLE("KerberosTgtPassing", OBSOLETE),
    HONOURED("KexAlgorithms", ssh_apply_kex_algorithms, "what libssh has of them"),
    REFUSED(
        "KnownHostsCommand", asks, "host keys are looked up in known_hosts files alone",
        "Put the host's key into known_hosts (penstock trust), and ssh_options = \"KnownHostsCommand=none\" into the "
        "profile; or use `transport = openssh`"),
    NOT_APPLICABLE("LocalCommand", "see PermitLocalCommand"),
    WARNED("LocalForward", asks, "penstock forwards its own `listen` to `endpoint`, and nothing else",
           "If it is the solver's port: `listen` is its near side, `endpoint` its far one"),
    HONOURED("LogLevel", ssh_apply_log_level,
             "VERBOSE and DEBUG… let libssh speak in penstock's log, as far as its log_level lets through"),
    NOT_APPLICABLE("LogVerbose", "about the source code of ssh"),
    HONOURED("MACs", ssh_apply_macs, "what libssh has of them"),
    HONOURED("Match", NULL, BY_SSH_G),
    WARNED("NoHostAuthenticationForLocalhost", asks, "the host key of this machine is checked like any other", NULL),
    NOT_APPLICABLE("NumberOfPasswordPrompts", "a passphrase can be typed three times"),
    NOT_APPLICABLE("ObscureKeystrokeTiming", NO_TERMINAL),
    HONOURED("PasswordAuthentication", NULL, "never used; refused if it is the only way to log in that is left"),
    WARNED("PermitLocalCommand", asks, "LocalCommand is not run",
           "Use a ProxyCommand, or start penstock from a script"),
    NOT_APPLICABLE("PermitRemoteOpen", "no RemoteForward is opened"),
    WARNED("PKCS11Provider", asks, "keys on a PKCS#11 token are not offered: other keys are",
           "Load the token into your agent (ssh-add -s), or use `transport = openssh`"),
    HONOURED("Port", ssh_apply_port, ""),
    HONOURED("PreferredAuthentications", NULL,
             "publickey must be among them, unless the profile sets `auth`, which then holds alone"),
    NOT_APPLICABLE("Protocol", "always 2"),
    HONOURED("ProxyCommand", ssh_apply_proxy_command, "run by your shell; ended with the connection"),
    HONOURED("ProxyJump", ssh_apply_proxy_jump, "each host with its own settings and its own host key"),
    REFUSED("ProxyUseFdpass", asks, "a ProxyCommand here passes bytes, and no descriptor", NULL),
    HONOURED("PubkeyAcceptedAlgorithms", ssh_apply_pubkey_accepted_algorithms, "what libssh has of them"),
    HONOURED("PubkeyAcceptedKeyTypes", ssh_apply_pubkey_accepted_algorithms, "old name of PubkeyAcceptedAlgorithms"),
    HONOURED("PubkeyAuthentication", NULL, "a no is refused, unless the profile sets `auth`"),
    REFUSED("RefuseConnection", NULL, "your ssh_config says not to connect to this host",
            "Take the line away, or name another host"),
    HONOURED("RekeyLimit", ssh_apply_rekey_limit, ""),
    WARNED("RemoteCommand", asks, "not run: penstock runs its own scripts",
           "`command` in the profile is how the solver is started"),
    WARNED("RemoteForward", asks, "penstock forwards its own `listen` to `endpoint`, and nothing else",
           "Open it with ssh beside penstock if you need it"),
    WARNED("RequestTTY", is_other_request, NO_TERMINAL, NULL),
    HONOURED("RequiredRSASize", ssh_apply_required_rsa_size, "for keys of hosts and of yours"),
    REFUSED(
        "RevokedHostKeys", asks, "keys that are revoked by such a file would be taken",
        "Write @revoked lines into known_hosts, and ssh_options = \"RevokedHostKeys=none\" into the profile; or use "
        "`transport = openssh`"),
    NOT_APPLICABLE("RhostsAuthentication", OBSOLETE),
    NOT_APPLICABLE("RhostsRSAAuthentication", OBSOLETE),
    NOT_APPLICABLE("RSAAuthentication", OBSOLETE),
    WARNED("SecurityKeyProvider", is_other_provider, "FIDO keys are used through the agent, and the agent's provider",
           "Add the key to your agent (ssh-add)"),
    HONOURED("SendEnv", ssh_apply_send_env, "for the launch of the solver, as far as the server accepts it"),
    HONOURED("ServerAliveCountMax", NULL, "where ServerAliveInterval is set; else 3"),
    HONOURED("ServerAliveInterval", NULL, "if unset or 0, 5 seconds: a dead host is always found out"),
    WARNED("SessionType", is_other_session, "penstock runs its own scripts, and opens its own streams", NULL),
    HONOURED("SetEnv", ssh_apply_set_env, "for the launch of the solver, as far as the server accepts it"),
    HONOURED("SkeyAuthentication", NULL, "old name of KbdInteractiveAuthentication"),
    WARNED("SmartcardDevice", asks, "old name of PKCS11Provider",
           "Load the token into your agent (ssh-add -s), or use `transport = openssh`"),
    NOT_APPLICABLE("StdinNull", NO_TERMINAL),
    NOT_APPLICABLE("StreamLocalBindMask", "penstock listens on TCP"),
    NOT_APPLICABLE("StreamLocalBindUnlink", "penstock listens on TCP"),
    HONOURED("StrictHostKeyChecking", ssh_apply_strict_host_key_checking,
             "yes and ask refuse an unknown host; accept-new, no and off remember its key; a changed key is always "
             "refused"),
    NOT_APPLICABLE("SyslogFacility", "penstock's own log is used"),
    HONOURED("Tag", NULL, BY_SSH_G),
    HONOURED("TCPKeepAlive", ssh_apply_tcp_keepalive, ""),
    HONOURED("TISAuthentication", NULL, "old name of KbdInteractiveAuthentication"),
    WARNED("Tunnel", asks, "no tunnel device is opened", NULL),
    NOT_APPLICABLE("TunnelDevice", "see Tunnel"),
    NOT_APPLICABLE("UpdateHostKeys", "known_hosts is written to by `penstock trust` and accept-new alone"),
    NOT_APPLICABLE("UseKeychain", "macOS only: a passphrase comes from the profile, or you are asked"),
    NOT_APPLICABLE("UsePrivilegedPort", OBSOLETE),
    HONOURED("User", ssh_apply_user, ""),
    HONOURED("UserKnownHostsFile", ssh_apply_user_known_hosts_file, "all are read; the first one is written to"),
    NOT_APPLICABLE("UserKnownHostsFile2", OBSOLETE),
    NOT_APPLICABLE("UseRoaming", OBSOLETE),
    NOT_APPLICABLE("UseRsh", OBSOLETE),
    WARNED("VerifyHostKeyDNS", asks, "host keys are not looked up in DNS: the host must be in known_hosts",
           "penstock trust adds it"),
    NOT_APPLICABLE("VersionAddendum", "the client's name on the wire is libssh's"),
    NOT_APPLICABLE("VisualHostKey", "`penstock trust` draws it"),
    NOT_APPLICABLE("WarnWeakCrypto", "about warnings of ssh's own"),
    NOT_APPLICABLE("XAuthLocation", NO_SHELL),
};

const ssh_keyword *ssh_keywords(size_t *count) {
  *count = sizeof(keywords) / sizeof(keywords[0]);
  return keywords;
}

const ssh_keyword *ssh_keyword_find(const char *name) {
  for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
    if (strcasecmp(keywords[i].name, name) == 0) {
      return &keywords[i];
    }
  }
  return NULL;
}
