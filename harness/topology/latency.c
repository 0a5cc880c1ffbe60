/* SPDX-License-Identifier: Apache-2.0 */
/* Response time along the run, from the load client's log of histograms. */
#include <stdio.h>
#include <string.h>

#include "harness/stats/hdr.h"
#include "harness/stats/hdr_log.h"
#include "harness/topology/facts.h"
#include "sdk/base/file.h"

/* Below that a p99 is the slowest request under another name. */
enum { P99_LEAST = 100, POINTS_LEAST = 5 };

struct bins {
    struct hx_hdr *now; /* intervals merged, the first that are no point yet */
    double end_s;
    uint64_t least;     /* requests a point */
    bool p99;           /* else the slowest one */
    uint64_t fewest, most;
    json_t *middle, *upper; /* points */
};

static void put_point(json_t *points, double at_s, uint64_t value)
{
    json_array_append_new(points, json_pack("[f, f]", at_s, (double)value));
}

static void flush(struct bins *bins)
{
    uint64_t count = bins->now->total;

    if (count < bins->least)
        return;
    put_point(bins->middle, bins->end_s, hx_hdr_value_at(bins->now, 50));
    put_point(bins->upper, bins->end_s,
              bins->p99 ? hx_hdr_value_at(bins->now, 99) : hx_hdr_max(bins->now));
    bins->fewest = bins->fewest == 0 || count < bins->fewest ? count : bins->fewest;
    bins->most = count > bins->most ? count : bins->most;
    hx_hdr_reset(bins->now);
}

/* Warm-up and measurement share the second in which one ends. */
static enum otel_err add(struct bins *bins, const struct hx_hdr_log_entry *entry)
{
    if (entry->start_s + entry->length_s > bins->end_s) {
        flush(bins);
        bins->end_s = entry->start_s + entry->length_s;
    }
    return hx_hdr_merge(bins->now, entry->hdr);
}

/* All intervals, into the bins; or how many requests there are. */
static enum otel_err read_log(struct otl_view text, struct bins *bins, uint64_t *ret_total)
{
    struct hx_hdr_log_reader reader;
    struct hx_hdr_log_entry entry;
    enum otel_err err = OTEL_OK;

    hx_hdr_log_reader_init(&reader, text);
    *ret_total = 0;
    while (err == OTEL_OK) {
        err = hx_hdr_log_next(&reader, &entry, NULL);
        if (err != OTEL_OK)
            break;
        *ret_total += entry.hdr->total;
        if (bins != NULL)
            err = add(bins, &entry);
        hx_hdr_free(entry.hdr);
    }
    return err == OTEL_ERR_CLOSED ? OTEL_OK : err;
}

static void put_series(const struct bins *bins, json_t *series)
{
    char title[80], n[48];

    if (json_array_size(bins->middle) == 0)
        return;
    if (bins->fewest == bins->most)
        snprintf(n, sizeof(n), "%llu", (unsigned long long)bins->most);
    else
        snprintf(n, sizeof(n), "%llu to %llu", (unsigned long long)bins->fewest,
                 (unsigned long long)bins->most);
    snprintf(title, sizeof(title), bins->p99 ? "p99 (n = %s a point)" : "slowest (of %s a point)",
             n);
    json_array_append_new(series, json_pack("{s:s, s:s, s:s, s:s, s:O}", "id", "p50", "title",
                                            "p50", "panel", "latency", "unit", "ns", "points",
                                            bins->middle));
    json_array_append_new(series,
                          json_pack("{s:s, s:s, s:s, s:s, s:O}", "id",
                                    bins->p99 ? "p99" : "slowest", "title", title, "panel",
                                    "latency", "unit", "ns", "points", bins->upper));
}

void hx_latency_series(const char *dir, json_t *series)
{
    const struct hx_hdr_params params = HX_HDR_LATENCY_PARAMS;
    struct bins bins = {.middle = json_array(), .upper = json_array()};
    char path[4096];
    struct otl_buf text;
    uint64_t total = 0;

    otl_buf_init(&text, 64u << 20);
    snprintf(path, sizeof(path), "%s/hdr/response.hlog", dir);
    if (otl_file_read(path, &text, NULL) == OTEL_OK && hx_hdr_new(&params, &bins.now) == OTEL_OK &&
        read_log(otl_view(text.data, text.len), NULL, &total) == OTEL_OK && total > 0) {
        bins.p99 = total >= P99_LEAST * POINTS_LEAST;
        bins.least = bins.p99 ? P99_LEAST : 1;
        if (read_log(otl_view(text.data, text.len), &bins, &total) == OTEL_OK) {
            flush(&bins);
            put_series(&bins, series);
        }
    }
    hx_hdr_free(bins.now);
    otl_buf_fini(&text);
    json_decref(bins.middle);
    json_decref(bins.upper);
}
