/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "harness/verify/tail/rules.h"

/* What the policies say of a trace so far: not one opinion each, but all that are possible. */

/* FNV-1a over salt and id, by the two primes' meaning: multiply by 2^40 + 0x1b3. */
uint64_t hx_rules_hash(const char *salt, const uint8_t id[16])
{
    uint64_t h = 14695981039346656037ULL;
    size_t len = strlen(salt);

    for (size_t i = 0; i < len + 16; i++) {
        h ^= i < len ? (uint8_t)salt[i] : id[i - len];
        h = (h << 40) + h * 0x1b3;
    }
    return h;
}

/* The largest 64-bit whole number that is not above (2^64 - 1) * p / 100, where the product keeps
 * 64 binary digits. Counted digit by digit: m is the double's 53-bit mantissa, and
 * (2^64 - 1) * m = m * 2^64 - m. */
uint64_t hx_rules_threshold(double percentage)
{
    double ratio = percentage / 100;
    uint64_t words[2], m = 0, digits = 0, kept = 0;
    int exponent = 0, top = 127;
    bool half = false, more = false;

    if (!(ratio > 0))
        return 0;
    if (ratio >= 1)
        return UINT64_MAX;
    while (ratio < 0.5) {
        ratio *= 2;
        exponent--;
        if (exponent < -80)
            return 0;
    }
    m = (uint64_t)(ratio * 9007199254740992.0); /* 2^53: ratio = m * 2^(exponent - 53) */
    words[1] = m - 1;
    words[0] = 0 - m;
    while ((words[top / 64] >> (top % 64) & 1) == 0)
        top--;
    for (int bit = top; bit >= 0; bit--) {
        bool one = (words[bit / 64] >> (bit % 64) & 1) != 0;
        if (digits < 64)
            kept = kept << 1 | one;
        else if (digits == 64)
            half = one;
        else
            more |= one;
        digits++;
    }
    if (half && (more || (kept & 1) != 0))
        kept++;
    /* value = kept * 2^(top - 63) * 2^(exponent - 53) */
    return kept >> (63 - top + 53 - exponent);
}

/* ---- looking ---- */

static bool duration_fits(const struct hx_leaf *leaf, const struct hx_tail_state *state)
{
    int64_t ms = (int64_t)(state->end_ns - state->start_ns) / 1000000;

    if (leaf->high > 0)
        return leaf->low < ms && ms <= leaf->high;
    return leaf->inclusive ? ms >= leaf->low : ms > leaf->low;
}

static uint64_t field_size(uint64_t len)
{
    return len + 2 + (len > 127) + (len > 16383) + (len > 2097151);
}

/* What the request of the trace takes so far. The heads of groups grow with what is in them. */
static void weigh_span(struct hx_tail_state *state, const struct hx_tail_span *span)
{
    state->bytes += field_size(span->size);
    state->slack += span->loose;
    if (span->resized)
        state->slack += span->size + span->resource_size + span->grown + 1024;
    if (state->fragment != span->fragment) {
        state->fragment = span->fragment;
        state->scope = 0;
        state->bytes += field_size(span->resource_size);
        state->slack += 4; /* the head of the group itself: some limits count it */
    }
    if (state->scope != span->scope) {
        state->scope = span->scope;
        state->bytes += field_size(span->scope_size) + 2;
        state->slack += 2;
    }
}

/* The first span that has a randomness gives it. */
static void look_at_sampling(struct hx_tail_state *state, struct otl_view trace_state)
{
    struct hx_ot ot;

    if (trace_state.len == 0 || state->has_rv)
        return;
    hx_before_ot(trace_state, &ot);
    if (!ot.good)
        return;
    state->told |= ot.has_rv || ot.has_th;
    state->has_rv = ot.has_rv;
    state->randomness = ot.rv;
}

static bool drawn(const struct hx_rule *rule, const struct hx_tail_state *state)
{
    uint64_t low = 0;

    if (!state->told)
        return hx_rules_hash(rule->salt, state->id) <= rule->threshold;
    for (int i = 9; i < 16; i++)
        low = low << 8 | state->id[i];
    return rule->at_least <= (state->has_rv ? state->randomness : low);
}

void hx_rules_look(const struct hx_rules *rules, struct hx_tail_state *state,
                   const struct hx_tail_span *span)
{
    if (state->start_ns == 0 || span->start_ns < state->start_ns)
        state->start_ns = span->start_ns;
    if (state->end_ns == 0 || span->end_ns > state->end_ns)
        state->end_ns = span->end_ns;
    state->spans++;
    weigh_span(state, span);
    if (rules->tracestate)
        look_at_sampling(state, span->trace_state);
    for (size_t i = 0; i < rules->leaf_count; i++) {
        const struct hx_leaf *leaf = &rules->leaves[i];
        if ((state->bits >> i & 1) != 0)
            continue;
        if (leaf->kind == HX_LEAF_LATENCY ? duration_fits(leaf, state) : hx_leaf_true(leaf, span))
            state->bits |= 1ULL << i;
        else if (leaf->kind == HX_LEAF_OTTL && hx_ottl_unsure(leaf->ottl))
            state->unknown |= 1ULL << i;
    }
}

/* ---- opinions ---- */

static unsigned yes_or_no(bool yes)
{
    return yes ? HX_SAYS_YES : HX_SAYS_NOT;
}

static unsigned opinions(const struct hx_rules *rules, const struct hx_rule *rule,
                         const struct hx_tail_state *state);

