/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_RATIO_H
#define HX_RATIO_H

#include "harness/verify/facts/facts.h"

/*
 * The ratio rules, implemented a second time, and what they do to a trace together.
 *
 *   go           low 8 bytes, shifted right by one, below ratio * 2^63
 *   java         the low 8 bytes as a signed number, its magnitude below ratio * (2^63 - 1)
 *   dotnet       the low 63 bits of the first 8 bytes below ratio * (2^63 - 1)
 *   cpp          the first 8 bytes as a share of 2^64 not above ratio
 *   js           XOR of the four 32-bit words below ratio * (2^32 - 1); ratio 1 keeps everything
 *   probability  low 7 bytes not below (1 - ratio) * 2^56, rounded to four digits behind the f's
 *
 * Threads   no state.
 */

bool hx_ratio_says(enum hx_ratio_rule rule, double ratio, const uint8_t trace_id[16]);

/* The shares that decide the spans of one trace, each rule's smallest and largest. */
struct hx_ratio_bounds {
    double low[HX_RULES];
    double high[HX_RULES];
};

void hx_ratio_bounds_init(struct hx_ratio_bounds *bounds);
void hx_ratio_bounds_add(struct hx_ratio_bounds *bounds, enum hx_ratio_rule rule, double share);
/* The probability, over random ids, that some of the spans are sampled and some are not. Decisions
 * of one rule are nested, those of two independent (they look at other bits), but for go and java,
 * whose low 8 bytes are the same, and dotnet and cpp with the first 8. */
double hx_ratio_partial(const struct hx_ratio_bounds *bounds);

#endif
