/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TAIL_OTTL_WALK_H
#define HX_TAIL_OTTL_WALK_H

#include "harness/verify/tail/rules.h"

/* Between ottl.c, which walks conditions, ottl_value.c and ottl_number.c, which walk values, and
 * those that walk statements and filters with them. */

enum { HX_WALK_TEXT_MAX = 1024, HX_WALK_SCRATCH = 64 };

enum { HX_OTTL_PATTERNS = 64 };

struct hx_ottl {
    const json_t *on_span, *on_event;
    struct {
        const char *at; /* where it stands */
        void *pattern;
    } patterns[HX_OTTL_PATTERNS];
    size_t pattern_count;
    bool unsure; /* a value was met whose text is not known here */
};

struct hx_walk {
    struct hx_ottl *ottl;
    const struct hx_tail_span *span;
    const char *at;
    enum hx_tail_where context; /* whose paths stand without a name before them */
    unsigned event;             /* in the context EVENT */
    int depth;
    unsigned saw; /* 1 << where: what was read; whoever wants to know clears it */
    bool wrong;
    bool failed; /* a value could not be calculated; whoever wants to know clears it */
    char texts[2][HX_WALK_TEXT_MAX]; /* of the two sides of a comparison */
};

/* A word or a mark, blanks before it stepped over. */
bool hx_walk_eat(struct hx_walk *w, const char *what);
void hx_walk_must(struct hx_walk *w, const char *what);
bool hx_walk_prefix(struct hx_walk *w, const char *what);
struct otl_view hx_walk_quoted(struct hx_walk *w, int side);
/* "resource." and the like, or the context. */
enum hx_tail_where hx_walk_where(struct hx_walk *w);
struct hx_tail_value hx_walk_value(struct hx_walk *w, int side);
/* One without signs, + - * / and Int and Double of its own. */
struct hx_tail_value hx_walk_single(struct hx_walk *w, int side);
/* The parentheses that stand next hold a value, no condition. */
bool hx_walk_is_calculated(const struct hx_walk *w);
/* The pattern of the text that stands at at; compiled once. NULL: it does not compile. */
const void *hx_walk_pattern(struct hx_walk *w, const char *at, const char *text);
/* As it is written; false: nothing, or nobody knows how this is written (then it is unsure). */
bool hx_walk_text(struct hx_walk *w, const struct hx_tail_value *value,
                  char scratch[HX_WALK_SCRATCH], struct otl_view *ret);
/* *ret_failed: it neither holds nor does not. */
bool hx_walk_any_of(struct hx_walk *w, bool *ret_failed);
bool hx_walk_ended(struct hx_walk *w);

/* The names of kinds, as kind.string has them. */
extern const char *const hx_walk_kinds[6];

#endif
