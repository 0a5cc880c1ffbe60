/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SAMPLING_H
#define HX_SAMPLING_H

#include "harness/verify/judge/judge.h"

/*
 * The sampling rules, implemented a second time.
 */

/* traceidratio as Go and Rust have it: the low 8 bytes, big-endian, shifted right by one, below
 * ratio * 2^63. */
bool hx_ratio_says(double ratio, const uint8_t trace_id[16]);

enum hx_parent_says { HX_PARENT_NONE, HX_PARENT_YES, HX_PARENT_NO, HX_PARENT_UNKNOWN };

/* From the raw header that came in, or from the local parent's flag. */
enum hx_parent_says hx_parent_says(const struct hx_facts *facts, const struct hx_fact_span *span);

#endif
