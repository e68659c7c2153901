/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_internal.h
 * What the files of an SSH link share. Not for others.
 *
 * How the link meets libssh 0.10 (each of these was learnt the hard way):
 *  - libssh is called from two kinds of places: from the link's own turn (ssh_link.c: dispatch, then sweep), and from
 *    the carrier's slots. Almost any call of libssh can read packets and run the callbacks of other channels, so
 * callbacks only mark, except that data is handed on during the link's own turn. Channels are freed in the sweep alone.
 *  - Nothing is called back from inside a slot: what a slot finds out is marked, and a turn is asked for
 * (ssh_link_kick).
 *  - libssh closes its descriptor when it likes. It gets a duplicate; the watched one stays ours.
 *  - ssh_channel_close sends CLOSE only if EOF went out at once, else wants to be called again: see ssh_link_bury.
 *  - ssh_channel_free on a channel that is opening leaves the server's half open for ever: likewise.
 */
#ifndef TRANSPORTS_SSH_INTERNAL_H
#define TRANSPORTS_SSH_INTERNAL_H

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include "common/far_run.h"
#include "common/ssh/config/ssh_settings.h"
#include "common/ssh/hostkey/known_hosts.h"
#include "common/ssh/ssh_link.h"
#include "common/ssh/ssh_loop.h"
#include "common/ssh/ssh_proxy.h"

typedef struct ssh_stream ssh_stream;
typedef struct ssh_connecting ssh_connecting;
typedef struct ssh_hop ssh_hop;

/** A channel that nobody uses any more, until its CLOSE is out (and, if it was opening, the answer has come). */
typedef struct ssh_grave {
  struct ssh_grave *next;
  ssh_channel channel;
  int is_opening;
} ssh_grave;

/** The key that the host showed in the last handshake. */
typedef struct ssh_shown_key {
  uint8_t *blob;
  size_t blob_size;
  char type[64];
  char fingerprint[KNOWN_HOSTS_FINGERPRINT_SIZE];
  known_hosts_verdict verdict;
} ssh_shown_key;

/** How fast the session's bytes come: ssh_batch.c's. */
typedef struct ssh_pace {
  uint64_t since_ns; /* they are counted from here */
  size_t bytes;
  unsigned run;         /* times in a row that they were many */
  penstock_timer *tick; /* while we are woken for large reads only */
  int has_turned;       /* since it fired last */
} ssh_pace;

struct ssh_link {
  carrier carrier;           /* first: a carrier* is a ssh_link* */
  const penstock_host *host; /* the loop's table; of a hop, the hop's own */
  ssh_loop *loop;            /* one for the last host and all hosts on the way; the last host's link has made it */
  const penstock_config *config;
  ssh_request request;
  int is_hop;            /* a host on the way to another */
  ssh_settings settings; /* empty until ssh_link_resolve */

  ssh_connecting *connecting; /* of the one connect of this link */
  ssh_hop *below;             /* the host on the way to this one; NULL = none */
  ssh_proxy *proxy;           /* the ProxyCommand that the session runs over; NULL = none */
  penstock_socket socket;     /* ours, for the watch and its options */
  ssh_session session;
  char greeting[64]; /* what the server said first: not always a greeting */
  ssh_event event;
  penstock_watch *watch;
  uint32_t watch_events;
  penstock_timer *kick;
  penstock_timer *keepalive;
  struct ssh_counter_struct counter; /* of the socket's bytes */
  uint64_t bytes_seen;               /* counter.in_bytes at the last keepalive tick */
  unsigned silent_ticks;
  uint64_t heard_ns;      /* when bytes came last, as far as turns have seen */
  penstock_timer *verify; /* runs after ssh_link_verify */
  uint64_t bytes_before;  /* counter.in_bytes when it was called */
  int is_degraded;
  known_hosts known; /* what is known of the host's keys, from the handshake on */
  ssh_shown_key shown;
  char unpinned[320]; /* the keys that were shown in vain, with the settings' pin: "type fingerprint, ..." */

  int is_up;
  int may_deliver;        /* the link's own turn is reading: data callbacks may hand data on */
  int is_stalled;         /* libssh takes no data though there is room (a key exchange runs): wait for the next read */
  uint64_t bytes_handled; /* counter.in_bytes when a turn last looked: packets read since then want a turn */
  int is_dead;
  int is_lost_told;
  penstock_error death;
  char denial[256];  /* the server's last word on a channel that it would not open */
  int is_denial_new; /* it came since the last sweep */
  int last_is_small; /* the stream that moved data last has little to say */

