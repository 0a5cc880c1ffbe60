/* SPDX-License-Identifier: Apache-2.0 */
/* What a run looks like while it runs: a line for people, points for the report. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/stats/prom.h"
#include "harness/topology/parts.h"
#include "sdk/base/file.h"
#include "sdk/base/text.h"

enum { METRICS_MILLIS = 500 }; /* a point more or less */

struct line {
    double asked, achieved, errors;
    uint64_t in_flight, p50_ns, p99_ns, dropped;
    struct hx_memory memory; /* of the services together */
    bool load; /* the load client has reported, and its load goes on */
};

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* group: NULL where the instance is in several. */
static void tag(const struct hx_run *run, const char *id, const char *instance, const char *group)
{
    json_t *item;
    size_t index;

    json_array_foreach(run->series, index, item) {
        const char *known = json_string_value(json_object_get(item, "id"));
        if (known != NULL && strcmp(known, id) == 0 && json_object_get(item, "tags") == NULL)
            json_object_set_new(item, "tags", json_pack("{s:s, s:s*}", "instance", instance,
                                                        "group", group));
    }
}

static void point(struct hx_run *run, const char *id, const char *title, const char *panel,
                  const char *unit, double value)
{
    double at = (double)(otl_clock_mono(otl_clock_real()) - run->load_start_ns) / 1e9;
    json_t *series = NULL, *item;
    size_t index;

    json_array_foreach(run->series, index, item) {
        const char *known = json_string_value(json_object_get(item, "id"));
        if (known != NULL && strcmp(known, id) == 0)
            series = item;
    }
    if (series == NULL) {
        series = json_pack("{s:s, s:s, s:s, s:s, s:[]}", "id", id, "title", title, "panel", panel,
                           "unit", unit, "points");
        if (series == NULL || json_array_append_new(run->series, series) != 0)
            return;
    }
    item = json_object_get(series, "points");
    if (json_array_size(item) < HX_RUN_POINTS)
        json_array_append_new(item, json_pack("[f, f]", at, value));
}

static double errors_of(const json_t *progress)
{
    const json_t *errors = json_object_get(progress, "errors"), *item;
    double sum = 0;
    const char *key;

    if (json_is_number(errors))
        return json_number_value(errors);
    json_object_foreach((json_t *)(uintptr_t)errors, key, item)
        sum += json_number_value(item);
    return sum;
}

static void read_load(const struct hx_run *run, struct line *line)
{
    const json_t *progress = run->load ? run->load->progress : NULL;

    /* What it said last holds no longer when its load is over. */
    if (progress == NULL || run->load_end_ns != 0)
        return;
    line->load = true;
    line->asked = number(progress, "rate_asked");
    line->achieved = number(progress, "rate_achieved");
    line->in_flight = (uint64_t)number(progress, "in_flight");
    line->p50_ns = (uint64_t)number(progress, "p50_ns");
    line->p99_ns = (uint64_t)number(progress, "p99_ns");
    line->errors = errors_of(progress);
}

static void read_services(const struct hx_run *run, struct line *line)
{
    static const char *const drops[] = {"queue_full", "export_failed", "rejected",
                                        "after_shutdown", "no_memory"};

    for (size_t i = 0; i < run->fleet.count; i++) {
        const json_t *progress = run->fleet.children[i].progress;
        const json_t *sdk = json_object_get(progress, "sdk");
        if (run->fleet.children[i].role != HX_ROLE_SERVICE)
            continue;
        for (size_t d = 0; d < sizeof(drops) / sizeof(drops[0]); d++)
            line->dropped += (uint64_t)number(sdk, drops[d]);
        if (run->fleet.children[i].exited)
            continue;
        line->memory.anon_bytes += run->fleet.children[i].memory.anon_bytes;
        line->memory.mapped_bytes += run->fleet.children[i].memory.mapped_bytes;
    }
}

static void read_collector(struct hx_run *run)
{
    struct otl_buf text;
    double accepted;

    if (run->collector_metrics[0] == '\0' || run->collector == NULL || run->collector->exited)
        return;
    otl_buf_init(&text, 1u << 20);
    if (hx_metrics_get(run->collector_metrics, METRICS_MILLIS, &text) &&
        hx_prom_sum(text.data, "otelcol_receiver_accepted_spans", NULL, &accepted))
        run->spans_received = (uint64_t)accepted;
    otl_buf_fini(&text);
}

static void keep_points(struct hx_run *run, const struct line *line, uint64_t received_before)
{
    if (line->load) {
        point(run, "rate_asked", "rate asked", "rate", "1/s", line->asked);
        point(run, "rate_achieved", "rate achieved", "rate", "1/s", line->achieved);
        point(run, "in_flight", "requests in flight", "in_flight", "count",
              (double)line->in_flight);
        point(run, "errors", "errors so far", "errors", "count", line->errors);
    }
    if (run->spans_received >= received_before)
        point(run, "spans_received", "spans received", "spans", "1/s",
              (double)(run->spans_received - received_before));
    if (line->memory.anon_bytes == 0)
        return;
    point(run, "rss_anon", "services, their own", "rss", "bytes",
          (double)line->memory.anon_bytes);
    point(run, "rss_mapped", "services, mapped files (ledger, programs)", "rss", "bytes",
          (double)line->memory.mapped_bytes);
}

