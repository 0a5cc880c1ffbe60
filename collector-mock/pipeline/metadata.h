/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PIPELINE_METADATA_H
#define COL_PIPELINE_METADATA_H

#include "collector-mock/pipeline/component.h"

/*
 * What the client of the batch at hand said of itself: the headers of its request, where the
 * receiver is told to keep them (include_metadata).
 *
 * Current in the host for the duration of consume, like a ticket; behind a batch processor only
 * its metadata_keys are there. Of a header that came several times, the first one.
 */

struct col_metadata {
    struct otl_view (*get)(const void *from, const char *name); /* name in lower case */
    const void *from;
};

/* Empty: it did not say. */
static inline struct otl_view col_metadata_get(const struct col_host *host, const char *name)
{
    return host->metadata != NULL ? host->metadata->get(host->metadata->from, name)
                                  : otl_view("", 0);
}

#endif
