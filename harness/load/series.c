/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/series.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/stats/hdr_table.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

enum { TABLE_MAX = 1 << 20 };

struct interval {
    struct hx_hdr *current; /* being recorded */
    struct hx_hdr *ended;   /* waits to be written while pending */
    bool pending;
    uint64_t start_ns;
    uint64_t length_ns;
};

struct hx_series {
    struct interval intervals[HX_SERIES_KINDS][HX_LOAD_PHASES];
    struct hx_hdr *totals[HX_SERIES_KINDS];
    struct hx_hdr_log logs[HX_SERIES_KINDS];
    char *dir; /* NULL: nothing is written */
    int failed; /* errno of the first write that did, 0 = none */
};

static const char *const FILES[HX_SERIES_KINDS] = {"response", "service", "sendlag"};
static const char *const TAGS[HX_LOAD_PHASES] = {"warmup", "measure"};

static enum otel_err make_histograms(struct hx_series *series)
{
    enum otel_err err = OTEL_OK;

    for (int kind = 0; kind < HX_SERIES_KINDS && err == OTEL_OK; kind++) {
        err = hx_hdr_new(&HX_HDR_LATENCY_PARAMS, &series->totals[kind]);
        for (int phase = 0; phase < HX_LOAD_PHASES && err == OTEL_OK; phase++) {
            struct interval *interval = &series->intervals[kind][phase];

            err = hx_hdr_new(&HX_HDR_LATENCY_PARAMS, &interval->current);
            if (err == OTEL_OK)
                err = hx_hdr_new(&HX_HDR_LATENCY_PARAMS, &interval->ended);
        }
    }
    return err;
}

static enum otel_err open_logs(struct hx_series *series, const char *dir, uint64_t wall_start_ns,
                               struct otl_detail *reterr)
{
    enum otel_err err = OTEL_OK;
    char path[4096];

    series->dir = otl_mem_strdup(dir);
    if (series->dir == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory");
    for (int kind = 0; kind < HX_SERIES_KINDS && err == OTEL_OK; kind++) {
        if (snprintf(path, sizeof(path), "%s/%s.hlog", dir, FILES[kind]) >= (int)sizeof(path))
            return otl_detail_set(reterr, OTEL_ERR_IO, dir, 0, 0, "the path is too long");
        err = hx_hdr_log_open(&series->logs[kind], path, wall_start_ns, reterr);
    }
    return err;
}

enum otel_err hx_series_new(const char *dir, uint64_t wall_start_ns, struct hx_series **ret,
                            struct otl_detail *reterr)
{
    struct hx_series *series = otl_mem_zalloc(sizeof(*series));
    enum otel_err err = series == NULL ? OTEL_ERR_MEMORY : make_histograms(series);

    if (err != OTEL_OK)
        otl_detail_set(reterr, err, NULL, 0, 0, "no memory for the histograms");
    else if (dir != NULL)
        err = open_logs(series, dir, wall_start_ns, reterr);
    if (err != OTEL_OK) {
        hx_series_free(series);
        return err;
    }
    *ret = series;
    return OTEL_OK;
}

void hx_series_free(struct hx_series *series)
{
    if (series == NULL)
        return;
    for (int kind = 0; kind < HX_SERIES_KINDS; kind++) {
        for (int phase = 0; phase < HX_LOAD_PHASES; phase++) {
            hx_hdr_free(series->intervals[kind][phase].current);
            hx_hdr_free(series->intervals[kind][phase].ended);
        }
        hx_hdr_free(series->totals[kind]);
        if (series->logs[kind].file != NULL)
            (void)!hx_hdr_log_close(&series->logs[kind]);
    }
    otl_mem_free(series->dir);
    otl_mem_free(series);
}

void hx_series_record(struct hx_series *series, enum hx_series_kind kind,
                      enum hx_load_phase phase, uint64_t value_ns)
{
    struct hx_hdr *hdr = series->intervals[kind][phase].current;
    uint64_t highest = hdr->params.highest;

    hx_hdr_record(hdr, value_ns < highest ? value_ns : highest);
}

static void fail(struct hx_series *series)
{
    if (series->failed == 0)
        series->failed = errno != 0 ? errno : EIO;
}

static void put_away(struct hx_series *series, int kind, int phase)
{
    struct interval *interval = &series->intervals[kind][phase];
    struct hx_hdr_log *log = &series->logs[kind];

    interval->pending = false;
    if (phase == HX_LOAD_MEASURE &&
        hx_hdr_merge(series->totals[kind], interval->ended) != OTEL_OK)
        fail(series); /* cannot be: all have the same parameters */
    errno = 0;
    if (log->file != NULL && hx_hdr_log_write(log, TAGS[phase], interval->start_ns,
                                              interval->length_ns, interval->ended) != OTEL_OK)
        fail(series);
}

bool hx_series_write_one(struct hx_series *series)
{
    for (int kind = 0; kind < HX_SERIES_KINDS; kind++)
        for (int phase = 0; phase < HX_LOAD_PHASES; phase++)
            if (series->intervals[kind][phase].pending) {
                put_away(series, kind, phase);
                return true;
            }
    return false;
}

void hx_series_rotate(struct hx_series *series, uint64_t start_ns, uint64_t length_ns)
{
    while (hx_series_write_one(series))
        ; /* an idle second may have left some */
    for (int kind = 0; kind < HX_SERIES_KINDS; kind++)
        for (int phase = 0; phase < HX_LOAD_PHASES; phase++) {
            struct interval *interval = &series->intervals[kind][phase];
            struct hx_hdr *ended = interval->current;

            interval->current = interval->ended;
            interval->ended = ended;
            hx_hdr_reset(interval->current);
            interval->pending = ended->total != 0;
            interval->start_ns = start_ns;
            interval->length_ns = length_ns;
        }
}

int hx_series_failed(const struct hx_series *series)
{
    return series->failed;
}

/* DIR/response.hgrm, in milliseconds. */
static enum otel_err write_table(const struct hx_series *series, int kind)
{
    struct otl_buf table;
    char path[4096];
    enum otel_err err;

    if (snprintf(path, sizeof(path), "%s/%s.hgrm", series->dir, FILES[kind]) >= (int)sizeof(path))
        return OTEL_ERR_IO;
    otl_buf_init(&table, TABLE_MAX);
    err = hx_hdr_table(series->totals[kind], 1e6, &table);
    if (err == OTEL_OK)
        err = otl_file_write(path, table.data, table.len, NULL);
    otl_buf_fini(&table);
    return err;
}

enum otel_err hx_series_finish(struct hx_series *series, uint64_t start_ns, uint64_t length_ns)
{
    hx_series_rotate(series, start_ns, length_ns);
    while (hx_series_write_one(series))
        ;
    errno = 0;
    for (int kind = 0; kind < HX_SERIES_KINDS; kind++)
        if (hx_hdr_log_close(&series->logs[kind]) != OTEL_OK ||
            (series->dir != NULL && write_table(series, kind) != OTEL_OK))
            fail(series);
    return series->failed != 0 ? OTEL_ERR_IO : OTEL_OK;
}

const struct hx_hdr *hx_series_last(const struct hx_series *series, enum hx_series_kind kind,
                                    enum hx_load_phase phase)
{
    return series->intervals[kind][phase].ended;
}

const struct hx_hdr *hx_series_total(const struct hx_series *series, enum hx_series_kind kind)
{
    return series->totals[kind];
}
