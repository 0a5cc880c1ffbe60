/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/remote_sampler.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/remote/draw.h"
#include "sdk/remote/strategy_draft.h"

enum { NAMES_MAX = 1 << 20 };

struct operation {
    struct otl_view name;
    uint64_t bound; /* of the share, as traceidratio's */
    struct otl_budget least;
};

struct otl_strategy {
    enum otl_strategy_kind kind;
    uint64_t bound;       /* SHARE; OPERATIONS: of the others */
    struct otl_budget budget; /* RATE; OPERATIONS: the others', at least */
    struct otl_buf names;
    size_t count;
    struct operation operations[]; /* by name */
};

/* --- decisions --- */

static int compare(struct otl_view a, struct otl_view b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len != 0 ? memcmp(a.data, b.data, len) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
    return compare(((const struct operation *)a)->name, ((const struct operation *)b)->name);
}

bool otl_strategy_keeps(struct otl_strategy *s, const struct otel_sdk_sampling_input *input,
                        uint64_t now_ns)
{
    struct operation key = {.name = otl_view(input->name.data, input->name.len)}, *found = NULL;
    uint64_t bound = s->bound;
    struct otl_budget *least = &s->budget;
    bool share, budget;

    if (s->kind == OTL_STRATEGY_SHARE)
        return otl_share_has(s->bound, input->trace_id);
    if (s->kind == OTL_STRATEGY_RATE)
        return otl_budget_take(&s->budget, now_ns);
    if (s->count != 0)
        found = bsearch(&key, s->operations, s->count, sizeof(key), by_name);
    if (found != NULL) {
        bound = found->bound;
        least = &found->least;
    }
    share = otl_share_has(bound, input->trace_id);
    budget = otl_budget_take(least, now_ns); /* what the share keeps counts, too */
    return share || budget;
}

/* --- drafts --- */

void otl_draft_init(struct otl_strategy_draft *d)
{
    memset(d, 0, sizeof(*d));
    otl_buf_init(&d->names, NAMES_MAX);
}

void otl_draft_fini(struct otl_strategy_draft *d)
{
    otl_buf_fini(&d->names);
    otl_mem_free(d->operations);
    d->operations = NULL;
}

enum otel_err otl_draft_add(struct otl_strategy_draft *d, struct otl_draft_operation **ret)
{
    size_t room = d->room == 0 ? 16 : 2 * d->room;
    struct otl_draft_operation *more;

    if (d->count == OTEL_SDK_REMOTE_MAX_OPERATIONS)
        return OTEL_ERR_LIMIT;
    if (d->count == d->room) {
        more = otl_mem_realloc(d->operations, room * sizeof(*more));
        if (more == NULL)
            return OTEL_ERR_MEMORY;
        d->operations = more;
        d->room = room;
    }
    *ret = &d->operations[d->count++];
    memset(*ret, 0, sizeof(**ret));
    return OTEL_OK;
}

enum otel_err otl_draft_finish(struct otl_strategy_draft *d, struct otl_strategy **ret)
{
    bool operations = d->kind == OTL_STRATEGY_OPERATIONS;
    size_t count = operations ? d->count : 0;
    struct otl_strategy *s = otl_mem_zalloc(sizeof(*s) + count * sizeof(s->operations[0]));

    if (s == NULL)
        return OTEL_ERR_MEMORY;
    s->kind = d->kind;
    s->bound = otl_share_bound(operations ? d->default_share : d->share);
    s->budget.rate = operations ? d->least : d->rate;
    s->names = d->names; /* it grows no more: the names' places are known now */
    otl_buf_init(&d->names, NAMES_MAX);
    for (; s->count < count; s->count++) {
        const struct otl_draft_operation *from = &d->operations[s->count];
        struct operation *o = &s->operations[s->count];
        o->name = otl_view(from->len != 0 ? s->names.data + from->at : "", from->len);
        o->bound = otl_share_bound(from->share);
        o->least.rate = d->least;
    }
    if (s->count != 0)
        qsort(s->operations, s->count, sizeof(s->operations[0]), by_name);
    *ret = s;
    return OTEL_OK;
}

void otl_strategy_free(struct otl_strategy *strategy)
{
    if (strategy == NULL)
        return;
    otl_buf_fini(&strategy->names);
    otl_mem_free(strategy);
}
