/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/stats/hdr_table.h"

#include <inttypes.h>
#include <math.h>

enum { ROWS_PER_HALVING = 5 };

void hx_hdr_rows_init(struct hx_hdr_rows *rows, const struct hx_hdr *hdr)
{
    rows->hdr = hdr;
    rows->next = 0;
    hx_hdr_iter_init(&rows->iter, hdr);
    rows->done = !hx_hdr_iter_next(&rows->iter);
}

/* So near to 100 that the next row is the last. */
static const double LAST_STEP = 100 - 1e-10;

static double step_at(double percentile)
{
    double halvings = floor(log2(100 / (100 - percentile))) + 1;

    return 100 / (ROWS_PER_HALVING * exp2(halvings));
}

bool hx_hdr_rows_next(struct hx_hdr_rows *rows, struct hx_hdr_row *ret)
{
    struct hx_hdr_iter *iter = &rows->iter;
    double total = (double)rows->hdr->total;

    if (rows->done)
        return false;
    while (100 * (double)iter->cumulative / total < rows->next && hx_hdr_iter_next(iter))
        ;
    ret->value = iter->high < rows->hdr->max ? iter->high : rows->hdr->max;
    ret->count = iter->cumulative;
    rows->done = iter->cumulative >= rows->hdr->total;
    ret->percentile = rows->done || rows->next > 100 ? 100 : rows->next;
    if (!rows->done)
        rows->next = rows->next < LAST_STEP ? rows->next + step_at(rows->next) : HUGE_VAL;
    return true;
}

enum otel_err hx_hdr_table(const struct hx_hdr *hdr, double unit, struct otl_buf *out)
{
    struct hx_hdr_rows rows;
    struct hx_hdr_row row;
    enum otel_err err;

    err = otl_buf_printf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
                         "1/(1-Percentile)");
    hx_hdr_rows_init(&rows, hdr);
    while (err == OTEL_OK && hx_hdr_rows_next(&rows, &row)) {
        err = otl_buf_printf(out, "%12.3f %2.12f %10" PRIu64, (double)row.value / unit,
                             row.percentile / 100, row.count);
        if (err == OTEL_OK && row.percentile < 100)
            err = otl_buf_printf(out, " %14.2f\n", 1 / (1 - row.percentile / 100));
        else if (err == OTEL_OK)
            err = otl_buf_append_str(out, "\n");
    }
    if (err == OTEL_OK)
        err = otl_buf_printf(out,
                             "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n"
                             "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n"
                             "#[Buckets = %12u, SubBuckets     = %12" PRIu64 "]\n",
                             hx_hdr_mean(hdr) / unit, hx_hdr_stddev(hdr) / unit,
                             (double)hx_hdr_max(hdr) / unit, hdr->total, hdr->buckets,
                             hdr->sub_buckets);
    return err;
}
