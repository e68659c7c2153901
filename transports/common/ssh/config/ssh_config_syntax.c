/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_config_syntax.h"

#include <stdlib.h>

#include "common/ssh/config/ssh_path.h"

/* A word and how ssh -G prints it, by turns. */
static const char *const flag[] = {"yes", "yes", "true", "yes", "no", "no", "false", "no", NULL};
static const char *const ask[] = {"yes", "true", "true", "true", "no", "false", "false", "false", "ask", "ask", NULL};
static const char *const strict[] = {"yes",        "true",       "true", "true",  "no",  "false", "false", "false",
                                     "accept-new", "accept-new", "off",  "false", "ask", "ask",   NULL};
static const char *const family[] = {"any", "any", "inet", "inet", "inet6", "inet6", NULL};
static const char *const master[] = {"yes",  "true", "true", "true", "no",      "false",   "false", "false",
                                     "auto", "auto", "ask",  "ask",  "autoask", "autoask", NULL};
static const char *const tunnel[] = {"yes",      "point-to-point", "true",  "point-to-point", "no",
                                     "false",    "false",          "false", "point-to-point", "point-to-point",
                                     "ethernet", "ethernet",       NULL};
static const char *const tty[] = {"yes",   "true",  "true",  "true", "no",   "false", "false",
                                  "false", "force", "force", "auto", "auto", NULL};
static const char *const session[] = {"default", "default", "none", "none", "subsystem", "subsystem", NULL};
static const char *const canonical[] = {"yes",   "true",  "true",   "true",   "no", "false",
                                        "false", "false", "always", "always", NULL};
static const char *const pubkey[] = {"yes",   "true",    "true",    "true",       "no",         "false", "false",
                                     "false", "unbound", "unbound", "host-bound", "host-bound", NULL};
static const char *const yes_no[] = {"yes", "yes", "no", "no", NULL};
static const char *const digest[] = {"md5",    "MD5",    "sha1",   "SHA1",   "sha256", "SHA256",
                                     "sha384", "SHA384", "sha512", "SHA512", NULL};
static const char *const level[] = {"silent", "QUIET", "quiet",  "QUIET",   "fatal",   "FATAL",  "error",
                                    "ERROR",  "info",  "INFO",   "verbose", "VERBOSE", "debug",  "DEBUG",
                                    "debug1", "DEBUG", "debug2", "DEBUG2",  "debug3",  "DEBUG3", NULL};
static const char *const facility[] = {"daemon",   "DAEMON", "user",   "USER",   "auth",   "AUTH",   "authpriv",
                                       "AUTHPRIV", "local0", "LOCAL0", "local1", "LOCAL1", "local2", "LOCAL2",
                                       "local3",   "LOCAL3", "local4", "LOCAL4", "local5", "LOCAL5", "local6",
                                       "LOCAL6",   "local7", "LOCAL7", NULL};

#define FLAG(keyword, otherwise)                                                                                       \
  { keyword, ssh_syntax_read_choice, flag, otherwise, SSH_SYNTAX_FIRST }
#define CHOICE(keyword, choices, otherwise)                                                                            \
  { keyword, ssh_syntax_read_choice, choices, otherwise, SSH_SYNTAX_FIRST }
