/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_CONNECTORS_SPANMETRICS_H
#define COL_CONNECTORS_SPANMETRICS_H

#include "collector-mock/connectors/made_metric.h"
#include "collector-mock/pipeline/component.h"
#include "collector-mock/wire/traces.h"
#include "sdk/base/random.h"

/* The span_metrics connector; shared by its files alone: spanmetrics.c (the component),
 * spanmetrics_settings.c and spanmetrics_series.c. */

enum {
    COL_SM_SERIES_MAX = 50000,
    COL_SM_BOUNDS_MAX = 64,
    COL_SM_DIMENSIONS_MAX = 32,
    COL_SM_SLOTS = 4096,
    COL_SM_LABELS_MAX = 256,
    COL_SM_EXEMPLARS_MAX = 64
};

/* Dimensions that are there unless they are excluded. */
enum { COL_SM_SERVICE, COL_SM_NAME, COL_SM_KIND, COL_SM_STATUS, COL_SM_FIXED_COUNT };
extern const char *const col_sm_fixed_names[COL_SM_FIXED_COUNT];

struct col_sm_series {
    struct col_sm_series *next, *chain; /* of its resource; of its slot */
    size_t resource;
    char *key;                   /* the labels, as put_label() writes them */
    size_t key_len;
    uint64_t count;
    double sum;
    struct col_made_exemplar *exemplars; /* of this interval */
    size_t exemplar_count;
    uint64_t buckets[];          /* bound_count + 1 */
};

struct col_sm_resource {
    char *key;
    size_t key_len;
    struct col_sm_series *first;
    size_t count;
};

struct col_spanmetrics {
    struct col_create create;
    double bounds[COL_SM_BOUNDS_MAX], unit_ns;
    size_t bound_count;
    bool fixed[COL_SM_FIXED_COUNT], seconds, histogram, exemplars;
    const char *names[COL_SM_DIMENSIONS_MAX], *fallbacks[COL_SM_DIMENSIONS_MAX];
    size_t dimension_count, exemplar_max, resource_max, cardinality, resource_count;
    uint64_t interval_ns;
    char calls[256], duration[256];
    struct col_sm_resource *resources;
    struct col_sm_series *slots[COL_SM_SLOTS];
    size_t series_count;
    struct otl_buf resource_key, key;
    struct otl_buf request; /* that is handed on */
    uint64_t start_wall_ns;
    struct event *timer;
    uint64_t *nameless, *over, *lost;
    struct otl_random random;
};

/* spanmetrics_settings.c */
extern const struct otl_schema col_sm_row[];
OTEL_MUST_USE enum otel_err col_sm_read(struct col_spanmetrics *self, struct otl_detail *reterr);

/* spanmetrics_series.c: labels are name and value, each behind its length. */
size_t col_sm_labels(const char *key, size_t len, struct col_made_label labels[COL_SM_LABELS_MAX]);
/* The resource's number; SIZE_MAX: there is no room for it. */
size_t col_sm_resource(struct col_spanmetrics *self, const struct col_resource *resource);
/* NULL: no room. With the limit reached: one series for all the others of the resource. */
struct col_sm_series *col_sm_series(struct col_spanmetrics *self, size_t resource,
                                    const struct col_span *span, struct otl_view service);
void col_sm_series_fini(struct col_spanmetrics *self);

#endif
