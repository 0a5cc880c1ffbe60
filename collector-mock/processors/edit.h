/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_EDIT_H
#define COL_PROCESSORS_EDIT_H

#include "collector-mock/wire/traces.h"

/*
 * Changes to encoded messages: what is not changed is copied as the bytes it is.
 *
 * Not for data that was not checked: messages come from col_traces_next().
 *
 * Threads   no state.
 * Memory    out is the caller's; it is appended to.
 */

/* Numbers of the fields of a Span, below 16. */
enum col_span_field {
    COL_SPAN_TRACE_STATE = 3,
    COL_SPAN_NAME = 5,
    COL_SPAN_KIND = 6,
    COL_SPAN_ATTRIBUTES = 9,
    COL_SPAN_EVENTS = 11,
    COL_SPAN_STATUS = 15
};

/* The message without the fields whose bits (1 << number) are in without; field numbers of 32 and
 * more stay. OTEL_ERR_MEMORY, OTEL_ERR_LIMIT. */
OTEL_MUST_USE enum otel_err col_edit_copy(struct otl_buf *out, struct otl_view raw,
                                          uint32_t without);

#endif
