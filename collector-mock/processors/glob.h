/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_GLOB_H
#define COL_PROCESSORS_GLOB_H

#include <stdbool.h>

#include "sdk/base/arena.h"
#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * The patterns of replace_match and replace_all_matches: * is any text, ? any character, \ takes
 * the meaning from what stands behind it, everything else is itself. The whole text has to match.
 *
 * As in the Collector's library, a pattern of a text, * and a text takes texts in which both
 * overlap (ab*ba takes aba), and ? alone takes an empty text, too. Where it is wrong of characters
 * of several bytes (a ? beside them matches too little), this one is right. Its [sets] and
 * {alternatives} are not here.
 *
 * Threads   constant once made.
 * Memory    of the arena.
 * Limits    none of its own; a match takes at most bytes of text x bytes of pattern steps.
 */

struct col_glob;

/* OTEL_ERR_SYNTAX; OTEL_ERR_UNSUPPORTED: what the Collector has and this one does not; text in
 * *reterr. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_glob_new(struct otl_arena *arena, const char *text,
                                         const struct col_glob **ret, struct otl_detail *reterr);
bool col_glob_match(const struct col_glob *glob, struct otl_view text);

#endif
