/* SPDX-License-Identifier: Apache-2.0 */
/* Whole traces, shares and randomness: what only many traces together can show. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/stats/id_bits.h"
#include "harness/stats/tails.h"
#include "harness/verify/judge/judge.h"
#include "harness/verify/judge/ratio.h"
#include "harness/verify/judge/sampling.h"
#include "sdk/base/mem.h"

enum { GROUPS = 64, DEPTH = 256 };
static const double ALPHA = 1e-6;

struct group { /* traces that are partial with the same probability */
    double p;
    uint64_t traces, partial;
};

/* ---- whole traces --------------------------------------------------------------------------- */

/* The share of trace ids for which this span is sampled, and by which rule: its sampler's, or what
 * it inherits. */
static double threshold(const struct hx_facts *facts, uint32_t n, int depth,
                        enum hx_ratio_rule *ret_rule)
{
    const struct hx_fact_span *span = &facts->spans[n];
    const struct hx_fact_process *p = &facts->processes[span->process];
    enum hx_parent_says parent = p->parent_based ? hx_parent_says(facts, span) : HX_PARENT_NONE;
    uint32_t send;

    *ret_rule = p->rule;
    if (parent == HX_PARENT_NONE || depth == 0)
        return p->root == HX_ROOT_ON ? 1.0 : p->root == HX_ROOT_RATIO ? p->ratio : 0.0;
    if (span->parent != HX_NONE)
        return threshold(facts, span->parent, depth - 1, ret_rule);
    send = span->entry != HX_NONE ? facts->entries[span->entry].send : HX_NONE;
    if (send != HX_NONE && facts->sends[send].span != HX_NONE)
        return threshold(facts, facts->sends[send].span, depth - 1, ret_rule);
    return parent == HX_PARENT_YES ? 1.0 : 0.0;
}

static double partial_probability(const struct hx_facts *facts, const struct hx_fact_trace *trace)
{
    struct hx_ratio_bounds bounds;

    hx_ratio_bounds_init(&bounds);
    for (uint32_t n = trace->first; n != HX_NONE; n = facts->spans[n].next_in_trace) {
        enum hx_ratio_rule rule;
        double share = threshold(facts, n, DEPTH, &rule);

        hx_ratio_bounds_add(&bounds, rule, share);
    }
    return hx_ratio_partial(&bounds);
}

static bool lay_in_group(struct group *groups, size_t *count, double p, bool partial)
{
    size_t i = 0;

    while (i < *count && (groups[i].p < p - 1e-12 || groups[i].p > p + 1e-12))
        i++;
    if (i == GROUPS)
        return false;
    if (i == *count) {
        groups[i] = (struct group){p, 0, 0};
        *count += 1;
    }
    groups[i].traces++;
    groups[i].partial += partial;
    return true;
}

static bool is_partial(const struct hx_facts *facts, const struct hx_fact_trace *trace)
{
    uint64_t unable = 0;

    if (trace->sampled == 0 || trace->sampled == trace->spans)
        return false;
    for (uint32_t n = trace->first; n != HX_NONE; n = facts->spans[n].next_in_trace)
        unable += facts->spans[n].opinion == HX_OPINION_NO_MEMORY;
    return trace->sampled + unable < trace->spans;
}

static const struct hx_led_span *odd_one(const struct hx_facts *facts,
                                         const struct hx_fact_trace *trace, uint32_t *ret)
{
    for (uint32_t n = trace->first; n != HX_NONE; n = facts->spans[n].next_in_trace) {
        if (!hx_facts_sampled(&facts->spans[n])) {
            *ret = n;
            return facts->spans[n].open;
        }
    }
    return NULL;
}

