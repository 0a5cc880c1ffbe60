/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_TAIL_PATTERNS_H
#define COL_PROCESSORS_TAIL_PATTERNS_H

#include <stdbool.h>

#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * Regular expressions, asked together: does any of them match somewhere in a text?
 *
 * The dialect is PCRE2's, which reads what people write for Go (RE2) alike, but for a few escapes.
 * Matching is bounded; a text that exceeds the bound does not match.
 *
 * Life      new -> add... -> match... -> free.
 * Threads   one owner: answers are remembered.
 * Limits    cache texts are remembered, by a 64-bit hash with a seed of the process.
 */

struct col_patterns;

/* cache 0: nothing is remembered. */
OTEL_MUST_USE enum otel_err col_patterns_new(uint32_t cache, struct col_patterns **ret);
/* OTEL_ERR_SYNTAX: text in *reterr says where; OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_patterns_add(struct col_patterns *patterns, struct otl_view text,
                                             struct otl_detail *reterr);
bool col_patterns_match(struct col_patterns *patterns, struct otl_view text);
void col_patterns_free(struct col_patterns *patterns); /* may be NULL */

#endif
