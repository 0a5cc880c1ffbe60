/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PIPELINE_HEADER_H
#define COL_PIPELINE_HEADER_H

#include <stdbool.h>

/*
 * Headers of HTTP and gRPC that a configuration names: of requests (headers of an exporter) and of
 * answers (response_headers of a receiver).
 *
 * Threads   no state.
 */

/* Whether the name is a token and not one of own, whatever its case (which end with NULL: what is
 * said by the protocol itself), and the value has no control characters, which would end the line
 * or the message. */
bool col_header_may_be_set(const char *name, const char *value, const char *const *own);

#endif
