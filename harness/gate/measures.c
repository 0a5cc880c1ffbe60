/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/gate/measures.h"

#include <string.h>

static const json_t *get(const json_t *object, const char *key)
{
    return json_object_get(object, key);
}

static double number(const json_t *report, const char *part, const char *key)
{
    return json_number_value(get(get(report, part), key));
}

static double sum(const json_t *rows, const char *key)
{
    const json_t *row;
    double total = 0;
    size_t i;

    json_array_foreach(rows, i, row) {
        total += json_number_value(get(row, key));
    }
    return total;
}

static bool ratio(double above, double below, double *ret)
{
    *ret = below > 0 ? above / below : 0;
    return below > 0;
}

/* ---- counts ------------------------------------------------------------------------------- */

static bool of_spans(const json_t *report, const char *key, double *ret_hits, double *ret_trials)
{
    *ret_hits = number(report, "spans", key);
    *ret_trials = number(report, "spans", "started");
    return *ret_trials > 0;
}

static bool read_lost(const json_t *report, double *hits, double *trials)
{
    return of_spans(report, "lost_total", hits, trials);
}

static bool read_unexplained(const json_t *report, double *hits, double *trials)
{
    return of_spans(report, "lost_unexplained", hits, trials);
}

static bool read_duplicated(const json_t *report, double *hits, double *trials)
{
    return of_spans(report, "duplicated", hits, trials);
}

static bool read_altered(const json_t *report, double *hits, double *trials)
{
    return of_spans(report, "altered", hits, trials);
}

static bool read_incomplete(const json_t *report, double *hits, double *trials)
{
    *trials = number(report, "traces", "expected");
    *hits = *trials - number(report, "traces", "complete");
    return *trials > 0 && *hits >= 0;
}

static bool read_failed(const json_t *report, double *hits, double *trials)
{
    const char *key;
    json_t *value;

    *hits = 0;
    json_object_foreach((json_t *)get(get(report, "load"), "errors"), key, value) {
        *hits += json_number_value(value);
    }
    *trials = number(report, "load", "requests");
    return *trials > 0;
}

/* ---- sizes -------------------------------------------------------------------------------- */

static bool read_spans_a_request(const json_t *report, double *value, double *trials)
{
    (void)trials;
    *value = number(report, "spans", "per_request");
    return *value > 0;
}

static bool read_bytes_a_span(const json_t *report, double *value, double *trials)
{
    (void)trials;
    return ratio(sum(get(report, "sdk"), "export_bytes"), sum(get(report, "sdk"), "exported"),
                 value);
}

/* ---- instructions: a request, of the application's thread; an arm each -------------------- */

static bool read_instructions(const json_t *report, const char *arm, double *value)
{
    const json_t *row, *rows = get(get(report, "overhead"), "instructions");
    size_t i;

    json_array_foreach(rows, i, row) {
        const char *name = json_string_value(get(row, "name"));
        if (name == NULL || strcmp(name, arm) != 0)
            continue;
        *value = json_number_value(get(row, "app_per_request"));
        return *value > 0;
    }
    return false;
}

