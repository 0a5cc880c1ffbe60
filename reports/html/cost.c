/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/format.h"
#include "reports/html/parts.h"

static const struct rep_column sdk_columns[] = {
    {"instance", "instance", "name", NULL},
    {"app_cpu_s", "application CPU", "s", NULL},
    {"app_cpu_ns_per_request", "per request", "ns", NULL},
    {"exporter_cpu_s", "exporter CPU", "s", NULL},
    {"exporter_cpu_share", "of all", "share", NULL},
    {"export_cpu_ns_per_span", "export CPU a span", "ns", NULL},
    {"bytes_per_span", "bytes a span", "number", NULL},
    {"requests_per_span", "requests a span", "number", NULL},
    {"export_mean", "export mean", "ns", NULL},
    {"export_max", "export max", "ns", NULL},
    {NULL, NULL, NULL, NULL},
};

static const struct rep_column queue_columns[] = {
    {"instance", "instance", "name", NULL},
    {"sampler", "sampler", "code", NULL},
    {"processor", "processor", "text", NULL},
    {"started", "started", "count", NULL},
    {"exported", "exported", "count", NULL},
    {"drops", "dropped", "text", "warn"},
    {"queue_high_water", "queue high water", "count", NULL},
    {"queue_capacity", "queue size", "count", NULL},
    {"exports", "exports", "count", NULL},
    {"spans_per_export", "spans an export", "number", NULL},
    {"export_bytes", "sent", "bytes", NULL},
    {NULL, NULL, NULL, NULL},
};

static const struct rep_column service_columns[] = {
    {"name", "service", "name", NULL},
    {"instance", "instance", "name", NULL},
    {"incarnation", "start", "start", NULL},
    {"version", "version", "text", NULL},
    {"cpu_s", "CPU", "s", NULL},
    {"app_cpu_s", "application", "s", NULL},
    {"exporter_cpu_s", "exporter", "s", NULL},
    {"rss_anon_bytes", "own memory", "bytes", NULL},
    {"rss_mapped_bytes", "mapped files", "bytes", NULL},
    {"rss_ledger_bytes", "of them ledger", "bytes", NULL},
    {"rss_peak_bytes", "peak of all", "bytes", NULL},
    {"requests", "requests", "count", NULL},
    {"messages", "messages", "count", NULL},
    {"exit", "end", "text", NULL},
    {NULL, NULL, NULL, NULL},
};

static const struct rep_column collector_columns[] = {
    {"requests", "requests", "count", NULL},
    {"accepted", "spans accepted", "count", NULL},
    {"refused", "refused", "count", "warn"},
    {"memory_limited", "by memory_limiter", "count", "warn"},
    {"exported", "exported", "count", NULL},
    {"decode_errors", "decode errors", "count", "bad"},
    {"bytes", "received", "bytes", NULL},
    {"bytes_inflated", "inflated", "bytes", NULL},
    {"cpu_s", "CPU", "s", NULL},
    {"cpu_ns_per_span", "CPU a span", "ns", NULL},
    {"rss_anon_bytes", "own memory", "bytes", NULL},
    {"rss_mapped_bytes", "mapped files", "bytes", NULL},
    {"rss_ledger_bytes", "of them ledger", "bytes", NULL},
    {"rss_peak_bytes", "peak of all", "bytes", NULL},
    {"config", "configuration", "code", NULL},
    {"exit", "end", "text", NULL},
    {NULL, NULL, NULL, NULL},
};

static const struct rep_column agent_columns[] = {
    {"name", "agent", "name", NULL},
    {"requests", "requests", "count", NULL},
    {"accepted", "spans accepted", "count", NULL},
    {"refused", "refused", "count", "warn"},
    {"sent", "passed on", "count", NULL},
    {"retries", "retries", "count", NULL},
    {"drops", "dropped", "text", "bad"},
    {"queue_capacity", "queue size", "count", NULL},
    {"cpu_s", "CPU", "s", NULL},
    {"rss_anon_bytes", "own memory", "bytes", NULL},
    {"rss_mapped_bytes", "mapped files", "bytes", NULL},
    {"rss_ledger_bytes", "of them ledger", "bytes", NULL},
    {"rss_peak_bytes", "peak of all", "bytes", NULL},
    {"config", "configuration", "code", NULL},
    {"exit", "end", "text", NULL},
    {NULL, NULL, NULL, NULL},
};

