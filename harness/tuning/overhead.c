/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks of an overhead measurement. */
#include <stdio.h>

#include "harness/tuning/grid.h"
#include "harness/tuning/slice.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

enum { PATH_SIZE = 4096 };

struct measurement {
    const struct hx_overhead_options *options;
    struct hx_slices *slices;
    char dir[PATH_SIZE];
    struct otl_detail *reterr;
};

static enum otel_err run_slice(struct measurement *m, unsigned block, unsigned load, unsigned arm)
{
    const struct hx_slice_run slice = {.options = m->options, .dir = m->dir,
                                       .seed = (m->slices->seed >> 1) + block,
                                       .load = (enum hx_overhead_load)load,
                                       .arm = (enum hx_overhead_arm)arm};

    return hx_slice_run(&slice, hx_slice_at(m->slices, block, load, arm), m->reterr);
}

/* An arm that will not be compared need not be run again; without a base none is. */
static bool is_due(const struct measurement *m, unsigned load, size_t arm)
{
    const struct hx_slices *slices = m->slices;

    return slices->plan->arms[arm] && !hx_overhead_spoilt(slices, load, (unsigned)arm) &&
           !hx_overhead_spoilt(slices, load, HX_ARM_NONE);
}

static enum otel_err run_block(struct measurement *m, unsigned block)
{
    const struct hx_overhead *plan = m->slices->plan;
    unsigned first = plan->saturation_rate > 0 ? HX_OVERHEAD_SATURATION : HX_OVERHEAD_HELD;
    unsigned end = m->options->saturation_only ? HX_OVERHEAD_HELD : HX_OVERHEAD_LOADS;
    enum otel_err err = OTEL_OK;

    if (!m->options->quiet)
        fprintf(stderr, "overhead: block %u of %u\n", block + 1, plan->blocks);
    for (unsigned load = first; load < end; load++) {
        size_t order[HX_ARMS];
        hx_shuffled(m->slices->seed + block * HX_OVERHEAD_LOADS + load, order, HX_ARMS);
        for (size_t i = 0; i < HX_ARMS && err == OTEL_OK; i++)
            if (is_due(m, load, order[i]))
                err = run_slice(m, block, load, (unsigned)order[i]);
    }
    return err;
}

enum otel_err hx_overhead_slices(const struct hx_overhead_options *options,
                                 struct hx_slices *ret, struct otl_detail *reterr)
{
    const struct hx_scenario *scenario = options->scenario;
    struct measurement m = {.options = options, .reterr = reterr, .slices = ret};
    size_t count = (size_t)scenario->overhead.blocks * HX_OVERHEAD_LOADS * HX_ARMS;
    enum otel_err err = OTEL_OK;

    *ret = (struct hx_slices){.plan = &scenario->overhead, .held_rate = scenario->load.rate,
                              .seed = scenario->seed};
    if (options->part > 0)
        ret->seed = otl_random_mix(scenario->seed, options->part);
    if (snprintf(m.dir, sizeof(m.dir), "%s/overhead", options->dir) >= PATH_SIZE)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, options->dir, 0, 0, "the path is too long");
    ret->items = otl_mem_zalloc(count * sizeof(*ret->items));
    if (ret->items == NULL)
        return OTEL_ERR_MEMORY;
    for (unsigned block = 0; block < scenario->overhead.blocks && err == OTEL_OK; block++)
        err = run_block(&m, block);
    hx_slice_remove(m.dir);
    return err;
}

void hx_slices_fini(struct hx_slices *slices)
{
    size_t count = slices->items ? (size_t)slices->plan->blocks * HX_OVERHEAD_LOADS * HX_ARMS : 0;

    for (size_t i = 0; i < count; i++)
        hx_bins_fini(&slices->items[i].latency);
    otl_mem_free(slices->items);
    slices->items = NULL;
}

enum otel_err hx_overhead_measure(const struct hx_overhead_options *options, json_t **ret,
                                  struct otl_detail *reterr)
{
    bool counts = options->scenario->overhead.instructions;
    struct hx_slices slices;
    char dir[PATH_SIZE];
    enum otel_err err = OTEL_OK;

    if (counts)
        err = hx_find_valgrind(dir, reterr); /* now, not after minutes */
    if (err != OTEL_OK)
        return err;
    err = hx_overhead_slices(options, &slices, reterr);
    if (err == OTEL_OK) {
        snprintf(dir, sizeof(dir), "%.4000s/overhead", options->dir);
        slices.ledger_ns_per_span = hx_ledger_ns_per_span(dir);
        hx_slice_remove(dir);
        *ret = hx_overhead_sum(&slices);
        err = *ret ? OTEL_OK : OTEL_ERR_MEMORY;
    }
    hx_slices_fini(&slices);
    if (err == OTEL_OK && counts) {
        json_t *rows = NULL;
        err = hx_overhead_instructions(options, &rows, reterr);
        if (err == OTEL_OK) {
            json_object_set_new(*ret, "instructions", rows);
        } else {
            json_decref(*ret);
            *ret = NULL;
        }
    }
    return err;
}
