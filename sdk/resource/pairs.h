/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_PAIRS_H
#define OTL_PAIRS_H

#include <stdbool.h>

#include <otel/err.h>

#include "sdk/base/buf.h"

/*
 * "key=value,key=value" as OTEL_RESOURCE_ATTRIBUTES and OTEL_EXPORTER_OTLP_HEADERS have it, and
 * OTEL_ENTITIES within its brackets.
 *
 * Blanks around keys and values go away, empty members are passed over, the first '=' splits.
 * Both sides are percent-decoded.
 *
 * Life      init -> next... ; decoded is the caller's buffer and holds what ret points at until
 *           the following next.
 * Threads   no state but the caller's.
 */

struct otl_pairs {
    struct otl_view rest;
    struct otl_buf *decoded;
};

void otl_pairs_init(struct otl_pairs *pairs, const char *text, struct otl_buf *decoded);
void otl_pairs_init_view(struct otl_pairs *pairs, struct otl_view text, struct otl_buf *decoded);

/* False: the end. Otherwise *ret_err is OTEL_OK and key and value are set, or OTEL_ERR_SYNTAX (no
 * '=', no key, a '%' without two digits), OTEL_ERR_LIMIT, OTEL_ERR_MEMORY for this pair. */
bool otl_pairs_next(struct otl_pairs *pairs, enum otel_err *ret_err, struct otl_view *ret_key,
                    struct otl_view *ret_value);

/* Without blanks and tabs at its ends. */
struct otl_view otl_pairs_trim(struct otl_view text);

#endif