#define READ_INSTRUCTIONS(arm)                                                                     \
    static bool read_instructions_##arm(const json_t *report, double *value, double *trials)       \
    {                                                                                              \
        (void)trials;                                                                              \
        return read_instructions(report, #arm, value);                                             \
    }
READ_INSTRUCTIONS(none)
READ_INSTRUCTIONS(api)
READ_INSTRUCTIONS(not_sampled)
READ_INSTRUCTIONS(simple)
READ_INSTRUCTIONS(batch)

/* ---- clocks ------------------------------------------------------------------------------- */

static bool read_latency(const json_t *report, const char *key, double *value)
{
    const json_t *latency = get(get(report, "load"), "latency");

    *value = json_number_value(get(latency, key)); /* left out where too few can tell it */
    return get(latency, key) != NULL && json_number_value(get(latency, "count")) > 0;
}

static bool read_p50(const json_t *report, double *value, double *trials)
{
    (void)trials;
    return read_latency(report, "p50", value);
}

static bool read_p99(const json_t *report, double *value, double *trials)
{
    (void)trials;
    return read_latency(report, "p99", value);
}

static bool read_cpu(const json_t *report, double *value, double *trials)
{
    (void)trials;
    return ratio(1e9 * sum(get(report, "services"), "cpu_s"), number(report, "spans", "started"),
                 value);
}

static bool read_export_cpu(const json_t *report, double *value, double *trials)
{
    (void)trials;
    return ratio(1e9 * sum(get(report, "sdk"), "exporter_cpu_s"),
                 sum(get(report, "sdk"), "exported"), value);
}

static bool read_collector_cpu(const json_t *report, double *value, double *trials)
{
    (void)trials;
    *value = number(report, "collector", "cpu_ns_per_span");
    return *value > 0;
}

static bool read_memory(const json_t *report, double *value, double *trials)
{
    (void)trials;
    *value = sum(get(report, "services"), "rss_peak_bytes");
    return *value > 0;
}

/* Without what is mapped: the ledger, which is larger and always the same. */
static bool read_own_memory(const json_t *report, double *value, double *trials)
{
    (void)trials;
    *value = sum(get(report, "services"), "rss_anon_bytes");
    return *value > 0;
}

#define COUNT_ROW(id, title, by_chance, read)                                                     \
    {id, title, HX_MEASURE_COUNT, HX_FIGURE_SHARE, by_chance, false, false, read}
#define SIZE_ROW(id, title, kind, any_way, read)                                                  \
    {id, title, HX_MEASURE_SIZE, kind, false, any_way, false, read}
#define INSTRUCTIONS_ROW(arm, title)                                                               \
    {"instructions_" #arm, "instructions, " title, HX_MEASURE_INSTRUCTIONS,              \
     HX_FIGURE_COUNT, false, false, false, read_instructions_##arm}
#define CLOCK_ROW(id, title, kind, of_load, read)                                                 \
    {id, title, HX_MEASURE_CLOCK, kind, false, false, of_load, read}

const struct hx_measure hx_measures[] = {
    COUNT_ROW("spans_lost", "spans lost", false, read_lost),
    COUNT_ROW("spans_lost_unexplained", "spans lost, unexplained", false, read_unexplained),
    COUNT_ROW("spans_duplicated", "spans duplicated", false, read_duplicated),
    COUNT_ROW("spans_altered", "spans altered", false, read_altered),
    COUNT_ROW("traces_incomplete", "traces not complete", false, read_incomplete),
    COUNT_ROW("requests_failed", "requests failed", true, read_failed),
    SIZE_ROW("spans_per_request", "spans a request", HX_FIGURE_COUNT, true, read_spans_a_request),
    SIZE_ROW("bytes_per_span", "bytes a span", HX_FIGURE_BYTES, false, read_bytes_a_span),
    INSTRUCTIONS_ROW(none, "untraced"),
    INSTRUCTIONS_ROW(api, "API alone"),
    INSTRUCTIONS_ROW(not_sampled, "unsampled"),
    INSTRUCTIONS_ROW(simple, "simple"),
    INSTRUCTIONS_ROW(batch, "batch"),
    CLOCK_ROW("latency_p50", "latency p50", HX_FIGURE_NS, true, read_p50),
    CLOCK_ROW("latency_p99", "latency p99", HX_FIGURE_NS, true, read_p99),
    CLOCK_ROW("fleet_cpu_per_span", "fleet CPU a span", HX_FIGURE_NS, false, read_cpu),
    CLOCK_ROW("export_cpu_per_span", "exporter CPU a span", HX_FIGURE_NS, false, read_export_cpu),
    CLOCK_ROW("collector_cpu_per_span", "collector CPU a span", HX_FIGURE_NS, false,
              read_collector_cpu),
    CLOCK_ROW("fleet_own_memory", "fleet memory, own", HX_FIGURE_BYTES, false, read_own_memory),
    CLOCK_ROW("fleet_memory", "fleet memory, peak", HX_FIGURE_BYTES, false, read_memory),
    {NULL, NULL, HX_MEASURE_COUNT, HX_FIGURE_COUNT, false, false, false, NULL},
};
