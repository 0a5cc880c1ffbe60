/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_PROM_SERIES_H
#define COL_EXPORTERS_PROM_SERIES_H

#include "collector-mock/exporters/prom_names.h"

/*
 * What the prometheus exporter keeps: the last value of each series, in the order of families and
 * labels.
 *
 * Life      new -> fill -> keep, which takes it over. A table is zeroed -> keep... -> fini.
 * Memory    everything is copied.
 * Limits    COL_PROM_SERIES_MAX series of a table.
 */

enum { COL_PROM_SERIES_MAX = 100000 };

struct col_prom_exemplar {
    uint8_t trace_id[16], span_id[8];
    double value;
    uint64_t wall_ns;
};

struct col_prom_series {
    char *family, *help, *labels;
    enum col_prom_type type;
    uint64_t count, seen_ns;
    uint64_t start_ns, time_ns; /* of the point */
    double value; /* counter, gauge */
    double sum;
    double *bounds;    /* summary: quantiles */
    uint64_t *buckets; /* each its own observations */
    double *values;    /* of the quantiles */
    size_t bound_count;
    struct col_prom_exemplar *exemplars;
    size_t exemplar_count;
};

struct col_prom_table {
    struct col_prom_series **series; /* by family, then labels */
    size_t count, cap;
};

/* NULL: no memory. labels as they are shown. */
struct col_prom_series *col_prom_series_new(enum col_prom_type type, const char *family,
                                            struct otl_view help, struct otl_view labels,
                                            uint64_t seen_ns);
void col_prom_series_free(struct col_prom_series *series); /* may be NULL */
/* The values of the point; false: no memory. */
bool col_prom_series_fill(struct col_prom_series *series, const struct col_point *point,
                          bool exemplars);

/* What is kept under these labels; NULL: nothing. */
struct col_prom_series *col_prom_find(const struct col_prom_table *table, const char *family,
                                      const char *labels);
/* What a point that has come becomes beside the one that is there (NULL: none), as the Collector
 * has it: an older one is of no use; one of delta temporality that begins where that one ends is
 * added to it, another one begins anew; false: it is not to be kept. */
bool col_prom_join(struct col_prom_series *series, const struct col_prom_series *before,
                   bool delta);
/* In place of what was there under these labels; false: no room. series is owned from here on. */
bool col_prom_keep(struct col_prom_table *table, struct col_prom_series *series);
void col_prom_remove(struct col_prom_table *table, const char *family, const char *labels);
/* Those that were not seen since then are gone. */
void col_prom_expire(struct col_prom_table *table, uint64_t now_ns, uint64_t expiration_ns);
void col_prom_fini(struct col_prom_table *table);

#endif
