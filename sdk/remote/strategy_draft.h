/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_STRATEGY_DRAFT_H
#define OTL_STRATEGY_DRAFT_H

#include "sdk/remote/strategy.h"

/*
 * What has been read of an answer so far, for its readers: of JSON and of protocol buffers.
 *
 * Life      init -> set the members, add operations -> finish -> fini.
 * Threads   one owner.
 * Memory    operations and names grow on the heap; finish takes the names.
 * Limits    OTEL_SDK_REMOTE_MAX_OPERATIONS, 1 MiB of names.
 */

#define OTL_STRATEGY_MOST_A_SECOND 1e9

enum otl_strategy_kind { OTL_STRATEGY_SHARE, OTL_STRATEGY_RATE, OTL_STRATEGY_OPERATIONS };

struct otl_draft_operation {
    size_t at, len; /* of its name in names */
    double share;
};

struct otl_strategy_draft {
    enum otl_strategy_kind kind;
    double share;                /* SHARE; all shares are in [0, 1] */
    double rate;                 /* RATE: traces a second */
    double default_share, least; /* OPERATIONS: of the others; a second, of each */
    struct otl_draft_operation *operations;
    size_t count, room;
    struct otl_buf names;
};

void otl_draft_init(struct otl_strategy_draft *draft);
void otl_draft_fini(struct otl_strategy_draft *draft);
/* One more operation, all zero; valid until the next. OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_draft_add(struct otl_strategy_draft *draft,
                                          struct otl_draft_operation **ret);
OTEL_MUST_USE enum otel_err otl_draft_finish(struct otl_strategy_draft *draft,
                                             struct otl_strategy **ret);

#endif
