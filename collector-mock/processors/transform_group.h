/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_TRANSFORM_GROUP_H
#define COL_PROCESSORS_TRANSFORM_GROUP_H

#include "collector-mock/processors/groups.h"
#include "collector-mock/processors/rewrite.h"
#include "collector-mock/processors/statement.h"

/*
 * The statements of one context over a whole request: on every resource, scope, span, event, log
 * record, metric or data point in it, in their order. Between transform.c, which reads groups, and
 * statement.h, which runs them on one thing.
 *
 * Groups without items are passed over, and left out where anything is changed.
 */

struct col_transform_group {
    struct col_statements *statements;
    enum col_condition_on on;
    enum col_signal signal;
    struct col_error_mode mode;
};

/* batch->request becomes what comes out, in the arena of rewrite if anything is changed. *failed
 * is counted up by the statements that failed. */
OTEL_MUST_USE enum otel_err col_transform_group_run(const struct col_transform_group *group,
                                                    struct col_rewrite *rewrite,
                                                    struct col_batch *batch, uint64_t *failed);

#endif
