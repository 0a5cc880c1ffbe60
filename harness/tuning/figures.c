/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/tuning/figures.h"

#include <string.h>

#include "harness/stats/summary.h"
#include "sdk/base/mem.h"

const struct hx_tuning_figure hx_tuning_figures[] = {
    {"started", "spans started", "count", "spans"},
    {"dropped", "spans dropped", "count", "dropped"},
    {"dropped_share", "share of spans dropped", "share", "of all"},
    {"app_cpu_ns_per_span", "application CPU a span, requests' work included", "ns", "app/span"},
    {"exporter_cpu_ns_per_span", "exporter thread's CPU a span exported", "ns", "export/span"},
    {"export_requests", "export requests", "count", "exports"},
    {"export_bytes", "bytes on the wire", "bytes", "sent"},
    {"bytes_per_span", "bytes on the wire a span", "bytes", "bytes/span"},
    {"queue_high_water", "most spans in a queue", "count", "queue"},
    {"request_p50_ns", "request p50", "ns", "p50"},
    {"request_p99_ns", "request p99", "ns", "p99"},
    {HX_TUNING_ADDED_P99, "what tracing adds to the p99 of requests", "ns", "added p99"},
    {HX_TUNING_P99_NOISE, "by how much it differs between runs without tracing", "ns", "p99 noise"},
    {"send_lag_p99_ns", "lateness of the load itself, p99", "ns", "lateness"},
    {"rate_achieved", "requests a second achieved", "1/s", "achieved"},
    {"errors", "requests failed", "count", "errors"},
    {NULL, NULL, NULL, NULL},
};

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void put(json_t *object, const char *key, double value)
{
    json_object_set_new(object, key, json_real(value));
}

static double sum_of(const json_t *map)
{
    const char *key;
    json_t *value;
    double sum = 0;

    json_object_foreach((json_t *)map, key, value)
        sum += json_number_value(value);
    return sum;
}

json_t *hx_tuning_drops_of(const json_t *report)
{
    json_t *drops = json_object(), *row, *value;
    const char *reason;
    size_t index;

    json_array_foreach(json_object_get(report, "sdk"), index, row) {
        json_object_foreach(json_object_get(row, "drops"), reason, value)
            json_object_set_new(drops, reason,
                                json_integer((json_int_t)number(drops, reason) +
                                             json_integer_value(value)));
    }
    return drops;
}

static void put_sdk(json_t *figures, const json_t *report)
{
    double started = 0, exported = 0, app = 0, exporter = 0, exports = 0, bytes = 0, high = 0;
    double dropped = 0;
    size_t index;
    json_t *row;

    json_array_foreach(json_object_get(report, "sdk"), index, row) {
        started += number(row, "started");
        exported += number(row, "exported");
        app += number(row, "app_cpu_s") * 1e9;
        exporter += number(row, "exporter_cpu_s") * 1e9;
        exports += number(row, "exports");
        bytes += number(row, "export_bytes");
        dropped += sum_of(json_object_get(row, "drops"));
        if (number(row, "queue_high_water") > high)
            high = number(row, "queue_high_water");
    }
    put(figures, "started", started);
    put(figures, "dropped", dropped);
    put(figures, "export_requests", exports);
    put(figures, "export_bytes", bytes);
    put(figures, "queue_high_water", high);
    if (started > 0) {
        put(figures, "dropped_share", dropped / started);
        put(figures, "app_cpu_ns_per_span", app / started);
    }
    if (exported > 0) {
        put(figures, "exporter_cpu_ns_per_span", exporter / exported);
        put(figures, "bytes_per_span", bytes / exported);
    }
}

json_t *hx_tuning_figures_of(const json_t *report)
{
    const json_t *load = json_object_get(report, "load");
    const json_t *latency = json_object_get(load, "latency");
    const json_t *send_lag = json_object_get(load, "send_lag");
    json_t *figures = json_object();

    if (figures == NULL)
        return NULL;
    put_sdk(figures, report);
    if (json_object_get(latency, "p50") != NULL) /* left out where too few can tell it */
        put(figures, "request_p50_ns", number(latency, "p50"));
    if (json_object_get(latency, "p99") != NULL)
        put(figures, "request_p99_ns", number(latency, "p99"));
    if (json_object_get(send_lag, "p99") != NULL)
        put(figures, "send_lag_p99_ns", number(send_lag, "p99"));
    put(figures, "rate_achieved", number(load, "rate_achieved"));
    put(figures, "errors", sum_of(json_object_get(load, "errors")));
    return figures;
}

json_t *hx_tuning_median(const json_t *figures)
{
    size_t size = json_array_size(figures), index;
    double *values = otl_mem_alloc((size ? size : 1) * sizeof(*values));
    json_t *medians = json_object(), *row;

    for (const struct hx_tuning_figure *f = hx_tuning_figures; values && f->key; f++) {
        size_t count = 0;
        json_array_foreach(figures, index, row)
            if (json_object_get(row, f->key) != NULL)
                values[count++] = number(row, f->key);
        hx_sort_doubles(values, count);
        if (count > 0)
            put(medians, f->key, hx_median(values, count));
    }
    otl_mem_free(values);
    return medians;
}
