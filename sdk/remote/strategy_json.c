/* SPDX-License-Identifier: Apache-2.0 */
/* An answer over HTTP: JSON of Jaeger's SamplingStrategyResponse. */
#include <string.h>

#include "sdk/base/json_read.h"
#include "sdk/base/text.h"
#include "sdk/remote/strategy_draft.h"

struct reading {
    struct otl_json_reader json;
    struct otl_strategy_draft draft;
    bool has_kind, has_operations;
};

static bool read_number(struct reading *r, double max, double *ret)
{
    struct otl_view text;
    char digits[64];

    if (otl_json_peek(&r->json) == '"' ? !otl_json_take_string(&r->json, &text)
                                       : !otl_json_take_word(&r->json, &text))
        return false;
    if (otl_view_is(text, "null"))
        return true;
    if (text.len == 0 || text.len >= sizeof(digits))
        return otl_json_fail(&r->json, OTEL_ERR_SYNTAX);
    memcpy(digits, text.data, text.len);
    digits[text.len] = '\0';
    return otl_parse_double(digits, 0, max, ret) == OTEL_OK ||
           otl_json_fail(&r->json, OTEL_ERR_ARGUMENT);
}

typedef bool member_fn(struct reading *r, struct otl_view key);

/* An object, or null; unknown members are member's to skip. */
static bool read_object(struct reading *r, member_fn *member)
{
    struct otl_view key;

    if (otl_json_peek(&r->json) != '{')
        return otl_json_take_word(&r->json, &key) &&
               (otl_view_is(key, "null") || otl_json_fail(&r->json, OTEL_ERR_SYNTAX));
    otl_json_take(&r->json, '{');
    if (otl_json_take(&r->json, '}'))
        return true;
    do {
        if (!otl_json_take_string(&r->json, &key) || !otl_json_need(&r->json, ':') ||
            !member(r, key))
            return false;
    } while (otl_json_take(&r->json, ','));
    return otl_json_need(&r->json, '}');
}

static bool probabilistic(struct reading *r, struct otl_view key)
{
    return otl_view_is(key, "samplingRate") ? read_number(r, 1, &r->draft.share)
                                            : otl_json_skip(&r->json, 2);
}

static bool rate_limiting(struct reading *r, struct otl_view key)
{
    return otl_view_is(key, "maxTracesPerSecond")
               ? read_number(r, OTL_STRATEGY_MOST_A_SECOND, &r->draft.rate)
               : otl_json_skip(&r->json, 2);
}

static bool operation_member(struct reading *r, struct otl_view key)
{
    struct otl_draft_operation *o = &r->draft.operations[r->draft.count - 1];
    size_t before = r->draft.names.len;
    struct otl_view raw;
    enum otel_err err;

    if (otl_view_is(key, "probabilisticSampling"))
        return read_object(r, probabilistic);
    if (!otl_view_is(key, "operation"))
        return otl_json_skip(&r->json, 3);
    if (!otl_json_take_string(&r->json, &raw))
        return false;
    err = otl_json_unescape(raw, &r->draft.names);
    o->at = before;
    o->len = r->draft.names.len - before;
    return err == OTEL_OK || otl_json_fail(&r->json, err);
}

static bool read_operations(struct reading *r)
{
    struct otl_draft_operation *o;
    struct otl_view word;
    double share = r->draft.share; /* of its members, too */
    enum otel_err err;

    r->draft.count = 0;
    if (otl_json_peek(&r->json) != '[')
        return otl_json_take_word(&r->json, &word) &&
               (otl_view_is(word, "null") || otl_json_fail(&r->json, OTEL_ERR_SYNTAX));
    otl_json_take(&r->json, '[');
    if (otl_json_take(&r->json, ']'))
        return true;
    do {
        err = otl_draft_add(&r->draft, &o);
        if (err != OTEL_OK)
            return otl_json_fail(&r->json, err);
        r->draft.share = 0;
        if (!read_object(r, operation_member))
            return false;
        o->share = r->draft.share;
    } while (otl_json_take(&r->json, ','));
    r->draft.share = share;
    return otl_json_need(&r->json, ']');
}

static bool operations_member(struct reading *r, struct otl_view key)
{
    if (otl_view_is(key, "defaultSamplingProbability"))
        return read_number(r, 1, &r->draft.default_share);
    if (otl_view_is(key, "defaultLowerBoundTracesPerSecond"))
        return read_number(r, OTL_STRATEGY_MOST_A_SECOND, &r->draft.least);
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

static bool top_member(struct reading *r, struct otl_view key)
{
    if (otl_view_is(key, "strategyType"))
        return read_kind(r);
    if (otl_view_is(key, "probabilisticSampling")) {
        if (!r->has_kind)
            r->draft.kind = OTL_STRATEGY_SHARE;
        r->has_kind = r->has_kind || otl_json_peek(&r->json) == '{';
        return read_object(r, probabilistic);
    }
    if (otl_view_is(key, "rateLimitingSampling")) {
        if (!r->has_kind && otl_json_peek(&r->json) == '{') {
            r->has_kind = true;
            r->draft.kind = OTL_STRATEGY_RATE;
        }
        return read_object(r, rate_limiting);
    }
    if (otl_view_is(key, "operationSampling")) {
        r->has_operations = otl_json_peek(&r->json) == '{';
        return read_object(r, operations_member);
    }
    return otl_json_skip(&r->json, 1);
}

enum otel_err otl_strategy_read(struct otl_view body, struct otl_strategy **ret)
{
    struct reading r = {.json = {.rest = body}};
    enum otel_err err;

    otl_draft_init(&r.draft);
    if (otl_json_peek(&r.json) != '{')
        otl_json_fail(&r.json, OTEL_ERR_SYNTAX);
    else if (read_object(&r, top_member)) {
        otl_json_skip_blanks(&r.json);
        if (r.json.rest.len != 0 || (!r.has_kind && !r.has_operations))
            otl_json_fail(&r.json, OTEL_ERR_SYNTAX);
    }
    if (r.has_operations)
        r.draft.kind = OTL_STRATEGY_OPERATIONS;
    err = r.json.err == OTEL_OK ? otl_draft_finish(&r.draft, ret) : r.json.err;
    otl_draft_fini(&r.draft);
    return err;
}
