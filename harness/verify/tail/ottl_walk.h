/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TAIL_OTTL_WALK_H
#define HX_TAIL_OTTL_WALK_H

#include "harness/verify/tail/rules.h"

/* Between ottl.c, which walks conditions, and before_statements.c, which walks statements. */

enum { HX_WALK_TEXT_MAX = 1024 };

struct hx_walk {
    struct hx_ottl *ottl;
    const struct hx_tail_span *span;
    const char *at;
    int event; /* -1: none */
    int depth;
    bool of_resource; /* attributes are the resource's */
    bool wrong;
    char texts[2][HX_WALK_TEXT_MAX]; /* of the two sides of a comparison */
};

/* A word or a mark, blanks before it stepped over. */
bool hx_walk_eat(struct hx_walk *w, const char *what);
bool hx_walk_prefix(struct hx_walk *w, const char *what);
struct otl_view hx_walk_quoted(struct hx_walk *w, int side);
struct hx_tail_value hx_walk_value(struct hx_walk *w, int side);
bool hx_walk_any_of(struct hx_walk *w);
bool hx_walk_ended(struct hx_walk *w);

#endif
