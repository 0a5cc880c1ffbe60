/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TUNING_VALIDATE_H
#define HX_TUNING_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/stats/paired.h"
#include "harness/tuning/overhead.h"

/*
 * Validation of the overhead measurement against known costs: what each part must show, and
 * whether it did. Pure; harness/tests/validate_overhead.c runs the slices.
 *
 * Threads   no state.
 */

enum { HX_VALIDATE_TEXT = 160, HX_VALIDATE_ROWS = 16 };

struct hx_validate_row {
    char claim[HX_VALIDATE_TEXT], must[HX_VALIDATE_TEXT], measured[HX_VALIDATE_TEXT];
    bool held;
};

struct hx_validate {
    struct hx_validate_row rows[HX_VALIDATE_ROWS];
    size_t count;
};

bool hx_validate_held(const struct hx_validate *table); /* false for none */
void hx_validate_print(const struct hx_validate *table);

/* ---- many comparisons of the application's CPU time, each with its own slices ---------------- */

/* hx_paired, or in tests one that is wrong. */
typedef bool hx_estimate_fn(const double *differences, size_t count, uint64_t seed,
                            struct hx_paired *ret);

enum { HX_VALIDATE_COMPARISONS = 1000 };

struct hx_comparisons {
    size_t count;
    size_t claims;  /* a difference between two arms that are the same */
    size_t covered; /* intervals that hold what was injected */
    double found[HX_VALIDATE_COMPARISONS], truth[HX_VALIDATE_COMPARISONS]; /* ns a request */
    double base[HX_VALIDATE_COMPARISONS]; /* what NONE has of the loop too, ns a request */
};

/* Slices of NONE, NONE_AGAIN and INJECTED at saturation; what NONE has of the loop too is not
 * counted. False: they cannot be compared. */
bool hx_comparisons_add(struct hx_comparisons *all, const struct hx_slices *slices,
                        hx_estimate_fn *estimate);
/* Of count comparisons so many may go wrong: 17 of 200, otherwise as improbable as that. */
size_t hx_wrong_allowed(size_t count);
void hx_validate_comparisons(const struct hx_comparisons *all, struct hx_validate *table);

/* ---- single measurements --------------------------------------------------------------------- */

/* BATCH and BATCH_INJECTED at saturation; ns a span were asked for. */
void hx_validate_exporter(const struct hx_slices *slices, double ns, struct hx_validate *table);
/* BATCH and BATCH_INJECTED at the held rate. */
void hx_validate_bytes(const struct hx_slices *slices, double bytes, struct hx_validate *table);
/* The report's own words on INJECTED at the held rate; ns were added to a hundredth of the
 * requests. Returns the smallest effect that they tell where nothing was seen, so that it can be
 * put to the test; 0: it was seen, or nothing is told. */
double hx_validate_tail(const json_t *overhead, double ns, struct hx_validate *table);
/* By how much a fiftieth of the requests must be slower for p99 to rise by ns at least. */
double hx_tail_slow_ns(const json_t *overhead, double ns);
/* The report's words on a measurement in which p99 was to rise by twice what was told. */
void hx_validate_told(const json_t *overhead, double told_ns, struct hx_validate *table);
/* report.json "overhead.instructions" with INJECTED. */
void hx_validate_instructions(const json_t *rows, double count, struct hx_validate *table);

#endif
