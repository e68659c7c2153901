/* SPDX-License-Identifier: MIT */
/* The core's own keys: of [gateway], and of every profile. */
#include "config/value.h"

#define COUNT(list) (uint32_t)(sizeof(list) / sizeof((list)[0]))
#define OPTION(type, flags, key, otherwise, help, min, max, choices)                                                   \
  { sizeof(penstock_option), PENSTOCK_OPTION_##type, flags, 0, key, otherwise, help, min, max, choices }
#define PLAIN(type, key, otherwise, help)     OPTION(type, 0, key, otherwise, help, 0, 0, NULL)
#define CHOICE(key, otherwise, help, choices) OPTION(CHOICE, 0, key, otherwise, help, 0, 0, choices)
/* LIVE: who needs the value asks for it when they do, or is told (ps_gateway_reload). */
#define LIVE    PENSTOCK_OPTION_LIVE
#define MINUTES INT64_C(60000)
#define HOUR    (60 * MINUTES)
#define DAY     (24 * HOUR)

static const char *const log_levels[] = {"error", "warn", "info", "debug", "trace", NULL};
static const char *const log_formats[] = {"auto", "text", "json", "journal", "eventlog", NULL};
static const char *const peers[] = {"own", "any", NULL};
static const char *const launches[] = {"auto", "never", NULL};
static const char *const probes[] = {"auto", "tcmd", "tcp", "none", NULL};
static const char *const exits[] = {"keep", "stop", NULL};
static const char *const hangs[] = {"report", "restart", NULL};
static const char *const restarts[] = {"always", "on-failure", "never", NULL};

/* A listener may ask for any free port with 0. */
#define LISTEN(otherwise, help) OPTION(ADDRESS, 0, "listen", otherwise, help, 0, 65535, NULL)

static const penstock_option gateway_options[] = {
    OPTION(STRING, LIVE, "profile", NULL, "Profile that `penstock up` uses when none is named", 0, 0, NULL),
    LISTEN("127.0.0.1:9090", "Address of the local port that clients connect to (host:port; port 0 = any free one)"),
    OPTION(CHOICE, LIVE, "log_level", "info", "How much is logged", 0, 0, log_levels),
    OPTION(CHOICE, LIVE, "log_format", "auto",
           "Form of the log's lines, or records of systemd's journal or Windows' event log instead; auto = journal if "
           "that reads standard error, else text",
           0, 0, log_formats),
    OPTION(PATH, LIVE, "log_file", NULL, "File that the log is appended to; standard error if unset", 0, 0, NULL),
    PLAIN(STRING, "metrics", NULL,
          "Where figures for Prometheus can be asked for: a loopback address (host:port), or the path of a socket"),
    OPTION(STRING, PS_OPTION_FOLDERS, "plugin_path", NULL,
           "Folders with transport plugins, separated by `:`, looked into before the built-in one", 0, 0, NULL),
    OPTION(DURATION, 0, "stop_timeout", "10s", "How long an orderly shutdown may take", 100, HOUR, NULL),
    OPTION(DURATION, 0, "drain", "30s", "How long streams may go on after `penstock use` of another profile", 0, HOUR,
           NULL),
};

static const penstock_option profile_options[] = {
    OPTION(STRING, PENSTOCK_OPTION_REQUIRED, "transport", NULL, "How the solver is reached: the name of a transport", 0,
           0, NULL),
    OPTION(STRING, LIVE, "description", NULL, "One line for people, shown by `penstock profiles`", 0, 0, NULL),
    OPTION(STRING, LIVE, "inherit", NULL, "Profile whose keys count where this one does not set them", 0, 0, NULL),
    PLAIN(PATH, "plugin", NULL, "Plugin file that brings the transport"),
    OPTION(STRING, PS_OPTION_FOLDERS, "plugin_path", NULL, "As in [gateway], for this profile", 0, 0, NULL),
    PLAIN(STRING, "plugin_sha256", NULL, "SHA-256 that the plugin file must have (64 hex digits)"),
    LISTEN("127.0.0.1:9090", "As in [gateway], for this profile"),
    OPTION(BOOL, LIVE, "expose", "no", "The local port may be bound to an address that other machines reach", 0, 0,
           NULL),
    CHOICE("peers", "own", "Whose processes may connect: your own (and root's), or anybody's", peers),
    OPTION(DURATION, LIVE, "hold", "20s", "How long a new connection waits while there is no link", 0, 10 * MINUTES,
           NULL),
    OPTION(DURATION, LIVE, "stop_timeout", "10s", "As in [gateway], for this profile", 100, HOUR, NULL),
    OPTION(DURATION, LIVE, "drain", "30s", "As in [gateway], for this profile", 0, HOUR, NULL),
    CHOICE("launch", "auto", "Start the solver if none answers, or never (only forward)", launches),
    CHOICE("probe", "auto", "How the solver is asked whether it serves; auto = tcmd if it can be launched, else tcp",
           probes),
    OPTION(DURATION, LIVE, "connect_timeout", "30s", "How long establishing the link may take", 100, HOUR, NULL),
    OPTION(DURATION, LIVE, "ready_timeout", "16s", "How long a launched solver may take until it serves", 100, DAY,
           NULL),
    OPTION(CHOICE, LIVE, "on_exit", "keep", "What happens to a solver that penstock launched when the gateway ends", 0,
           0, exits),
    CHOICE("restart", "always", "Launch a solver that has ended again; on-failure = not if it ended with exit status 0",
           restarts),
    OPTION(INT, 0, "restart_limit", "5", "Relaunches within 10 minutes before giving up", 0, 1000, NULL),
    OPTION(DURATION, 0, "idle_check", "10s",
           "How often a solver that nobody uses is asked whether it is still there; 0 = never", 0, DAY, NULL),
    OPTION(DURATION, 0, "hang_timeout", "30s",
           "How long the solver may leave everybody without an answer until it is said to hang; 0 = never", 0, DAY,
           NULL),
    CHOICE("on_hang", "report", "What happens then: its state says so, or it is ended and launched again", hangs),
    OPTION(DURATION, LIVE, "retry_min", "500ms", "First wait before connecting again", 10, HOUR, NULL),
    OPTION(DURATION, LIVE, "retry_max", "30s", "Longest wait before connecting again", 10, DAY, NULL),
    OPTION(INT, 0, "prewarm", NULL,
           "Streams to the solver that each lane opens ahead of need; 2 if the solver is asked by tcmd, else 0", 0, 16,
           NULL),
    OPTION(INT, PS_OPTION_AUTO, "lanes", "1",
           "Connections to the far side that streams are spread over; auto = more, up to 4, as there is use for them",
           1, 16, NULL),
};

const ps_option_table ps_gateway_table = {gateway_options, COUNT(gateway_options)};
const ps_option_table ps_profile_table = {profile_options, COUNT(profile_options)};
