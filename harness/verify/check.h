/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_CHECK_H
#define HX_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <otel/err.h>

#include "harness/verify/facts/facts.h"

/*
 * Checks: what was judged, what failed, and the first concrete cases of it.
 *
 * Life      hx_checks_init() -> judged, fail, unknown ... -> hx_checks_json() -> hx_checks_fini().
 * Threads   one owner.
 * Memory    at most HX_EVIDENCE_MAX cases are kept for each check; all are counted.
 *
 * A check fails when one thing failed; it is inconclusive when nothing failed and something could
 * not be known; it passes only when something was judged. A check that had nothing to judge is
 * left out of the report.
 */

enum { HX_EVIDENCE_MAX = 20 };

/* name, title, what is expected */
#define HX_CHECKS(X)                                                                               \
    X(NOT_EMPTY, "not_empty", "The run did something",                                             \
      "requests were made and sampled spans were received")                                        \
    X(LEDGER, "ledger", "The ledger is whole", "every segment and every row can be read")          \
    X(TAP, "tap", "The recording at the collector's socket is whole",                              \
      "every record can be read and decoded")                                                      \
    X(CALLS, "calls", "Every answered call reached its callee",                                    \
      "an entry of the callee for every request that was answered")                                \
    X(MESSAGES, "messages", "Every published message was handled",                                 \
      "an entry in every consumer group for every acknowledged message")                           \
    X(CLEAN_STOP, "clean_stop", "Every process stopped cleanly",                                   \
      "a closing row in every ledger, unless the supervisor killed the process")                   \
    X(BOOKS, "books", "The SDK's books agree with the ledger",                                     \
      "started, not recorded, record only and open spans as the ledger has them")                  \
    X(LOST_UNEXPLAINED, "lost_unexplained", "No span is lost without explanation",                 \
      "0 spans lost unexplained")                                                                  \
    X(LOST_AFTER_ACK, "lost_after_ack", "No span is lost after it was acknowledged",               \
      "0 acknowledged spans missing at the socket")                                                \
    X(PROCESS_KILLED, "process_killed", "A killed process loses no more than it held",             \
      "at most queue + batch + one export in flight for each killed process")                      \
    X(COUNTER_LIES, "counter_lies", "Drop callback, drop counters and missing spans agree",        \
      "the same spans under the same reasons in all three")                                        \
    X(DUPLICATES, "duplicates", "No span arrives twice",                                           \
      "0 duplicates, other than retries of unanswered or failed attempts")                         \
    X(ID_COLLISIONS, "id_collisions", "No two spans have the same ids",                            \
      "0 pairs of spans with the same trace id and span id; no id of zeros")                       \
    X(UNEXPECTED, "unexpected", "Only what was sampled arrives",                                   \
      "every received span was started, sampled and ended by the ledger")                          \
    X(CONTENT, "content", "Spans arrive as they were asked for",                                   \
      "name, attributes, events, links and status unaltered")                                      \
    X(IDENTITY, "identity", "Ids and kind arrive unaltered", "trace id, span id, kind and flags "  \
      "as the API gave them")                                                                      \
    X(PARENTS, "parents", "Every span has its parent", "the parent that was given, in the API "    \
      "and at the socket")                                                                         \
    X(PROPAGATION, "propagation", "The context is carried over every hop",                         \
      "sent, received and used on every call and message")                                         \
    X(SAMPLING_DECISION, "sampling_decision", "Every sampling decision is the right one",          \
      "parent's flag where the sampler is parent-based, else the rule recomputed")                 \
    X(WHOLE_TRACES, "whole_traces", "Traces are sampled whole or not at all",                      \
      "0 traces of which only a part was sampled")                                                 \
    X(SAMPLING_SHARE, "sampling_share", "Ratio samplers keep their share",                         \
      "the share sampled by ratio, two-sided at 1e-6")                                             \
    X(TRACE_ID_RANDOMNESS, "trace_id_randomness", "Trace ids are random",                          \
      "bits 72 to 127 of new trace ids even and independent, two-sided at 1e-6")                   \
    X(TRACES, "traces", "Received traces hang together",                                           \
      "one connected tree for every trace whose spans all arrived")                                \
    X(RESOURCE, "resource", "Spans carry the resource of their process",                           \
      "service.name, service.instance.id, telemetry.sdk.* and what was declared")                  \
    X(BAGGAGE, "baggage", "Baggage arrives as it was set",                                         \
      "what is read is what was set upstream; headers carry it")                                   \
    X(DURATIONS, "durations", "Durations are right", "end - start inside the ledger's monotonic "  \
      "brackets (10 us + 0.01 %), never negative")                                                 \
    X(START_TIMES, "start_times", "Clocks are right",                                              \
      "start inside the ledger's wall clock bracket (20 ms)")                                      \
    X(CONTAINMENT, "containment", "Children lie inside their parents",                             \
      "synchronous children of one process start and end inside the parent (20 ms)")               \
    X(PIPELINE, "pipeline", "The exporters wrote what was received",                               \
      "the same spans behind the pipeline as at the socket")

