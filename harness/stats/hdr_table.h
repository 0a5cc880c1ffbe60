/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_STATS_HDR_TABLE_H
#define HX_STATS_HDR_TABLE_H

#include <otel/err.h>

#include "harness/stats/hdr.h"
#include "sdk/base/buf.h"

/*
 * Percentile table (.hgrm): value, percentile, total count, 1 / (1 - percentile), as the public
 * HdrHistogram plotters and gnuplot read it. For people and plots; to keep data use hdr_log.h.
 *
 * Threads   no state.
 */

struct hx_hdr_row {
    double percentile; /* 0 to 100 */
    uint64_t value;
    uint64_t count; /* values up to and including this one */
};

/* Rows get denser towards 100: 5 per halving of the distance. At most 5 * 40 + 2 rows. */
struct hx_hdr_rows {
    const struct hx_hdr *hdr;
    struct hx_hdr_iter iter;
    double next;
    bool done;
};
void hx_hdr_rows_init(struct hx_hdr_rows *rows, const struct hx_hdr *hdr);
bool hx_hdr_rows_next(struct hx_hdr_rows *rows, struct hx_hdr_row *ret);

/* Append the whole table; values are divided by unit (1e6: nanoseconds as milliseconds). */
OTEL_MUST_USE enum otel_err hx_hdr_table(const struct hx_hdr *hdr, double unit,
                                         struct otl_buf *out);

#endif
