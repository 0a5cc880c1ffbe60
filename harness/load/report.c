/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/report.h"

#include <stdio.h>
#include <string.h>

#include "harness/load/schedule.h"
#include "harness/stats/summary.h"

static void set(json_t *object, const char *key, json_t *value)
{
    if (value != NULL)
        json_object_set_new(object, key, value);
}

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *seconds(uint64_t ns)
{
    return json_real((double)ns / 1e9);
}

/* A percentile that too few samples cannot tell is left out: nobody knows it. */
static json_t *latency(const struct hx_hdr *hdr)
{
    static const struct {
        const char *key;
        double percentile;
    } rows[] = {{"p50", 50}, {"p75", 75}, {"p90", 90}, {"p95", 95}, {"p99", 99}, {"p999", 99.9}};
    json_t *object = json_object();

    set(object, "count", count(hdr->total));
    set(object, "min", count(hx_hdr_min(hdr)));
    set(object, "mean", json_real(hx_hdr_mean(hdr)));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (hx_percentile_known(hdr->total, rows[i].percentile))
            set(object, rows[i].key, count(hx_hdr_value_at(hdr, rows[i].percentile)));
    set(object, "max", count(hx_hdr_max(hdr)));
    return object;
}

static json_t *errors(const struct hx_load_counts *counts)
{
    json_t *object = json_object();

    for (int i = 0; i < HX_LOAD_ERROR_KINDS; i++)
        if (counts->errors[i] != 0)
            set(object, hx_load_error_text((enum hx_load_error)i), count(counts->errors[i]));
    return object;
}

static json_t *pauses(const struct hx_pauses *pauses)
{
    json_t *object = json_object();

    set(object, "count", count(pauses->count));
    set(object, "longest_ns", count(pauses->longest_ns));
    set(object, "total_ns", count(pauses->total_ns));
    if (pauses->count > 0)
        set(object, "longest_at_s", seconds(pauses->longest_at));
    return object;
}

/* "Lateness of the generator itself, p99: 2.31 ms (max 4 ms), limit ...; ..." */
static json_t *limited_by(const struct hx_load_trust *rows)
{
    char text[640] = "";

    for (int i = 0; i < HX_LOAD_TRUST_ROWS; i++) {
        size_t used = strlen(text);

        if (rows[i].limits)
            snprintf(text + used, sizeof(text) - used, "%s%s: %s, limit %s", used ? "; " : "",
                     rows[i].title, rows[i].observed, rows[i].limit);
    }
    return json_string(text);
}

json_t *hx_load_report(const struct hx_load_totals *totals, const char *entry)
{
    const struct hx_load_counts *counts = &totals->counts[HX_LOAD_MEASURE];
    struct hx_load_trust trust[HX_LOAD_TRUST_ROWS];
    uint64_t failed = hx_load_errors(counts);
    json_t *object = json_object();
    bool limited;
    double cpu_share =
        totals->elapsed_ns == 0 ? 0 : (double)totals->cpu_ns / (double)totals->elapsed_ns;

    if (entry != NULL)
        set(object, "entry", json_string(entry));
    set(object, "arrival",
        json_string(hx_arrival_word(totals->arrival)));
    set(object, "requests", count(counts->planned));
    set(object, "ok", count(counts->ok));
    set(object, "errors", errors(counts));
    set(object, "errors_total", count(failed));
    set(object, "error_share",
        json_real(counts->planned == 0 ? 0 : (double)failed / (double)counts->planned));
    set(object, "rate_asked", json_real(totals->rate_asked));
    set(object, "rate_achieved", json_real(hx_load_rate_achieved(totals)));
    set(object, "latency", latency(totals->series[HX_SERIES_RESPONSE]));
    set(object, "service_time", latency(totals->series[HX_SERIES_SERVICE]));
    set(object, "send_lag", latency(totals->series[HX_SERIES_LAG]));
    set(object, "backlog_max", count(totals->backlog_max));
    set(object, "in_flight_max", count(totals->in_flight_max));
    set(object, "connections", count(totals->connections));
    set(object, "dropped", count(counts->errors[HX_LOAD_ERROR_DROPPED]));
    set(object, "client_cpu_s", seconds(totals->cpu_ns));
    set(object, "client_cpu_share", json_real(cpu_share));
    set(object, "pauses", pauses(&totals->pauses));
    limited = hx_load_judge(totals, trust);
    set(object, "generator_limited", json_boolean(limited));
    if (limited)
        set(object, "generator_limited_by", limited_by(trust));
    set(object, "warmup_s", seconds(totals->warmup_ns));
    set(object, "measured_s", seconds(totals->measured_ns));
    set(object, "drain_s", seconds(totals->drain_ns));
    return object;
}

json_t *hx_load_report_trust(const struct hx_load_totals *totals)
{
    struct hx_load_trust rows[HX_LOAD_TRUST_ROWS];
    json_t *array = json_array();

    hx_load_judge(totals, rows);
    for (int i = 0; i < HX_LOAD_TRUST_ROWS; i++) {
        json_t *object = json_object();

        set(object, "id", json_string(rows[i].id));
        set(object, "title", json_string(rows[i].title));
        set(object, "observed", json_string(rows[i].observed));
        set(object, "limit", json_string(rows[i].limit));
        set(object, "verdict", json_string(rows[i].warning ? "warning" : "ok"));
        if (rows[i].limits)
            set(object, "note", json_string("for this, times are not to be trusted"));
        json_array_append_new(array, object);
    }
    return array;
}
