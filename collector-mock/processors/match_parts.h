/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_MATCH_PARTS_H
#define COL_PROCESSORS_MATCH_PARTS_H

#include "collector-mock/processors/match.h"
#include "collector-mock/processors/tail/patterns.h"
#include "sdk/base/arena.h"

/* What match_settings.c reads and match.c asks; nobody else. */

/* A text that has to be one of a list, or to match one of it. */
struct col_match_texts {
    const json_t *list; /* strict */
    struct col_patterns *patterns;
    bool any;
};

struct col_match_pair {
    const char *key;
    const json_t *value; /* NULL: any */
    struct otl_view bytes;
    struct col_match_texts texts;  /* regexp */
};

struct col_match_pairs {
    struct col_match_pair *list;
    size_t count;
};

struct col_match_library {
    struct col_match_texts name, version;
};

/* A record's number is at least this, or there is none and that is enough. */
struct col_match_severity {
    bool asked, undefined;
    int32_t least;
};

struct col_match_properties {
    bool regexp;
    bool either; /* the name or the resource is enough */
    struct col_match_texts services, names, kinds, bodies, severities;
    struct col_match_severity severity;
    struct col_match_pairs attributes, resources;
    struct col_match_library *libraries;
    size_t library_count;
};

struct col_match {
    struct col_match_properties *include, *exclude; /* NULL: none */
    struct otl_arena arena;
};

extern const char *const col_match_kind_names[]; /* by their numbers */

#endif
