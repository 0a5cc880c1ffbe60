/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_REPLACE_H
#define COL_PROCESSORS_REPLACE_H

#include "collector-mock/processors/edit.h"
#include "collector-mock/processors/glob.h"
#include "collector-mock/processors/regex.h"

/*
 * What the functions replace_... of the transformation language do with a text, with the values of
 * a map that are texts, and with its keys.
 *
 * Threads   one owner: a regular expression is not for two at once.
 * Limits    a text of 16 MiB.
 */

struct col_replacing {
    struct col_regex *regex;     /* each of its matches becomes with, or */
    const struct col_glob *glob; /* the whole of a text that matches does */
    const char *with;
};

/* *ret_any: it matched, and *ret is the text now, in the arena or with itself. */
OTEL_MUST_USE enum otel_err col_replace_text(const struct col_replacing *replacing,
                                             struct otl_arena *arena, struct otl_view text,
                                             struct otl_view *ret, bool *ret_any);
OTEL_MUST_USE enum otel_err col_replace_values(const struct col_replacing *replacing,
                                               struct col_attributes *map);
/* Of keys that become one, the last value is left where the first was. */
OTEL_MUST_USE enum otel_err col_replace_keys(const struct col_replacing *replacing,
                                             struct col_attributes *map);

#endif
