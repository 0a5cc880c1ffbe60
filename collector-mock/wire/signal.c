/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/signal.h"

#include "collector-mock/wire/logs.h"
#include "collector-mock/wire/metrics.h"
#include "collector-mock/wire/parse.h"

const char *col_signal_name(enum col_signal signal)
{
    static const char *const names[COL_SIGNALS] = {"traces", "metrics", "logs"};

    return names[signal];
}

const char *col_signal_items(enum col_signal signal)
{
    static const char *const names[COL_SIGNALS] = {"spans", "metric_points", "log_records"};

    return names[signal];
}

bool col_items_next(struct col_traces *items, struct col_item *ret)
{
    struct col_metric metric;

    if (!col_member_next(items, &ret->raw))
        return false;
    ret->count = 1;
    if (items->signal == COL_METRICS) {
        col_metric_split(ret->raw, &metric);
        ret->count = metric.points.count;
    }
    ret->resource = &items->resource;
    ret->scope = &items->scope;
    return true;
}

enum otel_err col_request_check(enum col_signal signal, struct otl_view request,
                                uint64_t *ret_count, struct otl_detail *reterr)
{
    struct col_metric metric;
    struct col_traces items;
    struct col_log log;
    uint64_t count = 0;

    if (signal == COL_TRACES)
        return col_traces_check(request, ret_count, reterr);
    col_items_init(&items, signal, request);
    if (signal == COL_METRICS)
        while (col_metrics_next(&items, &metric))
            count += metric.points.count;
    else
        while (col_logs_next(&items, &log))
            count++;
    if (items.fault.why != NULL)
        return col_traces_error(&items, reterr);
    *ret_count = count;
    return OTEL_OK;
}
