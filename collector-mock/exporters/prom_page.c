/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/prom_page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/clock.h"
#include "sdk/base/text.h"

static enum otel_err put_exemplar(const struct col_prom_series *series, double above, double upto,
                                  struct otl_buf *out)
{
    const struct col_prom_exemplar *found = NULL;
    char trace[33], span[17], value[48];

    for (size_t i = 0; i < series->exemplar_count; i++)
        if (series->exemplars[i].value > above && series->exemplars[i].value <= upto)
            found = &series->exemplars[i]; /* the last one, as the Collector's library has it */
    if (found == NULL)
        return OTEL_OK;
    otl_hex(found->trace_id, 16, trace);
    otl_hex(found->span_id, 8, span);
    col_prom_number(found->value, value);
    return otl_buf_printf(out, " # {trace_id=\"%s\",span_id=\"%s\"} %s %llu.%03llu", trace, span,
                          value, (unsigned long long)(found->wall_ns / OTL_NS_PER_S),
                          (unsigned long long)(found->wall_ns / 1000000 % 1000));
}

/* Behind a value: " MILLISECONDS", in OpenMetrics seconds; or nothing. */
static const char *stamp_of(const struct col_prom_series *series, const struct col_prom_page *page,
                            char out[64])
{
    uint64_t ms = series->time_ns / OTL_NS_PER_MS;
    char text[48];

    out[0] = '\0';
    if (!page->timestamps || series->type == COL_PROM_INFO)
        return out;
    if (!page->open_metrics) {
        snprintf(out, 64, " %llu", (unsigned long long)ms);
        return out;
    }
    col_prom_number((double)ms / 1000, text);
    snprintf(out, 64, " %s%s", text, strpbrk(text, ".e") == NULL ? ".0" : "");
    return out;
}

static enum otel_err put_histogram(const struct col_prom_series *series, bool open,
                                   const char *stamp, struct otl_buf *out)
{
    const char *comma = series->labels[0] != '\0' ? "," : "";
    enum otel_err err = OTEL_OK;
    double below = -INFINITY;
    unsigned long long sum = 0;
    char text[48];

    for (size_t i = 0; i <= series->bound_count && err == OTEL_OK; i++) {
        double upto = i < series->bound_count ? series->bounds[i] : INFINITY;
        sum += series->buckets[i];
        col_prom_number(upto, text);
        err = otl_buf_printf(out, "%s_bucket{%s%sle=\"%s%s\"} %llu%s", series->family,
                             series->labels, comma, text,
                             open && strpbrk(text, ".eI") == NULL ? ".0" : "", sum, stamp);
        if (err == OTEL_OK && open)
            err = put_exemplar(series, below, upto, out);
        if (err == OTEL_OK)
            err = otl_buf_append_byte(out, '\n');
        below = upto;
    }
    col_prom_number(series->sum, text);
    if (err == OTEL_OK)
        err = otl_buf_printf(out, "%s_sum{%s} %s%s%s\n%s_count{%s} %llu%s\n", series->family,
                             series->labels, text,
                             open && strpbrk(text, ".eI") == NULL ? ".0" : "", stamp,
                             series->family, series->labels, (unsigned long long)series->count,
                             stamp);
    return err;
}

static enum otel_err put_summary(const struct col_prom_series *series, const char *stamp,
                                 struct otl_buf *out)
{
    const char *comma = series->labels[0] != '\0' ? "," : "";
    char quantile[48], text[48];
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < series->bound_count && err == OTEL_OK; i++)
        err = otl_buf_printf(out, "%s{%s%squantile=\"%s\"} %s%s\n", series->family, series->labels,
                             comma, col_prom_number(series->bounds[i], quantile),
                             col_prom_number(series->values[i], text), stamp);
    if (err == OTEL_OK)
        err = otl_buf_printf(out, "%s_sum{%s} %s%s\n%s_count{%s} %llu%s\n", series->family,
                             series->labels, col_prom_number(series->sum, text), stamp,
                             series->family, series->labels, (unsigned long long)series->count,
                             stamp);
    return err;
}

static enum otel_err put_help(const struct col_prom_series *series, size_t len, struct otl_buf *out)
{
    static const char *const words[] = {"counter", "gauge", "histogram", "summary", "gauge"};
    enum otel_err err = otl_buf_printf(out, "# HELP %.*s ", (int)len, series->family);

    for (const char *at = series->help; *at != '\0' && err == OTEL_OK; at++)
        err = *at == '\\'  ? otl_buf_append_str(out, "\\\\")
              : *at == '\n' ? otl_buf_append_str(out, "\\n")
                            : otl_buf_append_byte(out, (uint8_t)*at);
    return err == OTEL_OK ? otl_buf_printf(out, "\n# TYPE %.*s %s\n", (int)len, series->family,
                                           words[series->type])
                          : err;
}

enum otel_err col_prom_page_put(const struct col_prom_table *self, size_t at,
                                const struct col_prom_page *page, struct otl_buf *out)
{
    const struct col_prom_series *series = self->series[at];
    bool open = page->open_metrics;
    bool first = at == 0 || strcmp(self->series[at - 1]->family, series->family) != 0;
    size_t len = strlen(series->family);
    enum otel_err err = OTEL_OK;
    char text[48], stamp[64];

    stamp_of(series, page, stamp);
    /* OpenMetrics names the family of a counter without its _total */
    if (open && series->type == COL_PROM_COUNTER && page->suffixes)
        len -= strlen("_total");
    if (first)
        err = put_help(series, len, out);
    if (err == OTEL_OK && series->type == COL_PROM_HISTOGRAM)
        return put_histogram(series, open, stamp, out);
    if (err == OTEL_OK && series->type == COL_PROM_SUMMARY)
        return put_summary(series, stamp, out);
    col_prom_number(series->value, text);
    if (err == OTEL_OK)
        err = otl_buf_printf(out, "%s{%s} %s%s%s", series->family, series->labels, text,
                             open && strpbrk(text, ".eIN") == NULL ? ".0" : "", stamp);
    if (err == OTEL_OK && open && series->type == COL_PROM_COUNTER)
        err = put_exemplar(series, -INFINITY, INFINITY, out);
    return err == OTEL_OK ? otl_buf_append_byte(out, '\n') : err;
}
