/* SPDX-License-Identifier: Apache-2.0 */
/* Every decision once more: the parent's raw flag where the sampler heeds it, else the rule. */
#include "harness/verify/judge/sampling.h"

#include "harness/verify/facts/context.h"
#include "harness/verify/judge/ratio.h"

enum hx_parent_says hx_parent_says(const struct hx_facts *facts, const struct hx_fact_span *span)
{
    const struct hx_led_entry *entry;
    struct hx_context context;

    if (span->parent != HX_NONE)
        return hx_facts_sampled(&facts->spans[span->parent]) ? HX_PARENT_YES : HX_PARENT_NO;
    if ((span->open->head.flags & HX_LED_SPAN_REMOTE_PARENT) == 0)
        return HX_PARENT_NONE;
    if (span->entry == HX_NONE)
        return HX_PARENT_UNKNOWN;
    entry = facts->entries[span->entry].open;
    if (!hx_context_parse(hx_led_view(&entry->head, entry->traceparent), &context))
        return HX_PARENT_UNKNOWN;
    return (context.flags & 1) != 0 ? HX_PARENT_YES : HX_PARENT_NO;
}

static bool root_says(const struct hx_fact_process *p, const uint8_t trace_id[16])
{
    return p->root == HX_ROOT_ON ||
           (p->root == HX_ROOT_RATIO && hx_ratio_says(p->rule, p->ratio, trace_id));
}

static void judge_span(struct hx_judgement *j, uint32_t n)
{
    const struct hx_facts *facts = j->facts;
    const struct hx_fact_span *span = &facts->spans[n];
    const struct hx_fact_process *p = &facts->processes[span->process];
    const char *name = hx_facts_op_name(facts, span->open->op);
    bool sampled = hx_facts_sampled(span), expected;
    bool recording = (span->open->head.flags & HX_LED_SPAN_RECORDING) != 0;
    enum hx_parent_says parent = p->parent_based ? hx_parent_says(facts, span) : HX_PARENT_NONE;

    if (span->opinion == HX_OPINION_NO_MEMORY ||
        (p->service != NULL && !p->service->tracing.enabled))
        return;
    if (p->root == HX_ROOT_UNKNOWN || parent == HX_PARENT_UNKNOWN) {
        hx_unknown(&j->checks, HX_CHECK_SAMPLING_DECISION, 1,
                   p->root == HX_ROOT_UNKNOWN ? "the sampler '%s' of %s is not known here"
                                              : "no raw header for a remote parent (%s, %s)",
                   p->root == HX_ROOT_UNKNOWN && p->sampler != NULL ? p->sampler : name,
                   p->instance);
        return;
    }
    hx_judged(&j->checks, HX_CHECK_SAMPLING_DECISION, 1);
    expected = parent == HX_PARENT_NONE ? root_says(p, span->open->trace_id)
                                        : parent == HX_PARENT_YES;
    if (sampled != expected)
        hx_fail(&j->checks, HX_CHECK_SAMPLING_DECISION, HX_AT_SPAN(n),
                "%s: %s says %s, the span is %ssampled", name,
                parent == HX_PARENT_NONE ? p->sampler : "the parent", expected ? "yes" : "no",
                sampled ? "" : "not ");
    else if (recording != sampled)
        hx_fail(&j->checks, HX_CHECK_SAMPLING_DECISION, HX_AT_SPAN(n),
                "%s: %ssampled, but is-recording says %s", name, sampled ? "" : "not ",
                recording ? "yes" : "no");
}

void hx_judge_sampling(struct hx_judgement *j)
{
    for (uint32_t i = 0; i < j->facts->span_count; i++)
        judge_span(j, i);
}
