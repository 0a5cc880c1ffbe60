/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TAIL_BEFORE_STATEMENT_H
#define HX_TAIL_BEFORE_STATEMENT_H

#include "harness/verify/tail/before.h"
#include "harness/verify/tail/ottl_walk.h"

/* Between before_statements.c, which walks groups of statements, before_function.c, which does
 * what one says, and before_target.c, which knows what can be set. */

struct hx_statement {
    struct hx_walk walk;
    struct hx_draft *draft;
    struct hx_before *before;
    bool dry;    /* only looked through */
    bool strict; /* one that fails takes the request with it */
    /* Of the group so far, as sets of 1 << where: what is read and written, and what is written by
     * what stands deeper. */
    unsigned reads, writes, mixed, gate_reads;
};

struct hx_field;

struct hx_target {
    const struct hx_field *field; /* NULL: attributes */
    enum hx_tail_where where;
    bool keyed;
    char key[256];
};

/* A path that can be set, and its key, if it has one. */
bool hx_target_at(struct hx_statement *s, struct hx_target *ret);
/* The value that stands next is of a kind that it takes, whatever it is. */
bool hx_target_takes_next(struct hx_statement *s, const struct hx_target *target);
/* Nothing sets nothing; nor does a value of another kind. */
void hx_target_set(struct hx_statement *s, const struct hx_target *target,
                   const struct hx_tail_value *value);

/* One statement where s->walk is at; false: it is not understood. */
bool hx_statement_run(struct hx_statement *s, const char *text);

/* The text with each match of the pattern replaced, as Go does; false: there is none. */
bool hx_draft_replace(struct hx_draft *draft, const void *pattern, struct otl_view text,
                      struct otl_view with, struct otl_view *ret);

/* The pattern of replace_match: * is any text, ? any character, the whole text has to match. */
enum hx_glob_answer { HX_GLOB_NO, HX_GLOB_YES, HX_GLOB_UNSURE };
/* It has no sets and alternatives, and no character that the Collector refuses. */
bool hx_glob_is_known(struct otl_view glob);
/* Unsure: ? beside characters of several bytes, where the Collector's library goes wrong. A glob
 * that is known, below 1,024 bytes. */
enum hx_glob_answer hx_glob_answer(struct otl_view glob, struct otl_view text);

#endif
