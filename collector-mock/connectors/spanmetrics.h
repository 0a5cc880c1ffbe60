/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_CONNECTORS_SPANMETRICS_H
#define COL_CONNECTORS_SPANMETRICS_H

#include "collector-mock/connectors/exponential.h"
#include "collector-mock/connectors/made_metric.h"
#include "collector-mock/pipeline/component.h"
#include "collector-mock/wire/traces.h"
#include "sdk/base/random.h"

/* The span_metrics connector; shared by its files alone: spanmetrics.c (the component),
 * spanmetrics_settings.c, spanmetrics_series.c and spanmetrics_sweep.c. */

enum {
    COL_SM_SERIES_MAX = 50000, /* of a metric */
    COL_SM_BOUNDS_MAX = 64,
    COL_SM_DIMENSIONS_MAX = 32,
    COL_SM_SLOTS = 4096,
    COL_SM_LABELS_MAX = 256,
    COL_SM_EXEMPLARS_MAX = 64,
    COL_SM_BUCKETS_MAX = 1024, /* of an exponential histogram */
    COL_SM_KEYS_MAX = 64
};

/* The metrics; each has series of its own. */
enum { COL_SM_CALLS, COL_SM_DURATION, COL_SM_EVENTS, COL_SM_METRICS };

/* Dimensions that are there unless they are excluded. */
enum { COL_SM_SERVICE, COL_SM_NAME, COL_SM_KIND, COL_SM_STATUS, COL_SM_FIXED_COUNT };
extern const char *const col_sm_fixed_names[COL_SM_FIXED_COUNT];

struct col_sm_dimensions {
    const char *names[COL_SM_DIMENSIONS_MAX], *fallbacks[COL_SM_DIMENSIONS_MAX];
    size_t count;
};

struct col_sm_series {
    struct col_sm_series *next, *chain; /* of its resource and metric; of its slot */
    size_t resource;
    unsigned metric;
    char *key;                   /* the labels, as put_label() writes them */
    size_t key_len;
    bool live;                   /* something was counted; delta: in this interval */
    bool shown;                  /* it was handed on before */
    bool overflow;               /* it stands for those that the limit left out */
    uint64_t start_wall_ns;      /* since when is counted */
    uint64_t seen_ns;
    uint64_t count;
    double sum;
    struct col_exponential exponential;
    struct col_made_exemplar *exemplars; /* of this interval */
    size_t exemplar_count;
    uint64_t buckets[];          /* of a duration: bound_count + 1, or exponential_max */
};

struct col_sm_resource {
    char *key, *labels; /* what tells it from others; all that is handed on of it */
    size_t key_len, labels_len;
    uint64_t seen_ns;
    bool leaving; /* it has expired, and goes on once more unless it is seen again */
    struct col_sm_series *first[COL_SM_METRICS];
    size_t live[COL_SM_METRICS];
};

struct col_spanmetrics {
    struct col_create create;
    double bounds[COL_SM_BOUNDS_MAX], unit_ns;
    size_t bound_count, exponential_max; /* exponential_max 0: explicit bounds */
    bool fixed[COL_SM_FIXED_COUNT], seconds, metrics[COL_SM_METRICS], exemplars, delta;
    struct col_sm_dimensions dimensions, more[COL_SM_METRICS];
    const char *keys[COL_SM_KEYS_MAX]; /* resource_metrics_key_attributes */
    size_t key_count;
    size_t exemplar_max, resource_max, cardinality, times_max, resource_count;
    uint64_t interval_ns, series_ns, resource_ns; /* expiration; 0: never */
    char names[COL_SM_METRICS][256];
    struct col_sm_resource *resources;
    struct col_sm_series *slots[COL_SM_SLOTS];
    size_t series_count[COL_SM_METRICS];
    struct otl_buf resource_key, resource_labels, key;
    struct otl_buf request; /* that is handed on */
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

struct col_sm_subject {
    const struct col_span *span;
    const struct col_event *event; /* COL_SM_EVENTS; NULL otherwise */
    struct otl_view service;
};

/* NULL: no room. With the limit reached: one series for all the others of the resource. It is
 * live. */
struct col_sm_series *col_sm_series(struct col_spanmetrics *self, size_t resource, unsigned metric,
                                    const struct col_sm_subject *subject);
uint32_t col_sm_slot(const char *key, size_t len, size_t resource, unsigned metric);

/* spanmetrics_sweep.c */
/* What is to be forgotten once everything was handed on at that time. */
void col_sm_sweep(struct col_spanmetrics *self, uint64_t wall_ns);
void col_sm_series_fini(struct col_spanmetrics *self);

#endif
