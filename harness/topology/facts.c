/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/topology/facts.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "harness/cli/version.h"
#include "harness/stats/prom.h"
#include "harness/topology/parts.h"
#include "sdk/base/file.h"

const char *hx_utc_format(uint64_t wall_ns, bool compact, char *out, size_t size)
{
    time_t seconds = (time_t)(wall_ns / OTL_NS_PER_S);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    if (compact)
        strftime(out, size, "%Y%m%dT%H%M%SZ", &utc);
    else if (strftime(out, size, "%Y-%m-%dT%H:%M:%S", &utc) > 0)
        snprintf(out + strlen(out), size - strlen(out), ".%03uZ",
                 (unsigned)(wall_ns / OTL_NS_PER_MS % 1000));
    return out;
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void put_real(json_t *object, const char *key, double value)
{
    json_object_set_new(object, key, json_real(value));
}

static void put_integer(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* The kernel's peak is of all parts together; the parts are the largest that were looked at. */
void hx_put_memory(json_t *row, const struct hx_child *child)
{
    const struct hx_memory *most = &child->memory_most;

    if (child->exited)
        put_integer(row, "rss_peak_bytes", child->exit.rss_peak_bytes);
    if (most->anon_bytes == 0)
        return;
    put_integer(row, "rss_anon_bytes", most->anon_bytes);
    put_integer(row, "rss_mapped_bytes", most->mapped_bytes);
    if (most->ledger_bytes > 0)
        put_integer(row, "rss_ledger_bytes", most->ledger_bytes);
}

/* What a service last said of itself: its farewell, or the latest progress if it had none. */
static const json_t *last_words(const struct hx_child *child)
{
    return child->final ? child->final : child->progress;
}

static bool has_successor(const struct hx_run *run, const struct hx_child *child)
{
    for (size_t i = child->id + 1; i < run->fleet.count; i++)
        if (strcmp(run->fleet.children[i].name, child->name) == 0)
            return true;
    return false;
}

/* Requests and messages that it has finished, by its last progress line. */
static double handled(const struct hx_run *run, const struct hx_child *child)
{
    const json_t *value = json_object_get(child->final, "handled");

    if (child->role == HX_ROLE_FOREIGN && run->relay != NULL)
        return has_successor(run, child) /* the relay counts for all its processes */
                   ? 0
                   : number(json_object_get(run->relay->final, "handled"), child->name);
    return value ? json_number_value(value) : number(child->progress, "handled");
}

static json_t *service_row(const struct hx_run *run, const struct hx_child *child)
{
    const struct hx_service *service = &run->options.scenario->services[child->service];
    const json_t *words = last_words(child), *sdk = json_object_get(words, "sdk");
    char end[64];
    json_t *row =
        json_pack("{s:s, s:s, s:i, s:i, s:s}", "name", service->name, "instance", child->name,
                  "incarnation", (int)child->incarnation, "pid", (int)child->pid, "exit",
                  hx_child_exit_text(child, end, sizeof(end)));

    if (child->ended_by_fault)
        json_object_set_new(row, "killed", json_true());
    if (child->version[0] != '\0')
        json_object_set_new(row, "version", json_string(child->version));
    if (child->exited)
        put_real(row, "cpu_s", (double)child->exit.cpu_ns / 1e9);
    hx_put_memory(row, child);
    if (sdk != NULL) {
        put_real(row, "app_cpu_s", number(sdk, "app_cpu_ns") / 1e9);
        put_real(row, "exporter_cpu_s", number(sdk, "exporter_cpu_ns") / 1e9);
    }
    if (child->role == HX_ROLE_FOREIGN)
        json_object_set_new(row, "ledger", json_string("none"));
    if (handled(run, child) > 0)
        put_integer(row, "requests", (uint64_t)handled(run, child));
    return row;
}

static void put_ratio(json_t *row, const char *key, double above, double below)
{
    if (below > 0)
        put_real(row, key, above / below);
}

static void put_drops(json_t *row, const json_t *sdk)
{
    static const char *const reasons[] = {"queue_full", "export_failed", "rejected",
                                          "after_shutdown", "no_memory"};
    json_t *drops = json_object();

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (number(sdk, reasons[i]) > 0)
            put_integer(drops, reasons[i], (uint64_t)number(sdk, reasons[i]));
    json_object_set_new(row, "drops", drops);
}

static json_t *sdk_row(const struct hx_run *run, const struct hx_child *child, const json_t *sdk)
{
    static const char *const same[] = {"started", "not_recorded", "record_only", "ended",
                                       "exported", "queue_high_water", "export_bytes"};
    const struct hx_service *service = &run->options.scenario->services[child->service];
    double exported = number(sdk, "exported"), exports = number(sdk, "export_requests");
    double app = number(sdk, "app_cpu_ns"), exporter = number(sdk, "exporter_cpu_ns");
    json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "service", service->name, "instance",
                            child->name, "sampler", service->tracing.sampler, "processor",
                            service->tracing.simple ? "simple" : "batch");

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        put_integer(row, same[i], (uint64_t)number(sdk, same[i]));
    put_integer(row, "open_at_end", (uint64_t)number(sdk, "open_spans"));
    put_drops(row, sdk);
    put_integer(row, "queue_capacity", service->tracing.max_queue_size);
    put_integer(row, "exports", (uint64_t)exports);
    put_ratio(row, "requests_per_span", exports, exported);
    put_ratio(row, "spans_per_export", exported, exports);
    put_ratio(row, "bytes_per_span", number(sdk, "export_bytes"), exported);
    put_ratio(row, "export_cpu_ns_per_span", exporter, exported);
    put_ratio(row, "app_cpu_ns_per_request", app, handled(run, child));
    put_real(row, "app_cpu_s", app / 1e9);
    put_real(row, "exporter_cpu_s", exporter / 1e9);
    put_ratio(row, "exporter_cpu_share", exporter, app + exporter);
    if (exports > 0)
        json_object_set_new(row, "export_latency",
                            json_pack("{s:f, s:f}", "mean_ns",
                                      number(sdk, "export_latency_sum_ns") / exports, "max_ns",
                                      number(sdk, "export_latency_max_ns")));
    return row;
}

static void put_services(const struct hx_run *run, json_t *report)
{
    json_t *services = json_array(), *sdks = json_array();

    for (size_t i = 0; i < run->fleet.count; i++) {
        const struct hx_child *child = &run->fleet.children[i];
        const json_t *sdk = json_object_get(last_words(child), "sdk");
        if (child->role != HX_ROLE_SERVICE && child->role != HX_ROLE_FOREIGN)
            continue;
        json_array_append_new(services, service_row(run, child));
        if (sdk != NULL)
            json_array_append_new(sdks, sdk_row(run, child, sdk));
    }
    json_object_set_new(report, "services", services);
    json_object_set_new(report, "sdk", sdks);
}

static void put_metric(json_t *object, const char *key, const char *text, const char *name)
{
    double value;

    if (hx_prom_sum(text, name, NULL, &value))
        put_integer(object, key, (uint64_t)value);
}

/* What memory limiters refused; none of them is none refused. */
static void put_limited(json_t *row, const char *text)
{
    double spans = 0;

    (void)hx_prom_sum(text, "otelcol_processor_memory_limiter_refused_spans", NULL, &spans);
    put_integer(row, "memory_limited", (uint64_t)spans);
}

static void put_collector(const struct hx_run *run, json_t *report)
{
    const struct hx_child *child = run->collector;
    char path[4096], end[64];
    struct otl_buf text;
    double grpc_bytes;
    json_t *row;

    if (child == NULL)
        return;
    row = json_pack("{s:s, s:s}", "exit", hx_child_exit_text(child, end, sizeof(end)), "config",
                    "collector.yaml");
    otl_buf_init(&text, 4u << 20);
    snprintf(path, sizeof(path), "%s/metrics/collector.prom", run->options.dir);
    if (otl_file_read(path, &text, NULL) == OTEL_OK) {
        put_metric(row, "accepted", text.data, "otelcol_receiver_accepted_spans");
        put_metric(row, "refused", text.data, "otelcol_receiver_refused_spans");
        put_limited(row, text.data);
        put_metric(row, "exported", text.data, "otelcol_exporter_sent_spans");
        put_metric(row, "requests", text.data, "otelcol_receiver_requests");
        put_metric(row, "bytes_inflated", text.data, "collector_mock_request_bytes");
        put_metric(row, "bytes", text.data, "collector_mock_http_received_bytes");
        if (hx_prom_sum(text.data, "collector_mock_grpc_received_bytes", NULL, &grpc_bytes))
            put_integer(row, "bytes", (uint64_t)(number(row, "bytes") + grpc_bytes));
    }
    otl_buf_fini(&text);
    if (child->exited) {
        put_real(row, "cpu_s", (double)child->exit.cpu_ns / 1e9);
        put_ratio(row, "cpu_ns_per_span", (double)child->exit.cpu_ns, number(row, "accepted"));
    }
    hx_put_memory(row, child);
    json_object_set_new(report, "collector", row);
}

static void put_broker(const struct hx_run *run, json_t *report)
{
    const struct hx_scenario *scenario = run->options.scenario;
    bool embedded = strcmp(scenario->broker, "embedded") == 0;
    json_t *topics = json_array();

    if (scenario->broker[0] == '\0') {
        json_decref(topics);
        return;
    }
    for (size_t i = 0; i < scenario->topic_count; i++)
        json_array_append_new(topics, json_pack("{s:s, s:i}", "name", scenario->topics[i].name,
                                                "partitions", (int)scenario->topics[i].partitions));
    json_object_set_new(
        report, "broker",
        json_pack("{s:s, s:s, s:s, s:o}", "kind", embedded ? "embedded" : "external", "address",
                  run->broker ? run->broker->address : scenario->broker, "note",
                  embedded ? "embedded broker (librdkafka mock cluster): group rebalances are "
                             "simulated, not Kafka's own"
                           : "external broker",
                  "topics", topics));
}

static void put_phases(const struct hx_run *run, json_t *report)
{
    json_t *phases = json_array();
    uint64_t zero = run->load_start_ns ? run->load_start_ns : run->started_mono_ns;

    for (size_t i = 0; i < run->phase_count; i++)
        json_array_append_new(
            phases, json_pack("{s:s, s:f, s:f}", "name", run->phases[i].name, "start_s",
                              ((double)run->phases[i].start_ns - (double)zero) / 1e9, "end_s",
                              ((double)run->phases[i].end_ns - (double)zero) / 1e9));
    json_object_set_new(report, "phases", phases);
}

/* A run without the load client's last line has no load figures; the schema wants the members. */
static json_t *no_load(const struct hx_run *run)
{
    return json_pack("{s:i, s:f, s:f, s:{}, s:{s:i, s:i, s:i}}", "requests", 0,
                     "rate_asked", run->options.scenario->load.rate, "rate_achieved", 0.0,
                     "errors", "latency", "count", 0, "max", 0, "mean", 0);
}

static void put_load(const struct hx_run *run, json_t *report)
{
    const json_t *final = run->load ? run->load->final : NULL;
    json_t *load = json_object_get(final, "load"), *trust = json_object_get(final, "trust");

    json_object_set_new(report, "load", load ? json_incref(load) : no_load(run));
    json_object_set_new(report, "trust", trust ? json_incref(trust) : json_array());
}

static void put_files(json_t *report)
{
    json_object_set_new(report, "files",
                        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "ledger", "ledger",
                                  "spans", "spans", "logs", "logs", "metrics", "metrics", "hdr",
                                  "hdr", "scenario", "scenario.yaml", "environment",
                                  "environment.json"));
}

