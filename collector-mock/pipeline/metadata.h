/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PIPELINE_METADATA_H
#define COL_PIPELINE_METADATA_H

#include "collector-mock/pipeline/component.h"

/*
 * What is known of the client of the batch at hand: its address, what a guard has granted it for,
 * and the headers of its request, where the receiver is told to keep them (include_metadata).
 *
 * Current in the host for the duration of consume, like a ticket; behind a batch processor only
 * its metadata_keys are there.
 */

struct col_metadata {
    /* The index'th value (0: the first) of a header, its name in lower case; data is NULL: there is
     * none. NULL: none is kept. */
    struct otl_view (*get)(const void *from, const char *name, size_t index);
    /* "127.0.0.1"; false: it cannot be told. NULL: it is forgotten. */
    bool (*address)(const void *from, char *out, size_t size);
    const void *from;
    struct otl_view credentials; /* by basicauth: base 64 of USER:PASSWORD; empty: none */
};

/* data is NULL: it did not say. */
static inline struct otl_view col_metadata_get(const struct col_host *host, const char *name,
                                               size_t index)
{
    return host->metadata != NULL && host->metadata->get != NULL
               ? host->metadata->get(host->metadata->from, name, index)
               : otl_view(NULL, 0);
}

#endif
