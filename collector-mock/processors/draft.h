/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_DRAFT_H
#define COL_PROCESSORS_DRAFT_H

#include "collector-mock/processors/condition_tree.h"
#include "collector-mock/processors/edit.h"
#include "collector-mock/processors/statement.h"

/* Changes to the span or resource of a draft: the message is written anew and read again, so that
 * what is read next is what was written. OTEL_ERR_MEMORY, OTEL_ERR_LIMIT. */

/* OTEL_ERR_ARGUMENT: the value is not of the kind that the target has. */
OTEL_MUST_USE enum otel_err col_draft_set(const struct col_draft *draft,
                                          const struct col_term *target,
                                          const struct col_value *value);
OTEL_MUST_USE enum otel_err col_draft_open(const struct col_draft *draft, bool of_resource,
                                           struct col_attributes *ret);
OTEL_MUST_USE enum otel_err col_draft_close(const struct col_draft *draft, bool of_resource,
                                            const struct col_attributes *attributes);

#endif