enum hx_check_id {
#define HX_CHECK_ENUM(id, name, title, expected) HX_CHECK_##id,
    HX_CHECKS(HX_CHECK_ENUM)
#undef HX_CHECK_ENUM
    HX_CHECK_COUNT
};

enum hx_verdict { HX_VERDICT_NONE, HX_VERDICT_PASS, HX_VERDICT_FAIL, HX_VERDICT_INCONCLUSIVE };

struct hx_check {
    uint64_t judged;
    uint64_t failed;
    uint64_t unknown;
    uint64_t excused;   /* failures that the scenario claims */
    char reason[200];   /* why inconclusive */
    char observed[240]; /* "" = made from the counts */
    json_t *evidence;   /* array, or NULL */
};

struct hx_checks {
    struct hx_check list[HX_CHECK_COUNT];
    const struct hx_facts *facts;
    bool memory; /* an allocation failed: the result is not complete */
};

/* Where evidence was found; what is not known stays zero. */
struct hx_where {
    uint32_t span;      /* ledger row + 1; fills service, request and ids; 0 = none */
    uint32_t received;  /* received row + 1; fills ids; 0 = none */
    const char *service;
    const char *edge;
    const uint8_t *trace_id;
    const uint8_t *span_id;
    uint64_t request;
};

#define HX_AT_SPAN(row) (&(struct hx_where){.span = (row) + 1})
#define HX_AT_RECEIVED(row) (&(struct hx_where){.received = (row) + 1})
#define HX_NOWHERE (&(struct hx_where){0})

void hx_checks_init(struct hx_checks *checks, const struct hx_facts *facts);
void hx_checks_fini(struct hx_checks *checks);

static inline void hx_judged(struct hx_checks *checks, enum hx_check_id id, uint64_t count)
{
    checks->list[id].judged += count;
}

void hx_fail(struct hx_checks *checks, enum hx_check_id id, const struct hx_where *where,
             const char *format, ...) OTEL_PRINTF(4, 5);
/* A failure that the scenario expects: shown as evidence, not counted as failed. */
void hx_excuse(struct hx_checks *checks, enum hx_check_id id, const struct hx_where *where,
               const char *format, ...) OTEL_PRINTF(4, 5);
/* count things could not be judged; the first reason is kept. */
void hx_unknown(struct hx_checks *checks, enum hx_check_id id, uint64_t count,
                const char *format, ...) OTEL_PRINTF(4, 5);
void hx_observed(struct hx_checks *checks, enum hx_check_id id, const char *format, ...)
    OTEL_PRINTF(3, 4);

enum hx_verdict hx_check_verdict(const struct hx_checks *checks, enum hx_check_id id);
const char *hx_check_name(enum hx_check_id id);
const char *hx_check_title(enum hx_check_id id);
const char *hx_check_expected(enum hx_check_id id);
/* HX_CHECK_COUNT when there is no such name. */
enum hx_check_id hx_check_by_name(const char *name);
const char *hx_verdict_name(enum hx_verdict verdict);
/* What was seen, one sentence. */
const char *hx_check_observed(const struct hx_checks *checks, enum hx_check_id id, char *out,
                              size_t size);

/* The report's "checks"; NULL: no memory. */
json_t *hx_checks_json(const struct hx_checks *checks);

#endif
