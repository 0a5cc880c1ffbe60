/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_PROM_PAGE_H
#define COL_EXPORTERS_PROM_PAGE_H

#include "collector-mock/exporters/prom_series.h"

/*
 * Series as /metrics shows them, in Prometheus text or in OpenMetrics.
 *
 * Errors    those of otl_buf_append().
 */

struct col_prom_page {
    bool open_metrics;
    bool suffixes; /* names of counters end with _total */
    bool timestamps; /* of the points stand behind their values */
};

/* The n-th series of the table, and the head of its family if it is the first one of it. */
OTEL_MUST_USE enum otel_err col_prom_page_put(const struct col_prom_table *table, size_t at,
                                              const struct col_prom_page *page,
                                              struct otl_buf *out);

#endif
