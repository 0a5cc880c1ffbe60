/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SAMPLING_H
#define HX_SAMPLING_H

#include "harness/verify/judge/judge.h"

/*
 * Whether each decision was the one that the sampler's rule (ratio.h) or the parent's flag gives.
 */

enum hx_parent_says { HX_PARENT_NONE, HX_PARENT_YES, HX_PARENT_NO, HX_PARENT_UNKNOWN };

/* From the raw header that came in, or from the local parent's flag. */
enum hx_parent_says hx_parent_says(const struct hx_facts *facts, const struct hx_fact_span *span);

#endif