#define VALUE(keyword, reader, otherwise)                                                                              \
  { keyword, ssh_syntax_read_##reader, NULL, otherwise, SSH_SYNTAX_FIRST }
#define LINE(keyword, reader, otherwise)                                                                               \
  { keyword, ssh_syntax_read_##reader, NULL, otherwise, SSH_SYNTAX_LINE }
#define EACH(keyword, reader, otherwise)                                                                               \
  { keyword, ssh_syntax_read_##reader, NULL, otherwise, SSH_SYNTAX_EACH }

/* Lists of algorithms have no default here: it is the SSH library's, not ssh's. Defaults of user, hostname,
 * userknownhostsfile and updatehostkeys depend on other values; the reader finds them. */
const ssh_syntax ssh_syntax_table[] = {
    VALUE("user", string, NULL),
    VALUE("hostname", string, NULL),
    VALUE("port", port, "22"),
    CHOICE("addressfamily", family, "any"),
    FLAG("batchmode", "no"),
    FLAG("canonicalizefallbacklocal", "yes"),
    CHOICE("canonicalizehostname", canonical, "false"),
    FLAG("checkhostip", "no"),
    CHOICE("compression", yes_no, "no"),
    CHOICE("controlmaster", master, "false"),
    FLAG("enablesshkeysign", "no"),
    FLAG("clearallforwardings", "no"),
    FLAG("exitonforwardfailure", "no"),
    CHOICE("fingerprinthash", digest, "SHA256"),
    FLAG("forwardx11", "no"),
    FLAG("forwardx11trusted", NULL), /* a distribution's own: no, or Debian's yes */
    FLAG("gatewayports", "no"),
    FLAG("gssapiauthentication", "no"),
    FLAG("gssapikeyexchange", NULL), /* this and the next but one are patches of distributions */
    FLAG("gssapidelegatecredentials", "no"),
    FLAG("gssapitrustdns", NULL),
    FLAG("gssapirenewalforcesrekey", NULL),
    VALUE("gssapiclientidentity", string, NULL),
    VALUE("gssapiserveridentity", string, NULL),
    VALUE("gssapikexalgorithms", string, NULL),
    FLAG("hashknownhosts", "no"),
    FLAG("hostbasedauthentication", "no"),
    FLAG("identitiesonly", "no"),
    FLAG("kbdinteractiveauthentication", "yes"),
    FLAG("nohostauthenticationforlocalhost", "no"),
    FLAG("passwordauthentication", "yes"),
    FLAG("permitlocalcommand", "no"),
    FLAG("proxyusefdpass", "no"),
    CHOICE("pubkeyauthentication", pubkey, "true"),
    CHOICE("requesttty", tty, "auto"),
    CHOICE("sessiontype", session, "default"),
    FLAG("stdinnull", "no"),
    FLAG("forkafterauthentication", "no"),
    FLAG("streamlocalbindunlink", "no"),
    CHOICE("stricthostkeychecking", strict, "ask"),
    FLAG("tcpkeepalive", "yes"),
    CHOICE("tunnel", tunnel, "false"),
    CHOICE("verifyhostkeydns", ask, "false"),
    FLAG("visualhostkey", "no"),
    CHOICE("updatehostkeys", ask, NULL),
    FLAG("enableescapecommandline", "no"),
    FLAG("warnweakcrypto", NULL),
    VALUE("canonicalizemaxdots", number, "1"),
    VALUE("connectionattempts", number, "1"),
    VALUE("forwardx11timeout", time, "1200"),
    VALUE("numberofpasswordprompts", number, "3"),
    VALUE("serveralivecountmax", number, "3"),
    VALUE("serveraliveinterval", time, "0"),
    VALUE("requiredrsasize", number, "1024"),
    VALUE("obscurekeystroketiming", first, NULL),
    VALUE("bindaddress", string, NULL),
    VALUE("bindinterface", string, NULL),
    VALUE("ciphers", string, NULL),
    VALUE("controlpath", string, NULL),
    VALUE("hostkeyalgorithms", string, NULL),
    VALUE("hostkeyalias", name, NULL),
    VALUE("hostbasedacceptedalgorithms", string, NULL),
    VALUE("identityagent", string, NULL),
    VALUE("ignoreunknown", string, NULL),
    VALUE("kbdinteractivedevices", string, NULL),
    VALUE("kexalgorithms", string, NULL),
    VALUE("casignaturealgorithms", string, NULL),
    VALUE("localcommand", rest, NULL),
    VALUE("remotecommand", rest, NULL),
    CHOICE("loglevel", level, "INFO"),
    VALUE("macs", string, NULL),
    VALUE("pkcs11provider", string, NULL),
    VALUE("securitykeyprovider", string, "internal"),
    VALUE("preferredauthentications", string, NULL),
    VALUE("pubkeyacceptedalgorithms", string, NULL),
    VALUE("revokedhostkeys", string, NULL),
    VALUE("xauthlocation", string, NULL),
    VALUE("knownhostscommand", rest, NULL),
    VALUE("tag", string, NULL),
    VALUE("versionaddendum", rest, NULL),
    VALUE("refuseconnection", string, NULL),
    EACH("dynamicforward", dynamic, NULL),
    EACH("localforward", forward, NULL),
    EACH("remoteforward", forward, NULL),
    EACH("identityfile", string,
         "~/.ssh/id_rsa\n~/.ssh/id_ecdsa\n~/.ssh/id_ecdsa_sk\n~/.ssh/id_ed25519\n~/.ssh/id_ed25519_sk\n"
         "~/.ssh/id_xmss\n~/.ssh/id_dsa"),
    LINE("canonicaldomains", list, "none"),
    EACH("certificatefile", string, NULL),
    LINE("globalknownhostsfile", list, ssh_path_global_known_hosts),
    LINE("userknownhostsfile", list, NULL),
    {"sendenv", ssh_syntax_read_send_env, NULL, NULL, SSH_SYNTAX_SEND_ENV},
    VALUE("setenv", set_env, NULL),
    VALUE("logverbose", first, "none"),
    LINE("channeltimeout", list, NULL),
    LINE("permitremoteopen", list, "any"),
    VALUE("addkeystoagent", add_keys, "false"),
    VALUE("forwardagent", forward_agent, "no"),
    VALUE("connecttimeout", time, "none"),
    VALUE("tunneldevice", tunnel, "any:any"),
    LINE("canonicalizepermittedcnames", cnames, "none"),
    VALUE("controlpersist", persist, "no"),
    VALUE("escapechar", escape, "~"),
    VALUE("ipqos", qos, NULL), /* another default in each release */
    VALUE("rekeylimit", rekey, "0 0"),
    VALUE("streamlocalbindmask", mask, "0177"),
    CHOICE("syslogfacility", facility, "USER"),
    VALUE("proxycommand", rest, NULL),
    VALUE("proxyjump", jump, NULL),
};
const size_t ssh_syntax_count = sizeof(ssh_syntax_table) / sizeof(ssh_syntax_table[0]);

/* Other names: the alias and the keyword, by turns. The last two are Debian's. */
static const char *const aliases[] = {"challengeresponseauthentication",
                                      "kbdinteractiveauthentication",
                                      "skeyauthentication",
                                      "kbdinteractiveauthentication",
                                      "tisauthentication",
                                      "kbdinteractiveauthentication",
                                      "dsaauthentication",
                                      "pubkeyauthentication",
                                      "identityfile2",
                                      "identityfile",
                                      "smartcarddevice",
                                      "pkcs11provider",
                                      "keepalive",
                                      "tcpkeepalive",
                                      "hostbasedkeytypes",
                                      "hostbasedacceptedalgorithms",
                                      "pubkeyacceptedkeytypes",
                                      "pubkeyacceptedalgorithms",
                                      "protocolkeepalives",
                                      "serveraliveinterval",
                                      "setuptimeout",
                                      "serveraliveinterval",
                                      NULL};

static const char *const obsolete[] = {"protocol",
                                       "cipher",
                                       "fallbacktorsh",
                                       "globalknownhostsfile2",
                                       "rhostsauthentication",
                                       "userknownhostsfile2",
                                       "useroaming",
                                       "usersh",
                                       "useprivilegedport",
                                       "afstokenpassing",
                                       "kerberosauthentication",
                                       "kerberostgtpassing",
                                       "rsaauthentication",
                                       "rhostsrsaauthentication",
                                       "compressionlevel",
                                       NULL};

const ssh_syntax *ssh_syntax_find(const char *keyword) {
  for (size_t i = 0; aliases[i]; i += 2) {
    if (strcmp(aliases[i], keyword) == 0) {
      keyword = aliases[i + 1];
      break;
    }
  }
  for (size_t i = 0; i < ssh_syntax_count; i++) {
    if (strcmp(ssh_syntax_table[i].keyword, keyword) == 0) {
      return &ssh_syntax_table[i];
    }
  }
  return NULL;
}

int ssh_syntax_is_obsolete(const char *keyword) {
  for (size_t i = 0; obsolete[i]; i++) {
    if (strcmp(obsolete[i], keyword) == 0) {
      return 1;
    }
  }
  return 0;
}

enum { NEAREST_LENGTH = 40, NEAREST_EDITS = 3 };

/* How many letters must be changed, added or left out to make `a` of `b`; both have at most NEAREST_LENGTH. */
static size_t edits(const char *a, const char *b) {
  size_t row[NEAREST_LENGTH + 1];
  size_t width = strlen(b);
  for (size_t j = 0; j <= width; j++) {
    row[j] = j;
  }
  for (size_t i = 1; a[i - 1]; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= width; j++) {
      size_t changed = diagonal + (a[i - 1] != b[j - 1]);
      size_t added = 1 + (row[j - 1] < row[j] ? row[j - 1] : row[j]);
      diagonal = row[j];
      row[j] = changed < added ? changed : added;
    }
  }
  return row[width];
}

const char *ssh_syntax_nearest(const char *keyword) {
  static const char *const blocks[] = {"host", "match", "include"};
  size_t length = strlen(keyword);
  size_t least = (length + 2) / 3 < NEAREST_EDITS ? (length + 2) / 3 : NEAREST_EDITS;
  const char *best = NULL;
  if (length > NEAREST_LENGTH) {
    return NULL;
  }
  for (size_t i = 0; i < ssh_syntax_count + sizeof(blocks) / sizeof(blocks[0]); i++) {
    const char *candidate = i < ssh_syntax_count ? ssh_syntax_table[i].keyword : blocks[i - ssh_syntax_count];
    size_t distance = edits(keyword, candidate);
    if (distance < least || (!best && distance <= least)) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}
