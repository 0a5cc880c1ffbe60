/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_WIRE_LOGS_H
#define COL_WIRE_LOGS_H

#include "collector-mock/wire/signal.h"

/*
 * Reads an OTLP ExportLogsServiceRequest in place; all that traces.h says holds here, too.
 *
 *     struct col_traces logs;
 *     struct col_log log;
 *     col_items_init(&logs, COL_LOGS, request);
 *     while (col_logs_next(&logs, &log))
 *         ...
 *     if (col_traces_error(&logs, &detail) != OTEL_OK)
 *         ...
 */

struct col_log {
    struct otl_view raw; /* the LogRecord message */
    uint64_t time_unix_nano;
    uint64_t observed_time_unix_nano;
    int32_t severity_number;
    struct otl_view severity_text;
    struct otl_view body; /* an AnyValue message: col_value_split */
    bool has_body;
    struct col_list attributes;
    uint32_t dropped_attributes_count;
    uint32_t flags;
    uint8_t trace_id[16]; /* zero when absent */
    uint8_t span_id[8];
    struct otl_view event_name;
    const struct col_resource *resource;
    const struct col_scope *scope;
};

/* The next record, checked whole; false at the end and at the first fault. */
bool col_logs_next(struct col_traces *logs, struct col_log *ret);
/* The same of a message that was checked before; resource and scope are NULL. */
void col_log_split(struct otl_view raw, struct col_log *ret);

#endif