/* Consumer lag as librdkafka's statistics said last, one line an instance. */
static void keep_lag(struct hx_run *run)
{
    const struct hx_scenario *scenario = run->options.scenario;
    char id[160];

    for (size_t i = 0; i < run->fleet.count; i++) {
        const struct hx_child *child = &run->fleet.children[i];
        if (child->role != HX_ROLE_SERVICE || child->progress == NULL || child->exited ||
            scenario->services[child->service].consumer_count == 0)
            continue;
        snprintf(id, sizeof(id), "lag.%u.%u", child->service, child->replica);
        point(run, id, child->name, "lag", "count", number(child->progress, "lag"));
        tag(run, id, child->name,
            scenario->services[child->service].consumer_count == 1
                ? scenario->services[child->service].consumers[0].group
                : NULL);
    }
}

static const char *phase_name(const struct hx_run *run)
{
    return run->phase_count ? run->phases[run->phase_count - 1].name : "start";
}

/* Three digits are what a histogram can tell, and what is read while it runs. "-": no request. */
static const char *about(uint64_t ns, char *out, size_t size)
{
    uint64_t unit = 1;

    while (ns / unit >= 1000)
        unit *= 10;
    if (ns == 0)
        snprintf(out, size, "-");
    return ns == 0 ? out : otl_format_duration((ns + unit / 2) / unit * unit, out, size);
}

static const char *rate(double value, char *out, size_t size)
{
    snprintf(out, size, "%.*f", value > 0 && value < 9.95 ? 1 : 0, value);
    return out;
}

static void print_line(const struct hx_run *run, const struct line *line)
{
    char text[400], p50[32], p99[32], achieved[32], asked[32];
    double at = (double)(otl_clock_mono(otl_clock_real()) - run->started_mono_ns) / 1e9;
    int len;

    if (run->load_end_ns != 0)
        len = snprintf(text, sizeof(text), "%5.0fs  %-8s spans %llu  dropped %llu", at,
                       phase_name(run), (unsigned long long)run->spans_received,
                       (unsigned long long)line->dropped);
    else if (!line->load)
        len = snprintf(text, sizeof(text), "%5.0fs  %-8s %zu processes", at, phase_name(run),
                       run->fleet.count);
    else
        len = snprintf(text, sizeof(text),
                       "%5.0fs  %-8s %s of %s req/s  in flight %llu  p50 %s  p99 %s  errors "
                       "%.0f  spans %llu  dropped %llu",
                       at, phase_name(run), rate(line->achieved, achieved, sizeof(achieved)),
                       rate(line->asked, asked, sizeof(asked)),
                       (unsigned long long)line->in_flight,
                       about(line->p50_ns, p50, sizeof(p50)),
                       about(line->p99_ns, p99, sizeof(p99)), line->errors,
                       (unsigned long long)run->spans_received,
                       (unsigned long long)line->dropped);
    if (len < 0 || (size_t)len >= sizeof(text) - 8)
        return;
    /* Nobody to tell when the terminal is gone. */
    if (run->options.live)
        (void)!dprintf(run->options.progress_fd, "\r%s\033[K", text);
    else
        (void)!dprintf(run->options.progress_fd, "%s\n", text);
}

void hx_run_look_at_memory(struct hx_run *run, bool ledger)
{
    for (size_t i = 0; i < run->fleet.count; i++) {
        struct hx_child *child = &run->fleet.children[i];
        /* A foreign program may be a shell's child: what was started says nothing of it. */
        if (child->exited || child->role == HX_ROLE_FOREIGN ||
            !hx_memory_read(child->pid, &child->memory))
            continue;
        if (ledger)
            (void)hx_memory_read_ledger(child->pid, &child->memory);
        hx_memory_widen(&child->memory_most, &child->memory);
    }
}

void hx_run_tick(void *state)
{
    struct hx_run *run = state;
    struct line line = {.load = false};
    uint64_t before = run->spans_received;

    hx_run_look_at_memory(run, false);
    read_load(run, &line);
    read_services(run, &line);
    read_collector(run);
    if (run->load_start_ns != 0)
        keep_points(run, &line, before);
    if (run->load_start_ns != 0)
        keep_lag(run);
    if (!run->options.quiet)
        print_line(run, &line);
}

void hx_run_say(struct hx_run *run, const char *format, ...)
{
    char text[600];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    hx_run_progress_end(run);
    if (!run->options.quiet) /* nobody to tell when the terminal is gone */
        (void)!dprintf(run->options.progress_fd, "%s\n", text);
}

void hx_run_progress_end(struct hx_run *run)
{
    if (!run->options.quiet && run->options.live)
        (void)!dprintf(run->options.progress_fd, "\r\033[K");
}
