/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_REGEX_H
#define COL_PROCESSORS_REGEX_H

#include <stdbool.h>

#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * One regular expression whose groups are wanted. To ask only whether one of many matches, see
 * tail/patterns.h; dialect and bounds are the same.
 *
 * Life      new -> match / replace... -> free.
 * Threads   one owner.
 * Limits    32 groups.
 */

struct col_regex;

enum { COL_REGEX_GROUPS = 32 };

/* OTEL_ERR_SYNTAX: text in *reterr says where; OTEL_ERR_LIMIT; OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_regex_new(const char *text, struct col_regex **ret,
                                          struct otl_detail *reterr);
void col_regex_free(struct col_regex *regex); /* may be NULL */
unsigned col_regex_groups(const struct col_regex *regex); /* without the whole match */
/* The name of a group, from 1; NULL: it has none. */
const char *col_regex_name(const struct col_regex *regex, unsigned group);
/* ret[0]: the whole match, then the groups; those that took no part are empty. */
bool col_regex_match(struct col_regex *regex, struct otl_view text,
                     struct otl_view ret[COL_REGEX_GROUPS]);
/* Append text with every match replaced; $1, ${1}, ${name} and $$ in with are what Go has them
 * for. *ret_any: there was one. */
OTEL_MUST_USE enum otel_err col_regex_replace(struct col_regex *regex, struct otl_view text,
                                              struct otl_view with, struct otl_buf *out,
                                              bool *ret_any);

#endif
