/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/condition.h"
#include "collector-mock/processors/tail/patterns.h"
#include "collector-mock/processors/tail/policy.h"

/* Policies that look at the trace alone, and those that join others. */

static enum col_tail_opinion says(bool sampled)
{
    return sampled ? COL_TAIL_SAYS_SAMPLED : COL_TAIL_SAYS_NOT_SAMPLED;
}

/* Span by span in order of arrival, ending with the first that brings the duration so far into the
 * range: with an upper bound the duration of a part may match where the whole does not, as in the
 * Collector. */
static bool latency(const struct col_tail_policy *policy, const struct col_tail_view *view)
{
    int64_t low = policy->as.latency.threshold_ms, high = policy->as.latency.upper_ms;
    uint64_t start = 0, end = 0;

    for (size_t i = 0; i < view->count; i++) {
        const struct col_span *span = &view->spans[i].span;
        int64_t ms;
        if (start == 0 || span->start_time_unix_nano < start)
            start = span->start_time_unix_nano;
        if (end == 0 || span->end_time_unix_nano > end)
            end = span->end_time_unix_nano;
        ms = (int64_t)(end - start) / 1000000;
        if (high == 0 && (ms > low || (ms == low && policy->compat->latency_inclusive)))
            return true;
        if (high != 0 && ms > low && ms <= high)
            return true;
    }
    return false;
}

static bool status_code(const struct col_tail_policy *policy, const struct col_tail_view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        int32_t code = view->spans[i].span.status_code;
        if (code >= 0 && code < 3 && (policy->as.status_codes >> code & 1) != 0)
            return true;
    }
    return false;
}

static bool trace_flags(const struct col_tail_view *view)
{
    for (size_t i = 0; i < view->count; i++)
        if ((view->spans[i].span.flags & 1) != 0)
            return true;
    return false;
}

static bool among(const struct col_tail_words *words, struct otl_view text)
{
    for (size_t i = 0; i < words->count; i++)
        if (otl_view_equal(words->items[i], text))
            return true;
    return false;
}

static bool trace_state(const struct col_tail_policy *policy, const struct col_tail_view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        struct otl_view member;
        if (col_tail_state_member(view->spans[i].span.trace_state, policy->key, &member) &&
            among(&policy->as.text.values, member))
            return true;
    }
    return false;
}

/* True: this span or event settles it, in *ret. */
static bool settles(const struct col_tail_policy *policy, struct col_condition *condition,
                    const struct col_condition_subject *subject, enum col_tail_opinion *ret)
{
    bool holds;
    enum otel_err err = col_condition_judge(condition, subject, &holds);
    bool failed = err != OTEL_OK && policy->as.ottl.propagate;

    *ret = failed ? COL_TAIL_SAYS_ERROR : COL_TAIL_SAYS_SAMPLED;
    return failed || holds;
}

static enum col_tail_opinion ottl(const struct col_tail_policy *policy,
                                  const struct col_tail_view *view)
{
    enum col_tail_opinion ret;

    for (size_t i = 0; i < view->count; i++) {
        const struct col_tail_span *span = &view->spans[i];
        struct col_condition_subject subject = {.span = &span->span, .resource = span->resource};
        struct col_list events = span->span.events;
        struct col_event event;
        if (policy->as.ottl.span != NULL &&
            settles(policy, policy->as.ottl.span, &subject, &ret))
            return ret;
        if (policy->as.ottl.event == NULL)
            continue;
        subject.event = &event;
        while (col_event_next(&events, &event))
            if (settles(policy, policy->as.ottl.event, &subject, &ret))
                return ret;
    }
    return COL_TAIL_SAYS_NOT_SAMPLED;
}

static bool probabilistic(const struct col_tail_policy *policy, const struct col_tail_view *view)
{
    uint64_t randomness;

    if (policy->compat->use_tracestate && col_tail_randomness(view, &randomness))
        return policy->threshold <= randomness;
    return col_tail_hash(policy->as.probabilistic.salt, view->id) <=
           policy->as.probabilistic.threshold;
}

static enum col_tail_opinion all_of(struct col_tail_policy *policy,
                                    const struct col_tail_view *view)
{
    for (size_t i = 0; i < policy->child_count; i++) {
        enum col_tail_opinion opinion = col_tail_evaluate(policy->children[i], view);
        if (opinion != COL_TAIL_SAYS_SAMPLED)
            return opinion == COL_TAIL_SAYS_ERROR ? opinion : COL_TAIL_SAYS_NOT_SAMPLED;
    }
    return policy->kind == COL_TAIL_DROP ? COL_TAIL_SAYS_DROPPED : COL_TAIL_SAYS_SAMPLED;
}

static enum col_tail_opinion negated(struct col_tail_policy *policy,
                                     const struct col_tail_view *view)
{
    enum col_tail_opinion opinion = col_tail_evaluate(policy->children[0], view);

    return opinion == COL_TAIL_SAYS_ERROR ? opinion : says(opinion != COL_TAIL_SAYS_SAMPLED);
}

static enum col_tail_opinion limited(struct col_tail_policy *policy,
                                     const struct col_tail_view *view)
{
    if (policy->kind == COL_TAIL_BYTES_LIMITING)
        return says(col_tail_allow(&policy->as.limit, view->mono_ns, view->bytes));
    if (policy->compat->fixed_window)
        return says(col_tail_allow_window(&policy->as.limit, view->wall_ns, view->span_count));
    return says(col_tail_allow(&policy->as.limit, view->mono_ns, view->span_count));
}

enum col_tail_opinion col_tail_evaluate(struct col_tail_policy *policy,
                                        const struct col_tail_view *view)
{
    switch (policy->kind) {
    case COL_TAIL_ALWAYS_SAMPLE:
        return COL_TAIL_SAYS_SAMPLED;
    case COL_TAIL_LATENCY:
        return says(latency(policy, view));
    case COL_TAIL_NUMERIC_ATTRIBUTE:
    case COL_TAIL_STRING_ATTRIBUTE:
    case COL_TAIL_BOOLEAN_ATTRIBUTE:
        return col_tail_attribute(policy, view);
    case COL_TAIL_STATUS_CODE:
        return says(status_code(policy, view));
    case COL_TAIL_PROBABILISTIC:
        return says(probabilistic(policy, view));
    case COL_TAIL_RATE_LIMITING:
    case COL_TAIL_BYTES_LIMITING:
        return limited(policy, view);
    case COL_TAIL_SPAN_COUNT:
        return says((int64_t)view->span_count >= policy->as.spans.min &&
                    (policy->as.spans.max == 0 ||
                     (int64_t)view->span_count <= policy->as.spans.max));
    case COL_TAIL_TRACE_STATE:
        return says(trace_state(policy, view));
    case COL_TAIL_TRACE_FLAGS:
        return says(trace_flags(view));
    case COL_TAIL_OTTL_CONDITION:
        return ottl(policy, view);
    case COL_TAIL_AND:
    case COL_TAIL_DROP:
        return all_of(policy, view);
    case COL_TAIL_NOT:
        return negated(policy, view);
    case COL_TAIL_COMPOSITE:
        return col_tail_composite(policy, view);
    default:
        return COL_TAIL_SAYS_ERROR;
    }
}
