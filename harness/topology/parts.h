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

/* A file of the run's directory. */
OTEL_MUST_USE enum otel_err hx_run_write_json(const struct hx_run *run, const char *name,
                                              const json_t *tree, struct otl_detail *reterr);
/* Of a collector's ready line, "otlp/http": HOST:PORT, or "". */
const char *hx_run_endpoint(const json_t *ready, const char *name);

/* agents.c: Collectors between services and the recording one. */
/* That one is ready: start them; they are ready when the next wait for collectors is over. */
OTEL_MUST_USE enum otel_err hx_run_start_agents(struct hx_run *run, struct otl_detail *reterr);
/* HOST:PORT where a service with this tracing sends its spans, over gRPC or HTTP; NULL: where one
 * without an agent does. "" = nowhere. */
const char *hx_run_otlp(const struct hx_run *run, const struct hx_tracing *tracing, bool grpc);
/* The process that a fault of a collector is done to: an agent's (NULL: the recording one). */
struct hx_child *hx_run_collector_of(const struct hx_run *run, const struct hx_agent *agent);
/* report.json's agents[]; NULL: there are none. */
json_t *hx_run_agents(const struct hx_run *run);

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
/* Programs that have ended: named at once, the relay is told; one whose service has none left ends
 * the load. As part of the fleet's turn. */
void hx_run_watch_programs(struct hx_run *run);
/* Those that the relay saw with something in hand, "payment-0, audit-0"; nobody: the relay. */
const char *hx_run_busy_programs(const struct hx_run *run, char *out, size_t size);
/* The relay's last words, if something was wrong. */
void hx_run_relay_incidents(struct hx_run *run);
/* "; its output ends: ..." of a child that has ended, "" when it said nothing; valid UTF-8. */
enum { HX_LOG_TAIL = 400, HX_LAST_OUTPUT_SIZE = HX_LOG_TAIL + 32 };
const char *hx_run_last_output(const struct hx_run *run, const struct hx_child *child, char *out,
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
/* A restart is under way that this process is part of. */
bool hx_run_is_restarting(const struct hx_run *run, const struct hx_child *child);

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
/* How long the collector's last /metrics may take to come. */
unsigned hx_run_last_metrics_millis(const struct hx_run *run);
void hx_run_incident(struct hx_run *run, const char *id, const struct hx_child *child,
                     const char *format, ...) OTEL_PRINTF(4, 5);
/* A child of ours, not of the system under test, failed; the first reason is kept. */
void hx_run_environment(struct hx_run *run, const char *format, ...) OTEL_PRINTF(2, 3);
/* Answer the interrupts that have come: say so, once each. */
void hx_run_interrupt(struct hx_run *run);

/* progress.c: about once a second; the line for people and the points for the report. */
void hx_run_tick(void *run);
/* Look at the memory of our children that live; with the ledger's part between phases only. */
void hx_run_look_at_memory(struct hx_run *run, bool ledger);
/* A line for people, below what is there; nothing with --quiet. */
void hx_run_say(struct hx_run *run, const char *format, ...) OTEL_PRINTF(2, 3);
void hx_run_progress_end(struct hx_run *run);

/* metrics.c: GET /metrics into text (NUL-terminated); false if nothing came for so long. */
bool hx_metrics_get(const char *address, unsigned limit_millis, struct otl_buf *text);

#endif
