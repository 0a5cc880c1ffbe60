/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_CHECK_H
#define HX_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <otel/err.h>

#include "harness/scenario/checks.h"
#include "harness/verify/facts/facts.h"

/*
 * Checks: what was judged, what failed, and the first concrete cases of it.
 *
 * Life      hx_checks_init() -> judged, fail, unknown ... -> hx_checks_json() -> hx_checks_fini().
 * Threads   one owner.
 * Memory    at most HX_EVIDENCE_MAX cases are kept for each check; all are counted.
 *
 * Of checks that the scenario does not claim nothing is reported.
 *
 * A check fails when one thing failed; it is inconclusive when nothing failed and something could
 * not be known; it passes only when something was judged. A check that had nothing to judge is
 * left out of the report.
 */

enum { HX_EVIDENCE_MAX = 20 };

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
    char expected[160]; /* "" = the check's own; else what the scenario claims instead */
    json_t *evidence;   /* array, or NULL */
};

struct hx_checks {
    struct hx_check list[HX_CHECK_COUNT];
    const struct hx_facts *facts;
    bool memory; /* an allocation failed: the result is not complete */
    bool unclaimed[HX_CHECK_COUNT]; /* the scenario names its checks, and not this one */
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
/* Its failures may be the recording's, not the fleet's: they stay as evidence, no longer as
 * failures. */
void hx_doubt(struct hx_checks *checks, enum hx_check_id id, const char *why);
void hx_observed(struct hx_checks *checks, enum hx_check_id id, const char *format, ...)
    OTEL_PRINTF(3, 4);

/* The scenario claims something else than the check expects by itself. */
void hx_expected(struct hx_checks *checks, enum hx_check_id id, const char *format, ...)
    OTEL_PRINTF(3, 4);
/* A text that may have been cut within a character: what is no UTF-8 is shown as U+FFFD.
 * NULL: no memory. */
json_t *hx_text_json(const char *data, size_t len);
/* What checks point at: a span's row, with the edge and what is wrong; NULL: no memory. */
json_t *hx_evidence(const struct hx_facts *facts, const struct hx_where *where, const char *text);

enum hx_verdict hx_check_verdict(const struct hx_checks *checks, enum hx_check_id id);
const char *hx_check_name(enum hx_check_id id);
const char *hx_check_expected(const struct hx_checks *checks, enum hx_check_id id);
/* HX_CHECK_COUNT when there is no such name. */
enum hx_check_id hx_check_by_name(const char *name);
const char *hx_verdict_name(enum hx_verdict verdict);
/* What was seen, one sentence. */
const char *hx_check_observed(const struct hx_checks *checks, enum hx_check_id id, char *out,
                              size_t size);

/* The report's "checks"; NULL: no memory. */
json_t *hx_checks_json(const struct hx_checks *checks);

#endif