static const struct rep_column topic_columns[] = {
    {"name", "topic", "code", NULL},
    {"partitions", "partitions", "count", NULL},
    {"messages", "messages", "count", NULL},
    {NULL, NULL, NULL, NULL},
};

/* The export latency is one object in report.json and two columns here. */
static json_t *flattened(const json_t *sdk)
{
    json_t *rows = json_array();

    for (size_t i = 0; rows != NULL && i < json_array_size(sdk); i++) {
        const json_t *row = json_array_get(sdk, i);
        const json_t *latency = rep_get(row, "export_latency");
        json_t *copy = json_copy((json_t *)row);
        if (latency != NULL) {
            json_object_set(copy, "export_mean", json_object_get(latency, "mean_ns"));
            json_object_set(copy, "export_max", json_object_get(latency, "max_ns"));
        }
        json_array_append_new(rows, copy);
    }
    return rows;
}

/* Table of the one object. */
static void put_single(struct rep_out *out, const json_t *object, const struct rep_column *columns)
{
    json_t *rows = json_array();

    if (rows == NULL || json_array_append(rows, (json_t *)object) != 0)
        out->err = out->err ? out->err : OTEL_ERR_MEMORY;
    else
        rep_html_table(out, rows, columns);
    json_decref(rows);
}

static void put_broker(struct rep_out *out, const json_t *broker)
{
    if (broker == NULL)
        return;
    rep_putf(out, "<h3>Broker</h3>\n<p class=\"lead\">%s", rep_str(broker, "kind"));
    if (rep_has(broker, "address")) {
        rep_put(out, " <code>");
        rep_put_html(out, rep_str(broker, "address"));
        rep_put(out, "</code>");
    }
    if (rep_has(broker, "note")) {
        rep_put(out, ": ");
        rep_put_html(out, rep_str(broker, "note"));
    }
    rep_put(out, "</p>\n");
    rep_html_table(out, rep_get(broker, "topics"), topic_columns);
}

void rep_html_cost(struct rep_out *out, const json_t *root)
{
    const json_t *sdk = rep_get(root, "sdk");
    const json_t *collector = rep_get(root, "collector");
    json_t *rows;

    if (json_array_size(sdk) + json_array_size(rep_get(root, "services")) +
            json_object_size(collector) + json_object_size(rep_get(root, "broker")) ==
        0)
        return;
    rows = flattened(sdk);
    rep_html_section(
        out, "cost", "What tracing cost",
        "CPU from the threads' own clocks and the SDK's counters: the application's threads "
        "(with what recording a span costs) and the exporter's thread apart. CPU of a "
        "request holds for this load only. Own memory is the process's anonymous part; its ledger "
        "is mapped and resident whatever the service does.");
    rep_html_table(out, rows, sdk_columns);
    if (json_array_size(sdk) > 0) {
        rep_put(out, "<h3>Queues and exports</h3>\n");
        rep_html_table(out, rows, queue_columns);
    }
    if (json_array_size(rep_get(root, "services")) > 0) {
        rep_put(out, "<h3>Processes</h3>\n");
        rep_html_table(out, rep_get(root, "services"), service_columns);
    }
    if (json_array_size(rep_get(root, "agents")) > 0) {
        rep_put(out, "<h3>Agents</h3>\n<p class=\"lead\">Collectors between services and the "
                     "recording one.</p>\n");
        rep_html_table(out, rep_get(root, "agents"), agent_columns);
    }
    if (json_object_size(collector) > 0) {
        rep_put(out, "<h3>Collector</h3>\n");
        put_single(out, collector, collector_columns);
    }
    put_broker(out, rep_get(root, "broker"));
    rep_html_section_end(out);
    json_decref(rows);
}
