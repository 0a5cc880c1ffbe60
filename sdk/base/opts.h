/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_OPTS_H
#define OTL_OPTS_H

#include <stdbool.h>
#include <stddef.h>

#include "sdk/base/detail.h"

/*
 * Command line options of the programs: one table row each.
 *
 * "--name value" and "--name=value"; "--" ends the options; options and arguments may mix; an
 * unknown option is an error that names the nearest one.
 *
 * Threads   no state.
 * Memory    values are borrowed from argv.
 */

enum otl_opt_kind {
    OTL_OPT_FLAG, /* bool *: set to true */
    OTL_OPT_TEXT, /* const char **: the last one wins */
    OTL_OPT_LIST  /* struct otl_opt_list *: every one, in order */
};

enum { OTL_OPT_LIST_MAX = 64 };

struct otl_opt_list {
    const char *items[OTL_OPT_LIST_MAX];
    size_t count;
};

struct otl_opt {
    const char *name;  /* without the dashes; a NULL name ends the table */
    const char *value; /* the word that --help prints for the value; NULL for a flag */
    const char *help;  /* NULL = not listed by --help */
    enum otl_opt_kind kind;
    void *target;
};

/* Parse argv[1..argc). Arguments that are no options go to arguments (may be NULL: then one is an
 * error). OTEL_ERR_ARGUMENT with *reterr filled: unknown option, missing or unwanted value. */
OTEL_MUST_USE enum otel_err otl_opts_parse(const struct otl_opt *table, int argc, char **argv,
                                           struct otl_opt_list *arguments,
                                           struct otl_detail *reterr);
/* Two columns on stdout. */
void otl_opts_help(const struct otl_opt *table);

#endif
