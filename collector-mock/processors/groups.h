/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_GROUPS_H
#define COL_PROCESSORS_GROUPS_H

#include "collector-mock/pipeline/component.h"
#include "collector-mock/processors/path.h"

/*
 * The lists of transform and filter that hold groups of statements or conditions: maps that say
 * their context or leave that to their paths, or texts alone, which are one group.
 *
 * A text that lenient mode has left out is null.
 *
 * Threads   no state.
 */

struct col_group_list {
    const char *key; /* "log_statements" */
    enum col_signal signal;
    const char *texts; /* what a text of the list is, and the key of a group's: "statements" */
};

/* A group as it stands in the configuration: texts from first on are its own. */
struct col_group {
    const struct col_group_list *list;
    const json_t *conditions; /* of statements; NULL: none */
    const json_t *texts;
    size_t first;
    enum col_condition_on on;
    bool named;             /* its paths say the context */
    const char *error_mode; /* NULL: that of the processor */
};

/* What is done with one; an error ends it. */
typedef enum otel_err col_group_fn(void *arg, const struct col_group *group,
                                   struct otl_detail *reterr);

/* The row of a schema for such a list, whose groups have this key for their texts. */
extern const struct otl_schema col_statement_groups[], col_condition_groups[];

/* OTEL_ERR_SYNTAX: a context that is not of the signal or told by nothing, or texts and groups in a
 * mixture. */
OTEL_MUST_USE enum otel_err col_groups_read(const struct col_create *create,
                                            const struct col_group_list *list, col_group_fn *take,
                                            void *arg, struct otl_detail *reterr);

/* What is said of a text that cannot be read, at its place: err as it came. */
enum otel_err col_groups_error(const struct col_create *create, const json_t *list, size_t index,
                               enum otel_err err, const struct otl_detail *why,
                               struct otl_detail *reterr);

/* Whether statements and conditions that fail go on: of a group, else of the processor. */
struct col_error_mode {
    bool go_on, silent;
};
extern const char *const col_error_modes[];
struct col_error_mode col_error_mode_of(const struct col_create *create, const char *of_group);

#endif
