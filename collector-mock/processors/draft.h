/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_DRAFT_H
#define COL_PROCESSORS_DRAFT_H

#include "collector-mock/processors/condition_tree.h"
#include "collector-mock/processors/statement.h"

/* Changes to what a draft holds: the message is written anew and read again, so that what is read
 * next is what was written. OTEL_ERR_MEMORY, OTEL_ERR_LIMIT. */

/* OTEL_ERR_ARGUMENT: the value is not of the kind that the target has. What a metric or point of
 * this kind does not have is not set. */
OTEL_MUST_USE enum otel_err col_draft_set(const struct col_draft *draft,
                                          const struct col_term *target,
                                          const struct col_value *value,
                                          enum col_value_type type);
/* The attributes that the path of a map names. */
OTEL_MUST_USE enum otel_err col_draft_open(const struct col_draft *draft,
                                           const struct col_path *map,
                                           struct col_attributes *ret);
OTEL_MUST_USE enum otel_err col_draft_close(const struct col_draft *draft,
                                            const struct col_path *map,
                                            const struct col_attributes *attributes);

#endif
