/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_RUN_PARTS_H
#define HX_RUN_PARTS_H

#include "harness/topology/run.h"

/* The steps of hx_run_execute(), one file a concern. Private to harness/topology. */

/* launch.c: the run's files and its processes, up to ready. */
OTEL_MUST_USE enum otel_err hx_run_launch(struct hx_run *run, struct otl_detail *reterr);

/* HOST:PORT of the broker; "": there is none. */
const char *hx_run_kafka(const struct hx_run *run);
/* One more process for a replica of a service; the port is that of the one before. */
OTEL_MUST_USE enum otel_err hx_run_reincarnate(struct hx_run *run, const struct hx_child *old,
                                               const json_t *tree, struct hx_child **ret,
                                               struct otl_detail *reterr);

/* foreign.c: services that are somebody else's programs. The relay comes first: it has their
 * ports. */
/* What the relay's role says of them; NULL: there are none. Gives out their process numbers. */
json_t *hx_run_replicas(struct hx_run *run);
/* The relay is bound: start the programs. */
OTEL_MUST_USE enum otel_err hx_run_start_foreign(struct hx_run *run, struct otl_detail *reterr);
/* One more process for one that has exited, with the settings of tree; the relay is told. */
OTEL_MUST_USE enum otel_err hx_run_foreign_again(struct hx_run *run, const struct hx_child *old,
                                                 const json_t *tree, struct hx_child **ret,
                                                 struct otl_detail *reterr);
/* Where each is to be called, into the services of the "peers" command. */
void hx_run_foreign_peers(const struct hx_run *run, json_t *services);
/* A program that ended, or of which the relay complains, before all were ready; where its command
 * stands and the end of its output. OTEL_OK: none did. */
OTEL_MUST_USE enum otel_err hx_run_blame_foreign(const struct hx_run *run,
                                                 struct otl_detail *reterr);
/* Those that the relay saw with something in hand, "payment-0, audit-0"; nobody: the relay. */
const char *hx_run_busy_programs(const struct hx_run *run, char *out, size_t size);
/* The relay's last words, if something was wrong. */
void hx_run_relay_incidents(struct hx_run *run);
/* The end of a child's log. */
enum { HX_LOG_TAIL = 400 };
void hx_run_log_tail(const struct hx_run *run, const struct hx_child *child, char *out,
                     size_t size);

/* timeline.c: faults, as the fleet's turn; state is the run. */
uint64_t hx_run_timeline(void *run);
/* Wait until what was begun has come to its end; name what never began. */
void hx_run_settle(struct hx_run *run);

/* restart.c */
void hx_run_restart(struct hx_run *run, const struct hx_fault *fault, struct hx_child *child,
                    size_t event);
/* Returns when it wants the next look; 0 = none. */
uint64_t hx_run_restarts_go_on(struct hx_run *run);

/* events.c: report.json's events[]. at_s is now. Returns its index. */
size_t hx_run_event(struct hx_run *run, const char *what, const char *target, const char *format,
                    ...) OTEL_PRINTF(4, 5);
/* What the collector or the broker (NULL: none) said of its faults goes to their events. */
void hx_run_events_of(struct hx_run *run, const struct hx_child *child);
void hx_run_event_until(struct hx_run *run, size_t event); /* until_s is now */
/* The last event of this kind at target gets its end, if it has none. */
void hx_run_event_close(struct hx_run *run, const char *what, const char *target);
/* membership.c: the run's events and, between them, what the consumer groups went through. */
json_t *hx_run_events_with_membership(const struct hx_run *run);
/* report.json's groups[]: rounds and expulsions of each consumer group. */
json_t *hx_run_groups(const struct hx_run *run);
void hx_run_event_add(struct hx_run *run, size_t event, const char *format, ...) OTEL_PRINTF(3, 4);

/* wind_down.c: drain, stop in order, the collector last. Never fails: what goes wrong is an
 * incident. */
void hx_run_drain(struct hx_run *run);
void hx_run_stop(struct hx_run *run);
void hx_run_incident(struct hx_run *run, const char *id, const struct hx_child *child,
                     const char *format, ...) OTEL_PRINTF(4, 5);
/* A child of ours, not of the system under test, failed; the first reason is kept. */
void hx_run_environment(struct hx_run *run, const char *format, ...) OTEL_PRINTF(2, 3);
/* Answer the interrupts that have come: say so, once each. */
void hx_run_interrupt(struct hx_run *run);

/* progress.c: about once a second; the line for people and the points for the report. */
void hx_run_tick(void *run);
void hx_run_progress_end(struct hx_run *run);

/* metrics.c: GET /metrics into text (NUL-terminated); false if it did not answer in time. */
bool hx_metrics_get(const char *address, struct otl_buf *text);
/* Sum of the samples named name (any labels); false if there is none. */
bool hx_metrics_sum(const char *text, const char *name, double *ret);

#endif
