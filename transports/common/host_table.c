/* SPDX-License-Identifier: MIT */
#include "common/host_table.h"

static const penstock_host *behind(const penstock_host *host) {
  return host_table_of(host)->behind;
}

/* --- services ------------------------------------------------------------------------------------- */

static void pass_log(const penstock_host *host, uint32_t level, const char *text) {
  behind(host)->log(behind(host), level, text);
}

static uint64_t pass_now_ns(const penstock_host *host) {
  return behind(host)->now_ns(behind(host));
}

static penstock_watch *pass_watch_start(const penstock_host *host, penstock_socket socket, uint32_t events,
                                        void (*callback)(void *context, uint32_t events), void *context) {
  return behind(host)->watch_start(behind(host), socket, events, callback, context);
}

static void pass_watch_set(const penstock_host *host, penstock_watch *watch, uint32_t events) {
  behind(host)->watch_set(behind(host), watch, events);
}

static void pass_watch_stop(const penstock_host *host, penstock_watch *watch) {
  behind(host)->watch_stop(behind(host), watch);
}

static penstock_timer *pass_timer_start(const penstock_host *host, uint64_t delay_ms, uint64_t repeat_ms,
                                        void (*callback)(void *context), void *context) {
  return behind(host)->timer_start(behind(host), delay_ms, repeat_ms, callback, context);
}

static void pass_timer_stop(const penstock_host *host, penstock_timer *timer) {
  behind(host)->timer_stop(behind(host), timer);
}

static int32_t pass_spawn(const penstock_host *host, const penstock_spawn *spawn, penstock_process **process,
                          penstock_error *error) {
  return behind(host)->spawn(behind(host), spawn, process, error);
}

static void pass_process_kill(const penstock_host *host, penstock_process *process, uint32_t force) {
  behind(host)->process_kill(behind(host), process, force);
}

static int32_t pass_resolve(const penstock_host *host, const char *name, uint16_t port, uint32_t family,
                            void (*done)(void *context, const penstock_address *addresses, uint32_t count,
                                         const penstock_error *error),
                            void *context) {
  return behind(host)->resolve(behind(host), name, port, family, done, context);
}

static int32_t pass_run_job(const penstock_host *host, void (*work)(void *context), void (*done)(void *context),
                            void *context) {
  return behind(host)->run_job(behind(host), work, done, context);
}

static int32_t pass_prompt(const penstock_host *host, uint32_t kind, const char *key, const char *question,
                           char *answer, size_t answer_size) {
  return behind(host)->prompt(behind(host), kind, key, question, answer, answer_size);
}

static void pass_prompt_forget(const penstock_host *host, const char *key) {
  behind(host)->prompt_forget(behind(host), key);
}

static int32_t pass_get_secret(const penstock_host *host, const char *reference, char *secret, size_t secret_size,
                               penstock_error *error) {
  return behind(host)->get_secret(behind(host), reference, secret, secret_size, error);
}

static void pass_metric_add(const penstock_host *host, const char *name, int64_t delta) {
  behind(host)->metric_add(behind(host), name, delta);
}

static const void *pass_get_extension(const penstock_host *host, const char *name) {
  return behind(host)->get_extension(behind(host), name);
}

/* --- steps, and the link -------------------------------------------------------------------------- */

static void pass_op_done(const penstock_host *host, penstock_op *op, const penstock_error *error) {
  behind(host)->op_done(behind(host), op, error);
}

static void pass_op_progress(const penstock_host *host, penstock_op *op, const char *text) {
  behind(host)->op_progress(behind(host), op, text);
}

static void pass_op_leg(const penstock_host *host, penstock_op *op, uint32_t leg, uint64_t elapsed_ns,
                        const char *text) {
  behind(host)->op_leg(behind(host), op, leg, elapsed_ns, text);
}

static void pass_link_lost(const penstock_host *host, const penstock_error *error) {
  behind(host)->link_lost(behind(host), error);
}

static void pass_link_degraded(const penstock_host *host, const penstock_error *error) {
  behind(host)->link_degraded(behind(host), error);
}

static void pass_solver_exited(const penstock_host *host, const penstock_error *error) {
  behind(host)->solver_exited(behind(host), error);
}

/* --- streams -------------------------------------------------------------------------------------- */

static void pass_open_done_socket(const penstock_host *host, penstock_open *open, penstock_socket socket) {
  behind(host)->open_done_socket(behind(host), open, socket);
}

static penstock_sink *pass_open_done_credit(const penstock_host *host, penstock_open *open,
                                            const penstock_credit_stream *stream) {
  return behind(host)->open_done_credit(behind(host), open, stream);
}

static void pass_open_failed(const penstock_host *host, penstock_open *open, const penstock_error *error) {
  behind(host)->open_failed(behind(host), open, error);
}

static uint64_t pass_stream_data(const penstock_host *host, penstock_sink *sink, const void *data, size_t size) {
  return behind(host)->stream_data(behind(host), sink, data, size);
}

static void pass_stream_eof(const penstock_host *host, penstock_sink *sink) {
  behind(host)->stream_eof(behind(host), sink);
}

static void pass_stream_writable(const penstock_host *host, penstock_sink *sink) {
  behind(host)->stream_writable(behind(host), sink);
}

static void pass_stream_reset(const penstock_host *host, penstock_sink *sink, const penstock_error *error) {
  behind(host)->stream_reset(behind(host), sink, error);
}

/* --- the table ------------------------------------------------------------------------------------ */

/** Replaces a slot if the host behind has it. */
#define PASS(slot) table->host.slot = table->host.slot ? pass_##slot : NULL

static void pass_services(host_table *table) {
  PASS(log);
  PASS(now_ns);
  PASS(watch_start);
  PASS(watch_set);
  PASS(watch_stop);
  PASS(timer_start);
  PASS(timer_stop);
  PASS(spawn);
  PASS(process_kill);
  PASS(resolve);
  PASS(run_job);
  PASS(prompt);
  PASS(prompt_forget);
  PASS(get_secret);
  PASS(metric_add);
  PASS(get_extension);
}

static void pass_steps_and_streams(host_table *table) {
  PASS(op_done);
  PASS(op_progress);
  PASS(op_leg);
  PASS(link_lost);
  PASS(link_degraded);
  PASS(solver_exited);
  PASS(open_done_socket);
  PASS(open_done_credit);
  PASS(open_failed);
  PASS(stream_data);
  PASS(stream_eof);
  PASS(stream_writable);
  PASS(stream_reset);
}

void host_table_init(host_table *table, const penstock_host *behind_it, void *context) {
  size_t size = behind_it->struct_size < sizeof(table->host) ? behind_it->struct_size : sizeof(table->host);
  memset(table, 0, sizeof(*table));
  memcpy(&table->host, behind_it, size);
  table->host.struct_size = (uint32_t)size;
  table->host.impl = table;
  table->behind = behind_it;
  table->context = context;
  pass_services(table);
  pass_steps_and_streams(table);
}
