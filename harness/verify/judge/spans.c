/* SPDX-License-Identifier: Apache-2.0 */
/* One span at a time: is it what was asked for, has it the parent that it was given? */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/verify/facts/ids.h"
#include "harness/verify/judge/judge.h"
#include "sdk/base/text.h"

static const struct {
    unsigned bit;
    const char *name;
} PARTS[] = {
    {HX_ALTERED_NAME, "name"},     {HX_ALTERED_ATTRIBUTES, "attributes"},
    {HX_ALTERED_EVENTS, "events"}, {HX_ALTERED_LINKS, "links"},
    {HX_ALTERED_STATUS, "status"}, {HX_ALTERED_IDS, "ids"},
    {HX_ALTERED_KIND, "kind"},     {HX_ALTERED_FLAGS, "trace flags"},
};

/* "name, events" */
static const char *parts(unsigned altered, char *out, size_t size)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0] && len < size; i++) {
        if ((altered & PARTS[i].bit) != 0)
            len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "",
                                    PARTS[i].name);
    }
    return out;
}

static void judge_content(struct hx_judgement *j, uint32_t n)
{
    const struct hx_fact_span *span = &j->facts->spans[n];
    unsigned altered = span->altered;
    char text[128];

    hx_judged(&j->checks, HX_CHECK_IDENTITY, 1);
    hx_judged(&j->checks, HX_CHECK_CONTENT, span->close != NULL);
    if (altered == 0)
        return;
    if ((altered & HX_ALTERED_CONTENT) != 0)
        hx_fail(&j->checks, HX_CHECK_CONTENT, HX_AT_SPAN(n), "%s: altered %s",
                hx_facts_op_name(j->facts, span->open->op),
                parts(altered & HX_ALTERED_CONTENT, text, sizeof text));
    altered &= HX_ALTERED_IDS | HX_ALTERED_KIND | HX_ALTERED_FLAGS;
    if (altered != 0)
        hx_fail(&j->checks, HX_CHECK_IDENTITY, HX_AT_SPAN(n), "%s: altered %s",
                hx_facts_op_name(j->facts, span->open->op), parts(altered, text, sizeof text));
}

/* In the API: the local parent's context was given. */
static void judge_given_parent(struct hx_judgement *j, uint32_t n)
{
    const struct hx_facts *facts = j->facts;
    const struct hx_fact_span *span = &facts->spans[n];
    const struct hx_led_span *open = span->open, *parent;
    bool root = (open->head.flags & HX_LED_SPAN_ROOT) != 0;

    if (span->parent == HX_NONE) {
        if (open->parent_seq == 0 && root && !hx_id_zero(open->parent_span_id, 8))
            hx_fail(&j->checks, HX_CHECK_PARENTS, HX_AT_SPAN(n), "a root with a parent id");
        return;
    }
    parent = facts->spans[span->parent].open;
    if (memcmp(open->parent_span_id, parent->span_id, 8) != 0)
        hx_fail(&j->checks, HX_CHECK_PARENTS, HX_AT_SPAN(n),
                "%s was started under another span than %s",
                hx_facts_op_name(facts, open->op), hx_facts_op_name(facts, parent->op));
    else if (memcmp(open->trace_id, parent->trace_id, 16) != 0)
        hx_fail(&j->checks, HX_CHECK_PARENTS, HX_AT_SPAN(n),
                "%s has another trace id than its parent %s", hx_facts_op_name(facts, open->op),
                hx_facts_op_name(facts, parent->op));
}

static void judge_received_parent(struct hx_judgement *j, uint32_t n)
{
    const struct hx_facts *facts = j->facts;
    const struct hx_fact_span *span = &facts->spans[n];
    const struct hx_fact_received *row;
    char given[17], got[17];
    uint32_t other;

    if (span->received == HX_NONE || (span->altered & HX_ALTERED_PARENT) == 0)
        return;
    row = &facts->received[span->received];
    otl_hex(span->open->parent_span_id, 8, given);
    otl_hex(row->parent_span_id, 8, got);
    other = hx_facts_span_by_ids(facts, row->trace_id, row->parent_span_id);
    hx_fail(&j->checks, HX_CHECK_PARENTS, HX_AT_SPAN(n),
            "%s was given the parent %s and arrived with %s (%s)",
            hx_facts_op_name(facts, span->open->op), given, got,
            other != HX_NONE ? hx_facts_op_name(facts, facts->spans[other].open->op)
                             : "of no span");
}

/* The remote bits of the OTLP flags, where they are used at all. */
static void judge_remote_bits(struct hx_judgement *j, uint32_t n)
{
    enum { HAS_IS_REMOTE = 0x100, IS_REMOTE = 0x200 };
    const struct hx_fact_span *span = &j->facts->spans[n];
    unsigned flags = span->received != HX_NONE ? j->facts->received[span->received].trace_flags : 0;
    bool remote = (span->open->head.flags & HX_LED_SPAN_REMOTE_PARENT) != 0;

    if ((flags & HAS_IS_REMOTE) != 0 && ((flags & IS_REMOTE) != 0) != remote)
        hx_fail(&j->checks, HX_CHECK_IDENTITY, HX_AT_SPAN(n),
                "%s: its flags say that the parent is %s", hx_facts_op_name(j->facts,
                span->open->op), remote ? "local" : "remote");
}

void hx_judge_spans(struct hx_judgement *j)
{
    hx_judged(&j->checks, HX_CHECK_PARENTS, j->facts->span_count);
    for (uint32_t i = 0; i < j->facts->span_count; i++) {
        judge_given_parent(j, i);
        if (j->facts->spans[i].received == HX_NONE)
            continue;
        judge_content(j, i);
        judge_received_parent(j, i);
        judge_remote_bits(j, i);
    }
}
