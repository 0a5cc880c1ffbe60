/* SPDX-License-Identifier: Apache-2.0 */
/* An answer over HTTP: JSON of Jaeger's SamplingStrategyResponse. */
#include "sdk/remote/json_members.h"
#include "sdk/remote/strategy_draft.h"

struct reading {
    struct otl_json_reader json;
    struct otl_strategy_draft draft;
    bool has_kind, has_operations;
};

static bool probabilistic(void *reading, struct otl_view key)
{
    struct reading *r = reading;

    return otl_view_is(key, "samplingRate") ? otl_json_number(&r->json, 1, &r->draft.share)
                                            : otl_json_skip(&r->json, 2);
}

static bool rate_limiting(void *reading, struct otl_view key)
{
    struct reading *r = reading;

    return otl_view_is(key, "maxTracesPerSecond")
               ? otl_json_number(&r->json, OTL_STRATEGY_MOST_A_SECOND, &r->draft.rate)
               : otl_json_skip(&r->json, 2);
}

static bool operation_member(void *reading, struct otl_view key)
{
    struct reading *r = reading;
    struct otl_draft_operation *o = &r->draft.operations[r->draft.count - 1];
    size_t before = r->draft.names.len;
    struct otl_view raw;
    enum otel_err err;

    if (otl_view_is(key, "probabilisticSampling"))
        return otl_json_members(&r->json, probabilistic, r);
    if (!otl_view_is(key, "operation"))
        return otl_json_skip(&r->json, 3);
    if (!otl_json_take_string(&r->json, &raw))
        return false;
    err = otl_json_unescape(raw, &r->draft.names);
    o->at = before;
    o->len = r->draft.names.len - before;
    return err == OTEL_OK || otl_json_fail(&r->json, err);
}

static bool operation(void *reading)
{
    struct reading *r = reading;
    struct otl_draft_operation *o;
    enum otel_err err = otl_draft_add(&r->draft, &o);

    if (err != OTEL_OK)
        return otl_json_fail(&r->json, err);
    r->draft.share = 0;
    if (!otl_json_members(&r->json, operation_member, r))
        return false;
    o->share = r->draft.share;
    return true;
}

static bool read_operations(struct reading *r)
{
    double share = r->draft.share; /* of its members, too */
    bool good;

    r->draft.count = 0;
    good = otl_json_items(&r->json, operation, r);
    r->draft.share = share;
    return good;
}

static bool operations_member(void *reading, struct otl_view key)
{
    struct reading *r = reading;

    if (otl_view_is(key, "defaultSamplingProbability"))
        return otl_json_number(&r->json, 1, &r->draft.default_share);
    if (otl_view_is(key, "defaultLowerBoundTracesPerSecond"))
        return otl_json_number(&r->json, OTL_STRATEGY_MOST_A_SECOND, &r->draft.least);
    if (otl_view_is(key, "perOperationStrategies"))
        return read_operations(r);
    return otl_json_skip(&r->json, 2);
}

static bool read_kind(struct reading *r)
{
    struct otl_view text;

    if (otl_json_peek(&r->json) == '"' ? !otl_json_take_string(&r->json, &text)
                                       : !otl_json_take_word(&r->json, &text))
        return false;
    r->has_kind = true;
    if (otl_view_is(text, "RATE_LIMITING") || otl_view_is(text, "1"))
        r->draft.kind = OTL_STRATEGY_RATE;
    else if (otl_view_is(text, "PROBABILISTIC") || otl_view_is(text, "0"))
        r->draft.kind = OTL_STRATEGY_SHARE;
    else
        return otl_json_fail(&r->json, OTEL_ERR_SYNTAX);
    return true;
}

static bool top_member(void *reading, struct otl_view key)
{
    struct reading *r = reading;

    if (otl_view_is(key, "strategyType"))
        return read_kind(r);
    if (otl_view_is(key, "probabilisticSampling")) {
        if (!r->has_kind)
            r->draft.kind = OTL_STRATEGY_SHARE;
        r->has_kind = r->has_kind || otl_json_peek(&r->json) == '{';
        return otl_json_members(&r->json, probabilistic, r);
    }
    if (otl_view_is(key, "rateLimitingSampling")) {
        if (!r->has_kind && otl_json_peek(&r->json) == '{') {
            r->has_kind = true;
            r->draft.kind = OTL_STRATEGY_RATE;
        }
        return otl_json_members(&r->json, rate_limiting, r);
    }
    if (otl_view_is(key, "operationSampling")) {
        r->has_operations = otl_json_peek(&r->json) == '{';
        return otl_json_members(&r->json, operations_member, r);
    }
    return otl_json_skip(&r->json, 1);
}

enum otel_err otl_strategy_read(struct otl_view body, struct otl_strategy **ret)
{
    struct reading r = {.json = {.rest = body}};
    enum otel_err err;

    otl_draft_init(&r.draft);
    if (otl_json_whole(&r.json, top_member, &r) && !r.has_kind && !r.has_operations)
        otl_json_fail(&r.json, OTEL_ERR_SYNTAX);
    if (r.has_operations)
        r.draft.kind = OTL_STRATEGY_OPERATIONS;
    err = r.json.err == OTEL_OK ? otl_draft_finish(&r.draft, ret) : r.json.err;
    otl_draft_fini(&r.draft);
    return err;
}
