/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_PROM_NAMES_H
#define COL_EXPORTERS_PROM_NAMES_H

#include "collector-mock/wire/metrics.h"
#include "sdk/base/buf.h"

/*
 * How the prometheus exporter spells what OTLP says: names, labels, numbers; by the Collector's
 * rules.
 *
 * Errors    those of otl_buf_append().
 */

enum col_prom_type {
    COL_PROM_COUNTER,
    COL_PROM_GAUGE,
    COL_PROM_HISTOGRAM,
    COL_PROM_SUMMARY,
    COL_PROM_INFO
};

/* As Go prints them; out is returned. */
const char *col_prom_number(double value, char out[48]);
/* A label's name: what Prometheus does not know becomes '_'. */
OTEL_MUST_USE enum otel_err col_prom_label(struct otl_buf *out, struct otl_view name);
/* A label's value between its quotes. */
OTEL_MUST_USE enum otel_err col_prom_escape(struct otl_buf *out, struct otl_view value);

struct col_prom_name {
    const char *space; /* the namespace; "": none */
    struct otl_view name, unit;
    enum col_prom_type type;
    bool suffixes; /* unit and _total are added */
};

/* The family's name, with a NUL behind it; out is reset first. */
OTEL_MUST_USE enum otel_err col_prom_family(struct otl_buf *out, const struct col_prom_name *name);

#endif
