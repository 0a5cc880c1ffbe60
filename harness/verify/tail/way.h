/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TAIL_WAY_H
#define HX_TAIL_WAY_H

#include <stdbool.h>

#include <jansson.h>

#include "sdk/base/detail.h"

/* How spans come to tail_sampling through the pipelines of a configuration, and what stands behind
 * it. */

/* "type" or "type/name". */
bool hx_way_is(const char *id, const char *type);
bool hx_way_names(const json_t *list, const char *wanted);

struct hx_way {
    json_t *before; /* ids of the processors before it, from the receivers on; for the caller */
    bool forks;     /* others get the same spans before it: a bad answer may be theirs */
};

/* The way to the processor in this pipeline, also through forward connectors. *ret is always
 * filled. OTEL_ERR_UNSUPPORTED: not all received spans come to it, or some by other ways. */
OTEL_MUST_USE enum otel_err hx_way_to(const json_t *config, const json_t *pipeline,
                                      const char *processor, struct hx_way *ret,
                                      struct otl_detail *reterr);

/* The first processor behind it in this pipeline that may drop spans or give them to other traces;
 * NULL: there is none. old_errors: transform's error_mode is propagate by itself. */
const char *hx_way_obstacle(const json_t *config, const json_t *pipeline, const char *processor,
                            bool old_errors);

#endif
