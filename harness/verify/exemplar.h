/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_EXEMPLAR_H
#define HX_EXEMPLAR_H

#include <jansson.h>

#include "harness/verify/judge/judge.h"

/*
 * Traces worth looking at: the slowest whole one, one that fails, one as most are.
 *
 * Limits    HX_EXEMPLAR_SPANS spans of a trace are shown.
 */

enum { HX_EXEMPLAR_SPANS = 200 };

/* The report's "exemplar_traces"; NULL: no memory. */
json_t *hx_exemplars_json(const struct hx_judgement *j);

#endif
