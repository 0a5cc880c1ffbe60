/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/judge/foreign.h"

#include <string.h>

#include "harness/scenario/foreign.h"
#include "harness/verify/facts/ids.h"

enum { OTLP_SERVER = 2, OTLP_CONSUMER = 5 };

/* Other SDKs read their clocks by the millisecond. */
#define CLOCK_SLACK_NS UINT64_C(5000000)

/* ---- traces of their own -------------------------------------------------------------------- */

static void count_entries(const struct hx_facts *facts, const struct hx_service *service,
                          uint64_t *ret_first_ns, uint64_t *ret_roots)
{
    *ret_first_ns = UINT64_MAX;
    *ret_roots = 0;
    for (size_t i = 0; i < facts->entry_count; i++) {
        const struct hx_led_entry *open = facts->entries[i].open;
        struct hx_context context;
        if (facts->processes[facts->entries[i].process].service != service)
            continue;
        if (open->wall_ns < *ret_first_ns)
            *ret_first_ns = open->wall_ns;
        *ret_roots += !hx_context_parse(hx_led_view(&open->head, open->traceparent), &context);
    }
}

/* One that reads messages may begin a trace if it links to what came in. */
static bool begins_alone(const struct hx_fact_received *row)
{
    if ((row->flags & HX_RECEIVED_FOREIGN) == 0 || !hx_id_zero(row->parent_span_id, 8))
        return false;
    return row->kind == OTLP_SERVER ||
           (row->kind == OTLP_CONSUMER && (row->flags & HX_RECEIVED_HAS_LINKS) == 0);
}

static uint64_t strays_of(const struct hx_facts *facts, const struct hx_service *service)
{
    uint64_t first_ns, roots, found = 0;

    count_entries(facts, service, &first_ns, &roots);
    for (size_t i = 0; i < facts->received_count; i++) {
        const struct hx_fact_received *row = &facts->received[i];
        found += begins_alone(row) && facts->resources[row->resource].foreign == service &&
                 row->start_ns + CLOCK_SLACK_NS >= first_ns;
    }
    return found > roots ? found - roots : 0;
}

void hx_foreign_count_strays(struct hx_judgement *j)
{
    for (size_t i = 0; i < j->scenario->service_count; i++)
        if (j->scenario->services[i].foreign != NULL)
            j->strays[i] = strays_of(j->facts, &j->scenario->services[i]);
}

/* ---- hops ----------------------------------------------------------------------------------- */

/* It did not use what came in, which is the other hop's fault, and passed its own span on. */
static bool in_its_own_trace(const struct hx_facts *facts, const struct hx_service *service,
                             const struct hx_context *before, const struct hx_context *after)
{
    return hx_facts_foreign_span(facts, after->trace_id, after->span_id) != HX_NONE &&
           hx_facts_foreign_child(facts, service, before->trace_id, before->span_id) == HX_NONE;
}

const char *hx_foreign_sent(const struct hx_facts *facts, const struct hx_service *service,
                            struct otl_view came, struct otl_view sent)
{
    const struct hx_tracing *tracing = &service->tracing;
    struct hx_context before, after;

    if (!tracing->propagate_tracecontext)
        return NULL;
    if (sent.len == 0)
        return "sent without context";
    if (!hx_context_parse(sent, &after))
        return "sent with a traceparent that is none";
    if (!hx_context_parse(came, &before))
        return NULL;
    if (memcmp(before.trace_id, after.trace_id, 16) != 0)
        return in_its_own_trace(facts, service, &before, &after)
                   ? NULL
                   : "sent with another trace id than the one that came in";
    if (strncmp(tracing->sampler, "parentbased_", 12) != 0)
        return NULL;
    if (((before.flags ^ after.flags) & 1) != 0)
        return "sent with another sampled flag than the one that came in";
    if ((after.flags & 1) != 0 && memcmp(before.span_id, after.span_id, 8) == 0)
        return "sent with the span id that came in, not with that of a span of its own";
    return NULL;
}

/* It tied itself to the context in another way than the edge says; NULL: it did not. */
static const char *otherwise(const struct hx_facts *facts, const struct hx_service *service,
                             const struct hx_context *context, enum hx_edge_mode mode)
{
    if (mode != HX_EDGE_LINK && hx_foreign_tied(facts, service, context, HX_EDGE_LINK))
        return "received, but the callee only made a link of it";
    if (mode == HX_EDGE_LINK && hx_foreign_tied(facts, service, context, HX_EDGE_PARENT))
        return "the callee joined the trace, though the edge is no parent";
    return NULL;
}

const char *hx_foreign_used(struct hx_judgement *j, const struct hx_service *service,
                            const struct hx_context *context, enum hx_edge_mode mode,
                            bool *ret_unknown)
{
    const char *why;

    if ((context->flags & 1) == 0 || hx_foreign_tied(j->facts, service, context, mode))
        return NULL;
    why = otherwise(j->facts, service, context, mode);
    if (why != NULL)
        return why;
    if (j->strays[service->index] == 0) {
        *ret_unknown = true;
        return NULL;
    }
    j->strays[service->index]--;
    return mode != HX_EDGE_LINK ? "received, but the callee began a trace of its own"
                                : "received, but the callee made no link";
}

bool hx_foreign_tied(const struct hx_facts *facts, const struct hx_service *service,
                     const struct hx_context *context, enum hx_edge_mode mode)
{
    if ((mode == HX_EDGE_PARENT || mode == HX_EDGE_BOTH) &&
        hx_facts_foreign_child(facts, service, context->trace_id, context->span_id) == HX_NONE)
        return false;
    return (mode != HX_EDGE_LINK && mode != HX_EDGE_BOTH) ||
           hx_facts_foreign_linked(facts, service, context->trace_id, context->span_id) !=
               HX_NONE;
}

const char *hx_foreign_why_unjoined(const struct hx_service *service)
{
    const struct hx_foreign *foreign = service->foreign;

    if (foreign->key_header[0] != '\0' || foreign->key_json[0] != '\0')
        return "its business key is in no request that came in, or in several";
    if (foreign->max_in_flight == 1)
        return "no request was in hand";
    return "it does not pass tracerig-request on, max_in_flight is not 1 and no key is named";
}

uint32_t hx_foreign_caller_op(const struct hx_scenario *scenario, const struct hx_service *service,
                              const struct hx_led_send *send)
{
    for (size_t i = 0; i < scenario->operation_count; i++) {
        const struct hx_operation *op = &scenario->operations[i];
        if (op->service != service || op->step == NULL)
            continue;
        if ((op->step->kind == HX_STEP_CALL && op->step->route->op == send->to_op) ||
            (op->step->kind == HX_STEP_PUBLISH && op->step->topic->index == send->topic))
            return op->entry;
    }
    return HX_NONE;
}
