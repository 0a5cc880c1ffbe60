/* SPDX-License-Identifier: Apache-2.0 */
/* Traces: what of each arrived, and does it hang together? */
#include <inttypes.h>
#include <string.h>

#include "harness/verify/facts/context.h"
#include "harness/verify/facts/ids.h"
#include "harness/verify/judge/judge.h"

enum { HOPS = 64 };

/* The load client's request at the top, through services without ledger only. */
static uint32_t load_above(const struct hx_facts *facts, uint32_t entry)
{
    for (int hops = 0; entry != HX_NONE && hops < HOPS; hops++) {
        uint32_t send = facts->entries[entry].send;
        if (send == HX_NONE || !hx_facts_foreign(facts, facts->sends[send].process))
            return facts->entries[entry].load;
        entry = facts->sends[send].entry;
    }
    return HX_NONE;
}

/* Is the received parent the load client's own span, which nobody reports? */
static bool parent_is_load(const struct hx_facts *facts, const struct hx_fact_span *span,
                           const struct hx_fact_received *row)
{
    uint32_t load = load_above(facts, span->entry);
    const struct hx_led_load *open;
    struct hx_context context;

    if (load == HX_NONE)
        return false;
    open = facts->loads[load].open;
    return hx_context_parse(hx_led_view(&open->head, open->traceparent), &context) &&
           memcmp(context.span_id, row->parent_span_id, 8) == 0 &&
           memcmp(context.trace_id, row->trace_id, 16) == 0;
}

/* The topmost of the spans of services without ledger that stand above this one, or itself. */
static const struct hx_fact_received *through_foreign(const struct hx_facts *facts,
                                                      const struct hx_fact_received *row)
{
    for (int hops = 0; hops < HOPS; hops++) {
        uint32_t above = hx_facts_foreign_span(facts, row->trace_id, row->parent_span_id);
        if (above == HX_NONE)
            break;
        row = &facts->received[above];
    }
    return row;
}

/* A service without ledger stands above: its span may be lost, or was never made. */
static bool below_foreign(const struct hx_facts *facts, uint32_t n)
{
    uint32_t entry = facts->spans[n].entry, send;

    if (entry == HX_NONE || facts->entries[entry].span != n)
        return false;
    send = facts->entries[entry].send;
    return send != HX_NONE && hx_facts_foreign(facts, facts->sends[send].process);
}

enum place { PLACE_ROOT, PLACE_CHILD, PLACE_ORPHAN };

/* By the received spans alone; *ret_parent is the parent's row of a child. */
static enum place place_of(const struct hx_facts *facts, uint32_t n, uint32_t *ret_parent)
{
    const struct hx_fact_span *span = &facts->spans[n];
    const struct hx_fact_received *row = &facts->received[span->received];
    uint32_t parent;

    row = through_foreign(facts, row);
    if (hx_id_zero(row->parent_span_id, 8))
        return PLACE_ROOT;
    parent = hx_facts_span_by_ids(facts, row->trace_id, row->parent_span_id);
    if (parent != HX_NONE && facts->spans[parent].received != HX_NONE) {
        *ret_parent = parent;
        return PLACE_CHILD;
    }
    return parent_is_load(facts, span, row) ? PLACE_ROOT : PLACE_ORPHAN;
}

/* Going up from here ends at a root before it has taken more steps than the trace has spans. */
static bool reaches_root(const struct hx_facts *facts, uint32_t n, uint32_t steps)
{
    uint32_t parent;

    for (; steps > 0; steps--, n = parent) {
        if (facts->spans[n].received == HX_NONE)
            return false;
        switch (place_of(facts, n, &parent)) {
        case PLACE_ROOT:
            return true;
        case PLACE_ORPHAN:
            return false;
        case PLACE_CHILD:
            break;
        }
    }
    return false;
}

/* Is every orphan of the trace called by a service without ledger? */
static bool gap_is_foreign(const struct hx_facts *facts, const struct hx_fact_trace *trace)
{
    uint32_t parent, orphans = 0;

    for (uint32_t n = trace->first; n != HX_NONE; n = facts->spans[n].next_in_trace) {
        if (facts->spans[n].received == HX_NONE || place_of(facts, n, &parent) != PLACE_ORPHAN)
            continue;
        if (!below_foreign(facts, n))
            return false;
        orphans++;
    }
    return orphans > 0;
}

static void judge_tree(struct hx_judgement *j, const struct hx_fact_trace *trace, uint32_t roots)
{
    const struct hx_facts *facts = j->facts;

    hx_judged(&j->checks, HX_CHECK_TRACES, 1);
    if (roots > 1) {
        hx_fail(&j->checks, HX_CHECK_TRACES, HX_AT_SPAN(trace->first),
                "%u spans, all received, with %u roots", (unsigned)trace->spans, (unsigned)roots);
        return;
    }
    for (uint32_t n = trace->first; n != HX_NONE; n = facts->spans[n].next_in_trace) {
        if (reaches_root(facts, n, trace->spans))
            continue;
        if (gap_is_foreign(facts, trace)) {
            if (!j->scenario->claims.allow_unknown)
                hx_unknown(&j->checks, HX_CHECK_TRACES, 1, "a trace has a gap at a service that "
                                                           "has no ledger");
            return;
        }
        hx_fail(&j->checks, HX_CHECK_TRACES, HX_AT_SPAN(n),
                "%u spans, all received, but %s does not lead up to the root",
                (unsigned)trace->spans, hx_facts_op_name(facts, facts->spans[n].open->op));
        return;
    }
}

static void judge_trace(struct hx_judgement *j, struct hx_fact_trace *trace)
{
    const struct hx_facts *facts = j->facts;
    uint32_t roots = 0, orphans = 0, parent;

    for (uint32_t n = trace->first; n != HX_NONE; n = facts->spans[n].next_in_trace) {
        enum place place;

        if (facts->spans[n].received == HX_NONE)
            continue;
        place = place_of(facts, n, &parent);
        roots += place == PLACE_ROOT;
        orphans += place == PLACE_ORPHAN;
    }
    if (orphans > 0)
        trace->flags |= HX_TRACE_ORPHANED;
    if (trace->received == 0)
        trace->flags |= HX_TRACE_MISSING;
    else if (trace->received < trace->sampled ||
             (trace->received < trace->spans && (trace->flags & HX_TRACE_PARTIAL) == 0))
        trace->flags |= HX_TRACE_INCOMPLETE;
    if (trace->flags == 0)
        trace->flags |= HX_TRACE_COMPLETE;
    if (trace->received == trace->spans)
        judge_tree(j, trace, roots);
}

void hx_judge_traces(struct hx_judgement *j)
{
    struct hx_tally *tally = &j->tally;

    for (size_t i = 0; i < j->facts->trace_count; i++) {
        struct hx_fact_trace *trace = &j->marks->traces[i];

        if (trace->sampled == 0) {
            tally->not_sampled++;
            continue;
        }
        judge_trace(j, trace);
        tally->expected++;
        tally->complete += (trace->flags & HX_TRACE_COMPLETE) != 0;
        tally->broken += (trace->flags & HX_TRACE_BROKEN) != 0;
        tally->partial += (trace->flags & HX_TRACE_PARTIAL) != 0;
        tally->incomplete += (trace->flags & HX_TRACE_INCOMPLETE) != 0;
        tally->orphaned += (trace->flags & HX_TRACE_ORPHANED) != 0;
        tally->missing += (trace->flags & HX_TRACE_MISSING) != 0;
    }
}
