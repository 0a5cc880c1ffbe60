/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/connectors/spanmetrics.h"

#include <string.h>

#include "sdk/base/mem.h"

/* What span_metrics forgets: series and resources that nothing was heard of for long, and with
 * delta temporality all that was counted, so that of a series only its time is left. */

static void free_series(struct col_sm_series *series)
{
    otl_mem_free(series->key);
    otl_mem_free(series->exemplars);
    otl_mem_free(series);
}

/* Counted anew from the time of the point that was handed on. */
static void begin_again(struct col_spanmetrics *self, struct col_sm_series *series,
                        uint64_t wall_ns)
{
    series->live = false;
    series->start_wall_ns = wall_ns;
    series->count = 0;
    series->sum = 0;
    if (series->metric != COL_SM_DURATION)
        return;
    if (self->exponential_max > 0)
        col_exponential_begin(&series->exponential, series->buckets, self->exponential_max);
    else
        memset(series->buckets, 0, (self->bound_count + 1) * sizeof(series->buckets[0]));
}

struct sweep {
    uint64_t now_ns, wall_ns;
    bool times; /* delta: there are more times than are to be kept */
    bool leaving; /* the resource at hand goes */
};

static bool is_over(const struct col_spanmetrics *self, const struct col_sm_series *series,
                    const struct sweep *sweep)
{
    if (self->delta)
        return sweep->times && !series->live;
    return sweep->leaving ||
           (self->series_ns > 0 && sweep->now_ns - series->seen_ns >= self->series_ns);
}

/* Its series that stay, under its new number. */
static bool sweep_resource(struct col_spanmetrics *self, struct col_sm_resource *resource,
                           size_t number, const struct sweep *sweep)
{
    bool any = false;

    for (unsigned m = 0; m < COL_SM_METRICS; m++) {
        struct col_sm_series *series = resource->first[m], *next;
        resource->first[m] = NULL;
        resource->live[m] = 0;
        for (; series != NULL; series = next) {
            struct col_sm_series **slot;
            next = series->next;
            if (is_over(self, series, sweep)) {
                free_series(series);
                self->series_count[m]--;
                continue;
            }
            if (self->delta && series->live)
                begin_again(self, series, sweep->wall_ns);
            series->resource = number;
            series->next = resource->first[m];
            resource->first[m] = series;
            resource->live[m] += series->live;
            slot = &self->slots[col_sm_slot(series->key, series->key_len, number, m)];
            series->chain = *slot;
            *slot = series;
            any = true;
        }
    }
    return any;
}

void col_sm_sweep(struct col_spanmetrics *self, uint64_t wall_ns)
{
    struct sweep sweep = {otl_clock_mono(self->create.host->clock), wall_ns, false, false};
    size_t kept = 0, all = 0;

    if (!self->delta && self->series_ns == 0 && self->resource_ns == 0)
        return;
    for (unsigned m = 0; m < COL_SM_METRICS; m++)
        all += self->series_count[m];
    sweep.times = all > self->times_max;
    memset(self->slots, 0, sizeof(self->slots));
    for (size_t i = 0; i < self->resource_count; i++) {
        struct col_sm_resource resource = self->resources[i];
        sweep.leaving = resource.leaving;
        resource.leaving = !self->delta && self->resource_ns > 0 &&
                           sweep.now_ns - resource.seen_ns >= self->resource_ns;
        if (sweep_resource(self, &resource, kept, &sweep)) {
            self->resources[kept++] = resource;
            continue;
        }
        otl_mem_free(resource.key);
        otl_mem_free(resource.labels);
    }
    self->resource_count = kept;
}

void col_sm_series_fini(struct col_spanmetrics *self)
{
    for (size_t i = 0; i < self->resource_count; i++) {
        for (unsigned m = 0; m < COL_SM_METRICS; m++) {
            struct col_sm_series *series = self->resources[i].first[m];
            while (series != NULL) {
                struct col_sm_series *next = series->next;
                free_series(series);
                series = next;
            }
        }
        otl_mem_free(self->resources[i].key);
        otl_mem_free(self->resources[i].labels);
    }
    otl_mem_free(self->resources);
}
