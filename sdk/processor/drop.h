/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_DROP_H
#define OTL_DROP_H

#include <otel/sdk/processor.h>

/*
 * A span that is not exported: counted under its reason, and told to the program.
 *
 * Threads   any.
 */

/* dropped: a count for each reason, atomic. host may be NULL. */
static inline void otl_drop_span(uint64_t *dropped, const struct otel_sdk_processor_host *host,
                                 const struct otel_sdk_readable_span *span,
                                 enum otel_sdk_drop_reason reason)
{
    const struct otel_span_context *context = otel_sdk_span_context(span);
    struct otel_sdk_drop drop = {reason, 0, context->trace_id, context->span_id, 1};

    __atomic_fetch_add(&dropped[reason], 1, __ATOMIC_RELAXED);
    if (host == NULL || host->drop == NULL)
        return;
    drop.processor = host->index;
    host->drop(host->drop_arg, &drop);
}

#endif