  ssh_stream *streams; /* all of them */
  size_t stream_count;
  const ssh_stream *last_user; /* the stream that moved data last; only to be compared */
  uint64_t nearest_ns;      /* the least time that opening a stream took: a round trip, and little else; 0 = none did */
  uint64_t shared_until_ns; /* see ssh_link_is_shared */
  uint64_t turns;           /* so many have begun */
  ssh_stream *writers;      /* those that wait for their turn to write, first one first */
  ssh_stream **writers_end;
  ssh_pace pace;
  uint8_t *scratch; /* for draining and for opening windows; WINDOW_MAX bytes, of which few are ever touched */

  unsigned commands_max;           /* streams to commands that the server is known to have room for; 0 = not known */
  uint64_t commands_not_before_ns; /* the next one's session */
  penstock_timer *commands_tick;

  far_shells shells; /* scripts, and what they run in */
  ssh_grave *graves;
  size_t unanswered; /* of them, how many still wait for the answer to their opening */
};

enum {
  SSH_WINDOW = 2 << 20,        /* receive window of a stream that moves data */
  SSH_WINDOW_MAX = 8 << 20,    /* of one of a few to a far host: 40 ms away, 2 MiB would be 50 MB/s */
  SSH_UNANSWERED_MAX = 256,    /* given up, and never answered: such a server gets no more, or they would be memory */
  SSH_WRITE_CHUNK = 2 * 32758, /* two full packets: fast, and still quick for the others (measured) */
  SSH_WRITE_ALONE = 8 * 32758  /* where nobody with little to say waits: one poll() and one send() for all */
};

/* --- ssh_link.c ------------------------------------------------------------------------------------ */

/** Finds the link's settings, if that has not been done. May block until `deadline_ms` from now. */
int ssh_link_resolve(ssh_link *link, uint64_t deadline_ms, penstock_error *error);
/** Asks for a turn of the link as soon as the loop comes round. */
void ssh_link_kick(ssh_link *link);
/** Notes that what the session rests on is gone, for `error`; nothing if the link is not up. */
void ssh_link_fail(ssh_link *link, const penstock_error *error);
/** Notes that the session is gone; streams and host are told in the next turn. `what` NULL = ask libssh. */
void ssh_link_die(ssh_link *link, uint32_t leg, const char *what);
/** Is the session gone as far as libssh knows? Notes it if so. */
int ssh_link_check(ssh_link *link);
/** To be said at the end of every slot that called libssh: asks for what follows from the call. */
void ssh_link_settle(ssh_link *link);
/** Does libssh hold bytes that the socket has not taken yet? Nothing more is then written. */
int ssh_link_is_clogged(const ssh_link *link);
/** Bytes that were received and that libssh has not looked at yet: no event of the socket will say so. */
size_t ssh_link_held(const ssh_link *link);
/**
 * Has a stream with little to say moved data lately, beside another one? Then each gets small turns, so that it does
 * not wait long. Streams that all have much to say want large ones.
 */
int ssh_link_is_shared(const ssh_link *link);
/** Is the host so near that a round trip costs nothing beside the bytes that come in it? */
int ssh_link_is_near(const ssh_link *link);
/** Takes a channel off its user's hands. Its callbacks must have been removed. */
void ssh_link_bury(ssh_link *link, ssh_channel channel, int is_opening);
/** After login: the loop takes over. Returns 0, or a negative code with `error`. */
int ssh_link_go(ssh_link *link, penstock_error *error);
/** Ends the session, if there is one, closes the socket, and ends what it rested on. */
void ssh_link_hang_up(ssh_link *link);
/** Ends everything that runs, and calls nothing back; settings and what was found out stay. */
void ssh_link_close(ssh_link *link);
/** Keeps the reason for a channel that was denied: the session's next error would write over it. */
void ssh_link_note_denial(ssh_link *link);
/** The server's reason for a channel that it would not open: its code (RFC 4254, 5.1; 0 if unknown) and text. */
unsigned ssh_link_denial(const ssh_link *link, const char **text);

/* --- ssh_batch.c ----------------------------------------------------------------------------------- */

/** A turn has read `count` bytes of the socket: more of them are wanted at once while that is much. */
void ssh_batch_note(ssh_link *link, size_t count);
/** The socket tells of every byte. */
void ssh_batch_end(ssh_link *link);

/* --- ssh_wait.c: before the link is up ------------------------------------------------------------- */

/**
 * Waits until the link's session can go on, and keeps everything going meanwhile that the link rests on (the hosts on
 * the way). To be called after each SSH_AGAIN / SSH_AUTH_AGAIN of a non-blocking session. Returns 0 when it is worth
 * asking again; a negative code if it never will be: the time is over, or the connection is gone.
 */
int ssh_link_wait(ssh_link *link, uint64_t deadline_ns);

/* --- ssh_handshake.c: not blocking, before the link is up ------------------------------------------ */

