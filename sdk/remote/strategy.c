/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/remote/strategy.h"

#include <otel/sdk/remote_sampler.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/clock.h"
#include "sdk/base/json_read.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

#define MOST_A_SECOND 1e9

enum { NAMES_MAX = 1 << 20 };

enum kind { SHARE, RATE, OPERATIONS };

/* Traces a second. */
struct budget {
    double rate;
    uint64_t full_at; /* atomic: when nothing of it would be used up, on the monotonic clock */
};

struct operation {
    struct otl_view name; /* data is set once all names are there: their buffer grows */
    size_t at;
    uint64_t bound;       /* of the share, as traceidratio's */
    struct budget least;
};

struct otl_strategy {
    enum kind kind;
    uint64_t bound;       /* SHARE; OPERATIONS: of the others */
    struct budget budget; /* RATE; OPERATIONS: the others', at least */
    struct otl_buf names;
    size_t count;
    struct operation operations[]; /* by name */
};

/* --- decisions --- */

static bool within(struct budget *budget, uint64_t now)
{
    uint64_t step, burst, full = __atomic_load_n(&budget->full_at, __ATOMIC_RELAXED), next;

    if (!(budget->rate > 0))
        return false;
    step = (uint64_t)((double)OTL_NS_PER_S / budget->rate);
    burst = budget->rate > 1 ? OTL_NS_PER_S : step;
    do {
        next = (full > now ? full : now) + step;
        if (next > now + burst)
            return false;
    } while (!__atomic_compare_exchange_n(&budget->full_at, &full, next, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return true;
}

/* The rule of Go and Rust, as otel_sdk_sampler_traceidratio_new(). */
static bool in_share(const uint8_t *trace_id, uint64_t bound)
{
    uint64_t low = 0;

    for (int i = 8; i < OTEL_TRACE_ID_SIZE; i++)
        low = low << 8 | trace_id[i];
    return low >> 1 < bound;
}

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
    struct budget *least = &s->budget;
    bool share, budget;

    if (s->kind == SHARE)
        return in_share(input->trace_id, s->bound);
    if (s->kind == RATE)
        return within(&s->budget, now_ns);
    if (s->count != 0)
        found = bsearch(&key, s->operations, s->count, sizeof(key), by_name);
    if (found != NULL) {
        bound = found->bound;
        least = &found->least;
    }
    share = in_share(input->trace_id, bound);
    budget = within(least, now_ns); /* what the share keeps counts, too */
    return share || budget;
}

/* --- reading --- */

/* What was read so far; operations grow on the heap. */
struct draft {
    struct otl_json_reader r;
    bool has_kind;
    enum kind kind;
    double share, rate, default_share, least;
    bool has_operations;
    struct operation *operations;
    size_t count, room;
    struct otl_buf names;
};

static bool read_number(struct draft *d, double max, double *ret)
{
    struct otl_view text;
    char digits[64];

    if (otl_json_peek(&d->r) == '"' ? !otl_json_take_string(&d->r, &text)
                                    : !otl_json_take_word(&d->r, &text))
        return false;
    if (otl_view_is(text, "null"))
        return true;
    if (text.len == 0 || text.len >= sizeof(digits))
        return otl_json_fail(&d->r, OTEL_ERR_SYNTAX);
    memcpy(digits, text.data, text.len);
    digits[text.len] = '\0';
    return otl_parse_double(digits, 0, max, ret) == OTEL_OK ||
           otl_json_fail(&d->r, OTEL_ERR_ARGUMENT);
}

typedef bool member_fn(struct draft *d, struct otl_view key);

/* An object, or null; unknown members are member's to skip. */
static bool read_object(struct draft *d, member_fn *member)
{
    struct otl_view key;

    if (otl_json_peek(&d->r) != '{')
        return otl_json_take_word(&d->r, &key) &&
               (otl_view_is(key, "null") || otl_json_fail(&d->r, OTEL_ERR_SYNTAX));
    otl_json_take(&d->r, '{');
    if (otl_json_take(&d->r, '}'))
        return true;
    do {
        if (!otl_json_take_string(&d->r, &key) || !otl_json_need(&d->r, ':') || !member(d, key))
            return false;
    } while (otl_json_take(&d->r, ','));
    return otl_json_need(&d->r, '}');
}

static bool probabilistic(struct draft *d, struct otl_view key)
{
    return otl_view_is(key, "samplingRate") ? read_number(d, 1, &d->share)
                                            : otl_json_skip(&d->r, 2);
}

static bool rate_limiting(struct draft *d, struct otl_view key)
{
    return otl_view_is(key, "maxTracesPerSecond") ? read_number(d, MOST_A_SECOND, &d->rate)
                                                  : otl_json_skip(&d->r, 2);
}

static bool make_room(struct draft *d)
{
    size_t room = d->room == 0 ? 16 : 2 * d->room;
    struct operation *more;

    if (d->count == OTEL_SDK_REMOTE_MAX_OPERATIONS)
        return otl_json_fail(&d->r, OTEL_ERR_LIMIT);
    if (d->count < d->room)
        return true;
    more = otl_mem_realloc(d->operations, room * sizeof(*more));
    if (more == NULL)
        return otl_json_fail(&d->r, OTEL_ERR_MEMORY);
    d->operations = more;
    d->room = room;
    return true;
}

static bool operation_member(struct draft *d, struct otl_view key)
{
    struct operation *o = &d->operations[d->count];
    size_t before = d->names.len;
    struct otl_view raw;
    enum otel_err err;

    if (otl_view_is(key, "probabilisticSampling"))
        return read_object(d, probabilistic);
    if (!otl_view_is(key, "operation"))
        return otl_json_skip(&d->r, 3);
    if (!otl_json_take_string(&d->r, &raw))
        return false;
    err = otl_json_unescape(raw, &d->names);
    o->at = before;
    o->name.len = d->names.len - before;
    return err == OTEL_OK || otl_json_fail(&d->r, err);
}

static uint64_t bound_of(double share)
{
    return (uint64_t)(share * 0x1p63);
}

static bool read_operations(struct draft *d)
{
    struct otl_view word;
    double share = d->share;

    d->count = 0;
    if (otl_json_peek(&d->r) != '[')
        return otl_json_take_word(&d->r, &word) &&
               (otl_view_is(word, "null") || otl_json_fail(&d->r, OTEL_ERR_SYNTAX));
    otl_json_take(&d->r, '[');
    if (otl_json_take(&d->r, ']'))
        return true;
    do {
        if (!make_room(d))
            return false;
        memset(&d->operations[d->count], 0, sizeof(d->operations[0]));
        d->share = 0;
        if (!read_object(d, operation_member))
            return false;
        d->operations[d->count++].bound = bound_of(d->share);
    } while (otl_json_take(&d->r, ','));
    d->share = share;
    return otl_json_need(&d->r, ']');
}

static bool operations_member(struct draft *d, struct otl_view key)
{
    if (otl_view_is(key, "defaultSamplingProbability"))
        return read_number(d, 1, &d->default_share);
    if (otl_view_is(key, "defaultLowerBoundTracesPerSecond"))
        return read_number(d, MOST_A_SECOND, &d->least);
    if (otl_view_is(key, "perOperationStrategies"))
        return read_operations(d);
    return otl_json_skip(&d->r, 2);
}

static bool read_kind(struct draft *d)
{
    struct otl_view text;

    if (otl_json_peek(&d->r) == '"' ? !otl_json_take_string(&d->r, &text)
                                    : !otl_json_take_word(&d->r, &text))
        return false;
    d->has_kind = true;
    d->kind = otl_view_is(text, "RATE_LIMITING") || otl_view_is(text, "1") ? RATE : SHARE;
    return d->kind == RATE || otl_view_is(text, "PROBABILISTIC") || otl_view_is(text, "0") ||
           otl_json_fail(&d->r, OTEL_ERR_SYNTAX);
}

static bool top_member(struct draft *d, struct otl_view key)
{
    if (otl_view_is(key, "strategyType"))
        return read_kind(d);
    if (otl_view_is(key, "probabilisticSampling")) {
        if (!d->has_kind)
            d->kind = SHARE;
        d->has_kind = d->has_kind || otl_json_peek(&d->r) == '{';
        return read_object(d, probabilistic);
    }
    if (otl_view_is(key, "rateLimitingSampling")) {
        if (!d->has_kind && otl_json_peek(&d->r) == '{') {
            d->has_kind = true;
            d->kind = RATE;
        }
        return read_object(d, rate_limiting);
    }
    if (otl_view_is(key, "operationSampling")) {
        d->has_operations = otl_json_peek(&d->r) == '{';
        return read_object(d, operations_member);
    }
    return otl_json_skip(&d->r, 1);
}

/* The names' places are known only now that their buffer grows no more. */
static enum otel_err finish(struct draft *d, struct otl_strategy **ret)
{
    struct otl_strategy *s =
        otl_mem_zalloc(sizeof(*s) + (d->has_operations ? d->count : 0) * sizeof(s->operations[0]));

    if (s == NULL)
        return OTEL_ERR_MEMORY;
    s->kind = d->has_operations ? OPERATIONS : d->kind;
    s->bound = bound_of(d->has_operations ? d->default_share : d->share);
    s->budget.rate = d->has_operations ? d->least : d->rate;
    s->names = d->names;
    otl_buf_init(&d->names, NAMES_MAX);
    for (size_t i = 0; d->has_operations && i < d->count; i++) {
        struct operation *o = &s->operations[s->count++];
        *o = d->operations[i];
        o->name.data = o->name.len != 0 ? s->names.data + o->at : "";
        o->least.rate = d->least;
    }
    if (s->count != 0)
        qsort(s->operations, s->count, sizeof(s->operations[0]), by_name);
    *ret = s;
    return OTEL_OK;
}

enum otel_err otl_strategy_read(struct otl_view body, struct otl_strategy **ret)
{
    struct draft d;
    enum otel_err err;

    memset(&d, 0, sizeof(d));
    d.r.rest = body;
    otl_buf_init(&d.names, NAMES_MAX);
    if (otl_json_peek(&d.r) != '{')
        otl_json_fail(&d.r, OTEL_ERR_SYNTAX);
    else if (read_object(&d, top_member)) {
        otl_json_skip_blanks(&d.r);
        if (d.r.rest.len != 0 || (!d.has_kind && !d.has_operations))
            otl_json_fail(&d.r, OTEL_ERR_SYNTAX);
    }
    err = d.r.err == OTEL_OK ? finish(&d, ret) : d.r.err;
    otl_buf_fini(&d.names);
    otl_mem_free(d.operations);
    return err;
}

void otl_strategy_free(struct otl_strategy *strategy)
{
    if (strategy == NULL)
        return;
    otl_buf_fini(&strategy->names);
    otl_mem_free(strategy);
}