json_t *hx_run_facts(const struct hx_run *run, const struct hx_cpu_times *before)
{
    const struct hx_scenario *scenario = run->options.scenario;
    char started[40];
    json_t *report = json_object(), *groups, *agents;

    if (report == NULL)
        return NULL;
    json_object_set_new(report, "schema", json_string("tracerig.report/1"));
    json_object_set_new(report, "scenario",
                        json_pack("{s:s, s:s, s:s, s:s}", "name", scenario->name, "title",
                                  scenario->title, "claim", scenario->claim, "file",
                                  scenario->file));
    put_integer(report, "seed", scenario->seed);
    hx_utc_format(run->started_wall_ns, false, started, sizeof(started));
    json_object_set_new(report, "started_at", json_string(started));
    put_real(report, "duration_s",
             (double)(otl_clock_mono(otl_clock_real()) - run->started_mono_ns) / 1e9);
    json_object_set_new(report, "tool",
                        json_pack("{s:s, s:s}", "name", "tracerig", "version", HX_VERSION));
    put_load(run, report);
    put_services(run, report);
    put_collector(run, report);
    agents = hx_run_agents(run);
    if (agents != NULL)
        json_object_set_new(report, "agents", agents);
    put_broker(run, report);
    put_phases(run, report);
    put_files(report);
    json_object_set_new(report, "events", hx_run_events_with_membership(run));
    groups = hx_run_groups(run);
    if (json_array_size(groups) > 0)
        json_object_set(report, "groups", groups);
    json_decref(groups);
    hx_latency_series(run->options.dir, run->series);
    json_object_set_new(report, "series", json_incref(run->series));
    json_object_set_new(report, "histograms", hx_histograms_new(run->options.dir));
    json_object_set_new(report, "environment", hx_environment_new(before));
    return report;
}