static void judge_trace(struct hx_judgement *j, struct hx_fact_trace *trace)
{
    bool claimed = j->scenario->claims.partial_traces;
    const struct hx_led_span *odd;
    uint32_t at = 0;

    hx_judged(&j->checks, HX_CHECK_WHOLE_TRACES, 1);
    if (!is_partial(j->facts, trace))
        return;
    trace->flags |= HX_TRACE_PARTIAL;
    odd = odd_one(j->facts, trace, &at);
    if (claimed)
        hx_excuse(&j->checks, HX_CHECK_WHOLE_TRACES, HX_AT_SPAN(at),
                  "%u of %u spans sampled, not %s (claimed)", (unsigned)trace->sampled,
                  (unsigned)trace->spans, hx_facts_op_name(j->facts, odd->op));
    else
        hx_fail(&j->checks, HX_CHECK_WHOLE_TRACES, HX_AT_SPAN(at),
                "%u of %u spans sampled, not %s", (unsigned)trace->sampled,
                (unsigned)trace->spans, hx_facts_op_name(j->facts, odd->op));
}

/* Smallest k with P(X <= k) >= tail, and largest with P(X >= k) >= tail. */
static uint64_t quantile(uint64_t n, double p, double tail, bool upper)
{
    uint64_t low = 0, high = n;

    while (low < high) {
        uint64_t mid = low + (high - low + upper) / 2;
        double at = upper ? hx_binomial_at_least(mid, n, p) : hx_binomial_at_most(mid, n, p);

        if (upper && at >= tail)
            low = mid;
        else if (upper)
            high = mid - 1;
        else if (at >= tail)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

/* The claimed share: for each group of traces that must be partial with the same probability. */
static void judge_claimed_share(struct hx_judgement *j)
{
    const struct hx_facts *facts = j->facts;
    struct group groups[GROUPS];
    size_t count = 0;
    uint64_t partial = 0;

    j->tally.partial_held = true;
    for (size_t i = 0; i < facts->trace_count; i++) {
        double p = partial_probability(facts, &facts->traces[i]);
        bool is = (facts->traces[i].flags & HX_TRACE_PARTIAL) != 0;

        j->tally.partial_mean += p;
        partial += is;
        if (!lay_in_group(groups, &count, p, is))
            j->tally.partial_held = false;
    }
    for (size_t i = 0; i < count; i++) {
        double tail = ALPHA / 2 / (double)count;
        uint64_t low = quantile(groups[i].traces, groups[i].p, tail, false);
        uint64_t high = quantile(groups[i].traces, groups[i].p, tail, true);

        j->tally.partial_low += low;
        j->tally.partial_high += high;
        if (groups[i].partial < low || groups[i].partial > high)
            j->tally.partial_held = false;
    }
    if (partial == 0)
        j->tally.partial_held = false;
    hx_expected(&j->checks, HX_CHECK_WHOLE_TRACES, "partial traces are claimed: %" PRIu64 " to %"
                PRIu64 " by the services' ratios", j->tally.partial_low, j->tally.partial_high);
    if (j->tally.partial_held)
        hx_observed(&j->checks, HX_CHECK_WHOLE_TRACES, "%" PRIu64 " partial, as the scenario "
                    "claims", partial);
    else
        hx_fail(&j->checks, HX_CHECK_WHOLE_TRACES, HX_NOWHERE, "%" PRIu64
                " partial traces; the ratios give %.1f (%" PRIu64 " to %" PRIu64 " at 1e-6)",
                partial, j->tally.partial_mean, j->tally.partial_low, j->tally.partial_high);
}

/* ---- shares --------------------------------------------------------------------------------- */

struct share {
    const struct hx_fact_process *process;
    uint64_t trials, hits;
};

/* One trial a trace and service: its first span there that the ratio decided. */
static void count_trials(const struct hx_facts *facts, struct share *shares)
{
    for (size_t i = 0; i < facts->trace_count; i++) {
        uint64_t seen = 0;

        for (uint32_t n = facts->traces[i].first; n != HX_NONE;
             n = facts->spans[n].next_in_trace) {
            const struct hx_fact_span *span = &facts->spans[n];
            const struct hx_fact_process *p = &facts->processes[span->process];
            unsigned s = p->service != NULL ? p->service->index : HX_MAX_SERVICES;

            if (p->root != HX_ROOT_RATIO || s >= HX_MAX_SERVICES || (seen >> s & 1) != 0 ||
                span->opinion == HX_OPINION_NO_MEMORY ||
                (p->parent_based && hx_parent_says(facts, span) != HX_PARENT_NONE))
                continue;
            seen |= UINT64_C(1) << s;
            shares[s].process = p;
            shares[s].trials++;
            shares[s].hits += hx_facts_sampled(span);
        }
    }
}

static void judge_shares(struct hx_judgement *j)
{
    struct share shares[HX_MAX_SERVICES] = {{0}};

    count_trials(j->facts, shares);
    for (int s = 0; s < HX_MAX_SERVICES; s++) {
        const struct share *share = &shares[s];
        double ratio;

        if (share->trials == 0)
            continue;
        ratio = share->process->ratio;
        hx_judged(&j->checks, HX_CHECK_SAMPLING_SHARE, share->trials);
        if (hx_binomial_at_most(share->hits, share->trials, ratio) < ALPHA / 2 ||
            hx_binomial_at_least(share->hits, share->trials, ratio) < ALPHA / 2)
            hx_fail(&j->checks, HX_CHECK_SAMPLING_SHARE,
                    &(struct hx_where){.service = share->process->service->name},
                    "%s sampled %" PRIu64 " of %" PRIu64 " traces (%.3f %%) at the ratio %g",
                    share->process->service->name, share->hits, share->trials,
                    100.0 * (double)share->hits / (double)share->trials, ratio);
        else
            hx_observed(&j->checks, HX_CHECK_SAMPLING_SHARE, "%s: %" PRIu64 " of %" PRIu64
                        " traces (%.3f %%) at the ratio %g", share->process->service->name,
                        share->hits, share->trials,
                        100.0 * (double)share->hits / (double)share->trials, ratio);
    }
}

/* ---- randomness ----------------------------------------------------------------------------- */

static void judge_randomness(struct hx_judgement *j)
{
    const struct hx_facts *facts = j->facts;
    struct hx_id_bits_result result;
    struct hx_id_bits bits;

    hx_id_bits_init(&bits, 72, 128);
    for (size_t i = 0; i < facts->trace_count; i++) {
        for (uint32_t n = facts->traces[i].first; n != HX_NONE;
             n = facts->spans[n].next_in_trace) {
            if ((facts->spans[n].open->head.flags & HX_LED_SPAN_ROOT) == 0)
                continue;
            hx_id_bits_add(&bits, facts->spans[n].open->trace_id);
            break;
        }
    }
    result = hx_id_bits_judge(&bits);
    if (!result.known)
        return;
    hx_judged(&j->checks, HX_CHECK_TRACE_ID_RANDOMNESS, bits.count);
    hx_observed(&j->checks, HX_CHECK_TRACE_ID_RANDOMNESS,
                "%" PRIu64 " ids; so uneven by chance with p = %.2g, so even with p = %.2g",
                bits.count, result.p_high, result.p_low);
    if (result.p_high < ALPHA / 2 || result.p_low < ALPHA / 2)
        hx_fail(&j->checks, HX_CHECK_TRACE_ID_RANDOMNESS, HX_NOWHERE,
                "bit %u is set in %.2f %% of %" PRIu64 " ids", result.worst,
                100.0 * result.worst_share, bits.count);
}

void hx_judge_shares(struct hx_judgement *j)
{
    for (size_t i = 0; i < j->facts->trace_count; i++)
        judge_trace(j, &j->marks->traces[i]);
    if (j->scenario->claims.partial_traces)
        judge_claimed_share(j);
    judge_shares(j);
    judge_randomness(j);
}
