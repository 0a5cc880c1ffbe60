/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_PARSED_H
#define COL_PROCESSORS_PARSED_H

#include "collector-mock/processors/edit.h"

/*
 * What a text of the data says, as a value: ParseJSON. Any bytes.
 *
 * Threads   no state.
 * Memory    the value stands in the arena.
 * Limits    texts of 1 MiB, nested 100 deep, where the Collector has none.
 */

/* An object is a map, and all numbers are doubles, as upstream. OTEL_ERR_ARGUMENT: it is neither
 * an object nor a list, or above the limits. OTEL_ERR_MEMORY, OTEL_ERR_LIMIT. */
OTEL_MUST_USE enum otel_err col_parsed_json(struct otl_arena *arena, struct otl_view text,
                                            struct col_value *ret);

#endif
