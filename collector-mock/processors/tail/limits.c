/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/tail/policy.h"
#include "sdk/base/clock.h"

/* Policies whose answer depends on the traces before: limits, and composite's budget. */

/* As a limiter that asks for so many tokens now: the bucket is full at the beginning, refills all
 * the time, and a refused cost takes nothing. */
bool col_tail_allow(struct col_tail_limit *limit, uint64_t mono_ns, uint64_t cost)
{
    double tokens = limit->tokens;

    if (limit->last_ns == 0)
        tokens = (double)limit->burst;
    else if (mono_ns > limit->last_ns)
        tokens += (double)(mono_ns - limit->last_ns) / (double)OTL_NS_PER_S * (double)limit->rate;
    if (tokens > (double)limit->burst)
        tokens = (double)limit->burst;
    if (limit->burst < 0 || cost > (uint64_t)limit->burst || (double)cost > tokens)
        return false;
    limit->tokens = tokens - (double)cost;
    limit->last_ns = mono_ns;
    return true;
}

/* As before the token bucket: a count that begins anew with each second of the clock. */
bool col_tail_allow_window(struct col_tail_limit *limit, uint64_t wall_ns, uint64_t cost)
{
    int64_t second = (int64_t)(wall_ns / OTL_NS_PER_S);

    if (limit->second != second) {
        limit->second = second;
        limit->used = 0;
    }
    if (cost > INT64_MAX || limit->used + (int64_t)cost > limit->rate)
        return false;
    limit->used += (int64_t)cost;
    return true;
}

/* The first sub-policy that samples decides, also when its share is spent: there is no falling
 * through to the next one. The total is compared with each share alone. */
enum col_tail_opinion col_tail_composite(struct col_tail_policy *policy,
                                         const struct col_tail_view *view)
{
    int64_t second = (int64_t)(view->wall_ns / OTL_NS_PER_S);
    int64_t spans = (int64_t)view->span_count;

    if (policy->as.composite.second != second)
        for (size_t i = 0; i < policy->child_count; i++)
            policy->children[i]->used = 0;
    policy->as.composite.second = second;
    for (size_t i = 0; i < policy->child_count; i++) {
        struct col_tail_policy *child = policy->children[i];
        enum col_tail_opinion opinion = col_tail_evaluate(child, view);
        if (opinion == COL_TAIL_SAYS_ERROR)
            return opinion;
        if (opinion != COL_TAIL_SAYS_SAMPLED)
            continue;
        if (child->used + spans > child->allocated ||
            child->used + spans > policy->as.composite.max)
            return COL_TAIL_SAYS_NOT_SAMPLED;
        child->used += spans;
        policy->as.composite.chosen = child->name;
        return COL_TAIL_SAYS_SAMPLED;
    }
    return COL_TAIL_SAYS_NOT_SAMPLED;
}
