/* SPDX-License-Identifier: Apache-2.0 */
/* From the load client's histogram logs to what the report draws. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/stats/hdr.h"
#include "harness/stats/hdr_log.h"
#include "harness/stats/summary.h"
#include "harness/topology/facts.h"
#include "sdk/base/file.h"

enum { BUCKETS_A_DOUBLING = 8 };

static const struct {
    const char *id;
    const char *title;
    const char *file;
} logs[] = {{"response_time", "response time", "hdr/response.hlog"},
            {"service_time", "service time", "hdr/service.hlog"},
            {"send_lag", "send lag", "hdr/sendlag.hlog"}};

/* Percentiles on the axis 1/(1-p): ten a decade, as far as ten samples lie beyond. */
static json_t *percentiles(const struct hx_hdr *hdr)
{
    static const double steps[] = {0, 25, 50, 60, 70, 75, 80, 85, 90};
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (hx_percentile_known(hdr->total, steps[i]))
            json_array_append_new(
                list, json_pack("[f, f]", steps[i], (double)hx_hdr_value_at(hdr, steps[i])));
    for (double beyond = 10; beyond > 1e-5; beyond /= 10)
        for (int part = 9; part >= 1; part--) {
            double at = 100 - beyond * part / 10;
            if (at > 90 && hx_percentile_known(hdr->total, at))
                json_array_append_new(list,
                                      json_pack("[f, f]", at, (double)hx_hdr_value_at(hdr, at)));
        }
    return list;
}

/* Bins of one ratio, eight a doubling: the axis that draws them is logarithmic, and there they are
 * equally wide; fine enough to see two humps. */
static double bin_low(int bin)
{
    return exp2((double)bin / BUCKETS_A_DOUBLING);
}

static int bin_of(double value)
{
    return value < 1 ? 0 : (int)floor(log2(value) * BUCKETS_A_DOUBLING);
}

static void put_bucket(json_t *list, int bin, uint64_t count)
{
    if (count > 0)
        json_array_append_new(
            list, json_pack("[f, f, I]", bin_low(bin), bin_low(bin + 1), (json_int_t)count));
}

static json_t *buckets(const struct hx_hdr *hdr)
{
    json_t *list = json_array();
    struct hx_hdr_iter iter;
    uint64_t count = 0;
    int bin = 0;

    hx_hdr_iter_init(&iter, hdr);
    while (hx_hdr_iter_next(&iter)) {
        int at = bin_of(((double)iter.low + (double)iter.high) / 2);
        if (at != bin) {
            put_bucket(list, bin, count);
            count = 0;
        }
        bin = at;
        count += iter.count;
    }
    put_bucket(list, bin, count);
    return list;
}

enum otel_err hx_histogram_merge(const char *path, struct hx_hdr *whole)
{
    struct hx_hdr_log_reader reader;
    struct hx_hdr_log_entry entry;
    struct otl_buf text;
    enum otel_err err;

    otl_buf_init(&text, 64u << 20);
    err = otl_file_read(path, &text, NULL);
    if (err == OTEL_OK)
        hx_hdr_log_reader_init(&reader, otl_view(text.data, text.len));
    while (err == OTEL_OK) {
        err = hx_hdr_log_next(&reader, &entry, NULL);
        if (err != OTEL_OK)
            break;
        if (otl_view_is(entry.tag, "measure"))
            err = hx_hdr_merge(whole, entry.hdr);
        hx_hdr_free(entry.hdr);
    }
    otl_buf_fini(&text);
    return err == OTEL_ERR_CLOSED ? OTEL_OK : err;
}

json_t *hx_histograms_new(const char *dir)
{
    const struct hx_hdr_params params = HX_HDR_LATENCY_PARAMS;
    struct hx_hdr *whole = NULL;
    json_t *list = json_array();

    if (hx_hdr_new(&params, &whole) != OTEL_OK)
        return list;
    for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", dir, logs[i].file);
        hx_hdr_reset(whole);
        if (hx_histogram_merge(path, whole) != OTEL_OK || whole->total == 0)
            continue;
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:s}", "id",
                                              logs[i].id, "title", logs[i].title, "unit", "ns",
                                              "count", (json_int_t)whole->total, "buckets",
                                              buckets(whole), "percentiles", percentiles(whole),
                                              "hlog", logs[i].file));
    }
    hx_hdr_free(whole);
    return list;
}
