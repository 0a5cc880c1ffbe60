/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_WORDS_H
#define REP_WORDS_H

#include <stdbool.h>

#include <jansson.h>

#include "reports/format.h"

/*
 * Words that several renderers print: verdicts, the rows of the books, the lines of a latency
 * table. Tables end with a NULL key.
 */

struct rep_word {
    const char *key; /* in report.json */
    const char *title;
    const char *note; /* one phrase of explanation, or NULL */
};

/* Of a run with load.generator_limited: what that means to who reads it. A short one, and the
 * sentence that load.generator_limited_by goes on. */
extern const char rep_untimely[], rep_untimely_note[];

/* Of a run whose load client was not run for a while (load.pauses): how often and how long, and
 * that times contain it; "" if it was not. Returns out. */
enum { REP_PAUSES = 280 };
const char *rep_pauses(const json_t *load, char *out, size_t size);

/* "pass" -> "PASS"; an unknown word gives "NO VERDICT" */
const char *rep_verdict_word(const char *verdict);

/* Terms of the sum: started = these; "lost" stands for its reasons. */
extern const struct rep_word rep_book_terms[];
/* What people read of a reason why spans were lost; NULL: the reason itself says it. */
const struct rep_word *rep_lost_word(const char *reason);
/* "240 for a reason on record", ...: one phrase under a number of lost spans. */
struct rep_text rep_lost_note(const json_t *spans);
/* A latency; "n/a" when it is left out: too few samples can tell it. */
struct rep_text rep_latency_text(const json_t *latency, const char *key);
/* Replicas that something happened to at once have an event each, in the same words: all but the
 * first. */
bool rep_repeats_event(const json_t *events, size_t index);
/* What stands beside the sum. */
extern const struct rep_word rep_book_notes[];
/* Of them, what only a number explains. */
#define REP_COUNTED_KEY "delivered_reported_lost_counted"
extern const char rep_counted_title[];
extern const struct rep_word rep_trace_rows[];
/* latency, service_time, send_lag */
extern const struct rep_word rep_latency_kinds[];
/* min ... max */
extern const struct rep_word rep_latency_columns[];

#endif