/** Milliseconds that are left until `deadline_ns` (host clock); 0 if none are. */
uint64_t ssh_time_left(const ssh_link *link, uint64_t deadline_ns);
/** Makes a session over the connected `link->socket`, with all settings. Returns 0, or a negative code with `error`. */
int ssh_handshake_start(ssh_link *link, penstock_error *error);
/**
 * Goes on with it as far as can be. Returns 1 if it waits for the socket; 0 once keys are exchanged, with `link->shown`
 * filled in and judged by known_hosts; a negative code with `error`.
 */
int ssh_handshake_step(ssh_link *link, penstock_error *error);
/** Words for a handshake that has not ended in time (`is_late`), or that has failed. */
void ssh_handshake_explain(ssh_link *link, int is_late, penstock_error *error);

/* --- ssh_verify.c ---------------------------------------------------------------------------------- */

/** known_hosts_load for the link's host, under its HostKeyAlias if it has one. */
int ssh_load_known(const ssh_link *link, known_hosts *known, penstock_error *error);
/**
 * Is the shown key not the pinned one, while the host may have others? They are then what the settings ask for. A pin
 * does not say what type its key is of, and a host shows one key a connection.
 */
int ssh_pin_wants_another(ssh_link *link);
/** The error of a host that has no key with the pinned fingerprint. */
int ssh_refuse_pinned(const ssh_link *link, penstock_error *error);
/** Adds the shown key to the user's known_hosts file, under that same name, unless it has meanwhile become known.
 * Refuses if another one has. */
int ssh_remember_host(const ssh_link *link, penstock_error *error);
/** Refuses the shown key if it must be; adds it if the settings allow that. `text` gets what was found. */
int ssh_verify_host(ssh_link *link, char *text, size_t text_size, penstock_error *error);

/* --- ssh_auth.c: blocking, before the link is up --------------------------------------------------- */

/** Logs in by the methods that the settings allow. `text` gets how. */
int ssh_log_in(ssh_link *link, uint64_t deadline_ns, char *text, size_t text_size, penstock_error *error);

/* --- ssh_banner.c ---------------------------------------------------------------------------------- */

/** Logs what the server showed before the login, if it did; the same text once. */
void ssh_log_banner(const ssh_link *link);

/* --- ssh_connect.c --------------------------------------------------------------------------------- */

/** carrier_ops::connect. */
void ssh_connect_start(carrier *self, penstock_op *op, uint64_t deadline_ms, carrier_done *done, void *context);
/** carrier_ops::connect_cancel: of one that is still resolving or connecting. */
void ssh_connect_cancel(carrier *self, penstock_op *op);
/** Tells the user what the connect that runs waits for; nothing if none runs (a key is being fetched). */
void ssh_connect_progress(ssh_link *link, const char *text);
/** Connects as far as the handshake, which shows the host's key, and tells nobody but `done`. */
void ssh_connect_to_see(ssh_link *link, uint64_t deadline_ms, carrier_done *done, void *context);
/** Ends a connect without completing it, and frees what it holds. */
void ssh_connect_abandon(ssh_link *link);

/* --- ssh_forward.c, ssh_command.c, ssh_stream.c ---------------------------------------------------- */

/** carrier_ops::open. */
void ssh_stream_open(carrier *self, penstock_open *open, const char *host, uint16_t port, uint64_t deadline_ms);
/** carrier_ops::open_command. */
void ssh_command_open(carrier *self, penstock_open *open, const char *script, size_t script_size, uint64_t deadline_ms);
/** carrier_ops::open_cancel. */
void ssh_stream_open_cancel(carrier *self, penstock_open *open);
/** After a dispatch: hands on what is waiting, ends what has ended. */
void ssh_stream_sweep(ssh_link *link);
/** Lets waiting streams write, in turn. */
void ssh_stream_write_turn(ssh_link *link);
/** Frees all streams without calling back. */
void ssh_stream_drop_all(ssh_link *link);

/* --- ssh_run.c ------------------------------------------------------------------------------------- */

carrier_run *ssh_run_start(carrier *self, const char *body, size_t body_size, uint64_t timeout_ms,
                           void (*done)(void *context, const carrier_result *result), void *context,
                           penstock_error *error);
void ssh_run_cancel(carrier *self, carrier_run *run);
/** Fills in what `link->shells` needs of the link. */
void ssh_run_prepare(ssh_link *link);
/** Takes the channel of a shell (far_shell_release) over; nothing more is told to the shell. */
ssh_channel ssh_run_take_channel(void *session);
/** After a dispatch: moves each run on. */
void ssh_run_sweep(ssh_link *link);
/** Frees all runs without calling back. */
void ssh_run_drop_all(ssh_link *link);

#endif