static unsigned all_of(const struct hx_rules *rules, const struct hx_rule *rule,
                       const struct hx_tail_state *state)
{
    unsigned yes = rule->drop ? HX_SAYS_DROP : HX_SAYS_YES, says = 0;

    for (size_t i = 0; i < rule->child_count; i++) {
        unsigned child = opinions(rules, rule->children[i], state);
        if ((child & HX_SAYS_NOT) != 0)
            says |= HX_SAYS_NOT;
        if ((child & HX_SAYS_YES) == 0)
            return HX_SAYS_NOT;
    }
    return says | yes;
}

/* No more than fits a share: never. Within it: depends on the second. */
static unsigned budget(const struct hx_rules *rules, const struct hx_rule *rule,
                       const struct hx_tail_state *state)
{
    unsigned says = 0;

    for (size_t i = 0; i < rule->child_count; i++) {
        unsigned child = opinions(rules, rule->children[i], state);
        if ((child & HX_SAYS_YES) == 0)
            continue;
        says |= HX_SAYS_NOT;
        if ((int64_t)state->spans <= rule->shares[i] && (int64_t)state->spans <= rule->total)
            says |= HX_SAYS_YES;
        if ((child & HX_SAYS_NOT) == 0)
            return says;
    }
    return says | HX_SAYS_NOT;
}

static unsigned limit(const struct hx_rule *rule, const struct hx_tail_state *state)
{
    int64_t most = rule->window ? rule->rate : rule->burst;
    uint64_t least = rule->bytes ? state->bytes - (state->slack < state->bytes ? state->slack
                                                                               : state->bytes)
                                 : state->spans;

    return (int64_t)least > most ? HX_SAYS_NOT : HX_SAYS_NOT | HX_SAYS_YES;
}

static unsigned leaf_says(const struct hx_rule *rule, const struct hx_tail_state *state)
{
    bool found = (state->bits >> rule->leaf & 1) != 0;

    if (!found && (state->unknown >> rule->leaf & 1) != 0)
        return rule->invert && rule->veto ? HX_SAYS_VETO | HX_SAYS_INVERT_YES
                                          : HX_SAYS_YES | HX_SAYS_NOT;
    if (rule->invert && rule->veto)
        return found ? HX_SAYS_VETO : HX_SAYS_INVERT_YES;
    return yes_or_no(found != rule->invert);
}

static unsigned opinions(const struct hx_rules *rules, const struct hx_rule *rule,
                         const struct hx_tail_state *state)
{
    unsigned child;

    switch (rule->kind) {
    case HX_RULE_ALWAYS:
        return HX_SAYS_YES;
    case HX_RULE_LEAF:
        return leaf_says(rule, state);
    case HX_RULE_HASH:
        return yes_or_no(drawn(rule, state));
    case HX_RULE_COUNT:
        return yes_or_no(state->spans >= rule->low &&
                         (rule->high == 0 || state->spans <= rule->high));
    case HX_RULE_LIMIT:
        return limit(rule, state);
    case HX_RULE_ALL:
        return all_of(rules, rule, state);
    case HX_RULE_NOT:
        child = opinions(rules, rule->children[0], state);
        return ((child & HX_SAYS_YES) != 0 ? HX_SAYS_NOT : 0u) |
               ((child & HX_SAYS_NOT) != 0 ? HX_SAYS_YES : 0u);
    default:
        return budget(rules, rule, state);
    }
}

struct sum { /* over the policies: who surely says so, who may (from 1) */
    unsigned must, may;
    uint16_t dropper, sampler;
};

static void add_up(const struct hx_rules *rules, const struct hx_tail_state *state,
                   struct sum *sum)
{
    memset(sum, 0, sizeof(*sum));
    for (size_t i = 0; i < rules->count; i++) {
        unsigned says = opinions(rules, rules->list[i], state);
        sum->may |= says;
        if ((says & (says - 1)) == 0)
            sum->must |= says;
        if ((says & HX_SAYS_DROP) != 0 && sum->dropper == 0)
            sum->dropper = (uint16_t)(i + 1);
        if ((says & (HX_SAYS_YES | HX_SAYS_INVERT_YES)) != 0 && sum->sampler == 0)
            sum->sampler = (uint16_t)(i + 1);
        if (says == HX_SAYS_DROP || (says == HX_SAYS_YES && rules->first_match))
            return;
    }
}

unsigned hx_rules_outcomes(const struct hx_rules *rules, const struct hx_tail_state *state,
                           uint16_t *ret_policy)
{
    unsigned result = 0;
    struct sum sum;

    add_up(rules, state, &sum);
    *ret_policy = sum.sampler;
    if ((sum.may & HX_SAYS_DROP) != 0) {
        *ret_policy = sum.dropper;
        result |= HX_TAIL_MAY_DROP;
        if ((sum.must & HX_SAYS_DROP) != 0)
            return result;
    }
    if ((sum.may & HX_SAYS_VETO) != 0) {
        result |= HX_TAIL_MAY_NOT;
        if ((sum.must & HX_SAYS_VETO) != 0)
            return result;
    }
    if ((sum.may & HX_SAYS_YES) != 0) {
        result |= HX_TAIL_MAY_SAMPLE;
        if ((sum.must & HX_SAYS_YES) != 0)
            return result;
    }
    if ((sum.may & HX_SAYS_INVERT_YES) != 0 && (sum.must & HX_SAYS_NOT) == 0) {
        result |= HX_TAIL_MAY_SAMPLE;
        if ((sum.must & HX_SAYS_INVERT_YES) != 0 && (sum.may & HX_SAYS_NOT) == 0)
            return result;
    }
    return result | HX_TAIL_MAY_NOT;
}
