/* SPDX-License-Identifier: Apache-2.0 */
/* Every hop: the context of the calling span was sent, arrived, and was used as the edge says. */
#include <stdio.h>
#include <string.h>

#include "harness/verify/facts/context.h"
#include "harness/verify/judge/edges.h"
#include "harness/verify/judge/foreign.h"
#include "harness/verify/judge/judge.h"

struct hop {
    const struct hx_fact_entry *entry;
    const struct hx_fact_span *caller; /* CLIENT or PRODUCER span; NULL: none known */
    const struct hx_fact_span *callee; /* SERVER or CONSUMER span; NULL: none */
    struct otl_view sent, sent_state;
    struct otl_view got, got_state;
    struct otl_view passed; /* what came to an untraced caller, or to a foreign one that is to go
                             * on with the same trace */
    enum hx_edge_mode mode;
    struct hx_context context; /* what was received */
    bool has_context;
    bool from_load;
    bool companion; /* not the first of a batch whose span has a parent */
    bool caller_untraced;
    bool caller_propagates; /* the context that comes to it, when it is untraced */
    bool callee_untraced;
    const struct hx_service *caller_foreign; /* traced, without ledger; NULL: another */
    const struct hx_service *callee_foreign;
    const struct hx_service *unjoined; /* a call of this one, nobody knows of which request */
};

static const struct hx_fact_span *span_at(const struct hx_facts *facts, uint32_t row)
{
    return row != HX_NONE ? &facts->spans[row] : NULL;
}

static const struct hx_service *foreign_at(const struct hx_facts *facts, uint32_t process)
{
    return hx_facts_foreign(facts, process) ? facts->processes[process].service : NULL;
}

static bool propagates(const struct hx_facts *facts, uint32_t process)
{
    const struct hx_service *service = facts->processes[process].service;

    return service != NULL && service->tracing.propagate_tracecontext;
}

/* Does the entry go on with the trace that comes in? A consumer that links does not. */
static bool goes_on(const struct hx_scenario *scenario, uint32_t op)
{
    for (size_t i = 0; i < scenario->service_count; i++) {
        const struct hx_service *service = &scenario->services[i];
        for (size_t k = 0; k < service->consumer_count; k++)
            if (service->consumers[k].op == op)
                return service->consumers[k].edge == HX_EDGE_PARENT ||
                       service->consumers[k].edge == HX_EDGE_BOTH;
    }
    return true;
}

static void look_at_foreign(const struct hx_facts *facts, struct hop *hop)
{
    const struct hx_fact_entry *entry = hop->entry;

    if (entry->send != HX_NONE) {
        hop->caller_foreign = foreign_at(facts, facts->sends[entry->send].process);
        if (hop->caller_foreign != NULL && facts->sends[entry->send].entry == HX_NONE)
            hop->unjoined = hop->caller_foreign;
    }
    hop->callee_foreign = foreign_at(facts, entry->process);
    if (hop->caller_foreign != NULL && !hop->caller_foreign->tracing.enabled)
        hop->caller_foreign = NULL;
    if (hop->callee_untraced)
        hop->callee_foreign = NULL;
}

static void look_at(const struct hx_facts *facts, const struct hx_fact_entry *entry,
                    struct hop *hop)
{
    const struct hx_led_record *head = &entry->open->head;

    memset(hop, 0, sizeof *hop);
    hop->entry = entry;
    hop->callee = span_at(facts, entry->span);
    hop->got = hx_led_view(head, entry->open->traceparent);
    hop->got_state = hx_led_view(head, entry->open->tracestate);
    if (entry->send != HX_NONE) {
        const struct hx_fact_send *send = &facts->sends[entry->send];

        hop->caller = span_at(facts, send->span);
        if (send->entry != HX_NONE) {
            const struct hx_led_entry *above = facts->entries[send->entry].open;

            hop->caller_untraced = hx_facts_untraced(facts, facts->entries[send->entry].process);
            hop->caller_propagates = propagates(facts, facts->entries[send->entry].process);
            if (hop->caller_untraced || goes_on(facts->scenario, above->op))
                hop->passed = hx_led_view(&above->head, above->traceparent);
        }
        hop->sent = hx_led_view(&send->open->head, send->open->traceparent);
        hop->sent_state = hx_led_view(&send->open->head, send->open->tracestate);
    } else if (entry->load != HX_NONE) {
        const struct hx_led_load *load = facts->loads[entry->load].open;

        hop->from_load = true;
        hop->sent = hx_led_view(&load->head, load->traceparent);
    }
    hop->callee_untraced = hx_facts_untraced(facts, entry->process);
    hop->has_context = hx_context_parse(hop->got, &hop->context);
    look_at_foreign(facts, hop);
}

/* ---- what breaks a hop ---------------------------------------------------------------------- */

/* A service without SDK hands on what came to it. */
static const char *wrongly_passed(const struct hop *hop)
{
    struct hx_context came, sent;

    if (!hx_context_parse(hop->passed, &came))
        return hop->sent.len > 0 ? "an untraced service sent a context of its own" : NULL;
    if (!hx_context_parse(hop->sent, &sent))
        return "an untraced service did not pass the context on";
    return memcmp(&came, &sent, sizeof sent) != 0 ? "an untraced service changed the context"
                                                  : NULL;
}

static const char *wrongly_sent(const struct hx_facts *facts, const struct hop *hop)
{
    const struct hx_led_span *open;
    struct hx_context sent;

    if (hop->unjoined != NULL)
        return hop->sent.len == 0 && hop->caller_foreign != NULL ? "sent without context" : NULL;
    if (hop->caller_foreign != NULL)
        return hx_foreign_sent(facts, hop->caller_foreign, hop->passed, hop->sent);
    if (hop->caller_untraced)
        return wrongly_passed(hop);
    if (hop->caller == NULL || (hop->mode == HX_EDGE_NONE && hop->sent.len == 0))
        return NULL;
    if (hop->sent.len == 0)
        return "sent without context";
    open = hop->caller->open;
    if (!hx_context_parse(hop->sent, &sent))
        return "sent with a traceparent that is none";
    if (memcmp(sent.trace_id, open->trace_id, 16) != 0)
        return "sent with another trace id than the calling span's";
    if (memcmp(sent.span_id, open->span_id, 8) != 0)
        return "sent with another span id than the calling span's";
    if (((sent.flags ^ open->trace_flags) & 1) != 0)
        return "sent with another sampled flag than the calling span's";
    return NULL;
}

static const char *wrongly_received(const struct hop *hop)
{
    if (!otl_view_equal(hop->sent, hop->got))
        return hop->got.len == 0 ? "traceparent lost on the way" : "traceparent changed on the way";
    if (!hop->from_load && !otl_view_equal(hop->sent_state, hop->got_state))
        return hop->got_state.len == 0 ? "tracestate lost on the way"
                                       : "tracestate changed on the way";
    return NULL;
}

static const char *wrongly_used(const struct hx_facts *facts, const struct hop *hop)
{
    const struct hx_led_span *open;
    bool parent = hop->mode == HX_EDGE_PARENT || hop->mode == HX_EDGE_BOTH;
    bool link = hop->mode == HX_EDGE_LINK || hop->mode == HX_EDGE_BOTH;
    const struct hx_fact_received *row;

    if (hop->callee == NULL || !hop->has_context)
        return NULL;
    open = hop->callee->open;
    if (parent && memcmp(open->trace_id, hop->context.trace_id, 16) != 0)
        return "received, but the callee began a trace of its own";
    if (parent && memcmp(open->parent_span_id, hop->context.span_id, 8) != 0)
        return "received, but the callee has another parent";
    if (!parent && !hop->companion && memcmp(open->trace_id, hop->context.trace_id, 16) == 0)
        return "the callee joined the trace, though the edge is no parent";
    if (!link || !hx_facts_sampled(hop->callee))
        return NULL;
    if (open->link_count == 0)
        return "received, but the callee made no link";
    row = hop->callee->received != HX_NONE ? &facts->received[hop->callee->received] : NULL;
    if (row != NULL && !hop->entry->linked && hop->caller != NULL)
        return hop->entry->first != HX_NONE || open->link_count > 1
                   ? "the batch's links do not name this message's sender"
                   : "the callee's link names another context";
    return NULL;
}

/* One end has no ledger: its span is one of those that nobody asked for. */
static bool joined_foreign(const struct hx_facts *facts, const struct hop *hop)
{
    const struct hx_context *context = &hop->context;

    if (!hop->has_context)
        return false;
    if (hop->caller_foreign != NULL
            ? hx_facts_foreign_span(facts, context->trace_id, context->span_id) == HX_NONE
            : hop->caller != NULL && hop->caller->received == HX_NONE)
        return false;
    if (hop->callee_foreign != NULL)
        return hx_foreign_tied(facts, hop->callee_foreign, context, hop->mode);
    if (hop->callee == NULL || hop->callee->received == HX_NONE)
        return false;
    if (hop->mode == HX_EDGE_LINK) /* to what, its content tells */
        return (facts->received[hop->callee->received].flags & HX_RECEIVED_HAS_LINKS) != 0;
    return memcmp(facts->received[hop->callee->received].trace_id, context->trace_id, 16) == 0 &&
           memcmp(facts->received[hop->callee->received].parent_span_id, context->span_id, 8) == 0;
}

/* Do the received spans alone show the hop? */
static bool joined(const struct hx_facts *facts, const struct hop *hop)
{
    const struct hx_fact_received *from, *to;
    bool parent = hop->mode == HX_EDGE_PARENT || hop->mode == HX_EDGE_BOTH;
    bool link = hop->mode == HX_EDGE_LINK || hop->mode == HX_EDGE_BOTH;

    if (hop->caller_foreign != NULL || hop->callee_foreign != NULL)
        return joined_foreign(facts, hop);
    if (hop->callee == NULL || hop->callee->received == HX_NONE)
        return false;
    to = &facts->received[hop->callee->received];
    if (hop->from_load || hop->mode == HX_EDGE_NONE)
        return true;
    if (hop->caller_untraced) /* it passes on what came to it */
        return link || (hop->has_context &&
                        memcmp(hop->context.trace_id, to->trace_id, 16) == 0 &&
                        memcmp(hop->context.span_id, to->parent_span_id, 8) == 0);
    if (hop->caller == NULL || hop->caller->received == HX_NONE)
        return false;
    from = &facts->received[hop->caller->received];
    if (parent && (memcmp(from->trace_id, to->trace_id, 16) != 0 ||
                   memcmp(from->span_id, to->parent_span_id, 8) != 0))
        return false;
    return !link || hop->entry->linked;
}

/* ---- one hop -------------------------------------------------------------------------------- */

/* Its number, from 1; 0 when there are too many. */
static uint8_t number_of(struct hx_judgement *j, const char *why)
{
    for (uint8_t i = 0; i < HX_MAX_WHYS; i++) {
        if (j->whys[i] == NULL)
            j->whys[i] = why;
        if (strcmp(j->whys[i], why) == 0)
            return (uint8_t)(i + 1);
    }
    return 0;
}

static uint32_t row_of(const struct hx_judgement *j, const struct hop *hop)
{
    const struct hx_fact_span *span = hop->caller != NULL ? hop->caller : hop->callee;

    return span != NULL ? (uint32_t)(span - j->facts->spans) : HX_NONE;
}

/* Both ends: they may be in two traces. */
static void mark_spans(struct hx_judgement *j, const struct hop *hop, const char *why)
{
    if (hop->callee != NULL)
        j->marks->spans[hop->callee - j->facts->spans].hop = number_of(j, why);
    if (hop->caller != NULL)
        j->marks->spans[hop->caller - j->facts->spans].hop = number_of(j, why);
}

static void mark_broken(struct hx_judgement *j, struct hx_edge *edge, const struct hop *hop,
                        const char *why)
{
    struct hx_where where = {.edge = edge->text, .request = hop->entry->open->request};

    if (hop->caller != NULL)
        where.span = (uint32_t)(hop->caller - j->facts->spans) + 1;
    else if (hop->callee != NULL)
        where.span = (uint32_t)(hop->callee - j->facts->spans) + 1;
    edge->broken++;
    mark_spans(j, hop, why);
    if (edge->why[0] == '\0')
        snprintf(edge->why, sizeof edge->why, "%s", why);
    if (!edge->has_example && where.span > 0) {
        memcpy(edge->example, j->facts->spans[where.span - 1].open->trace_id, 16);
        edge->has_example = true;
    }
    if (hop->caller != NULL)
        j->marks->traces[hop->caller->trace].flags |= HX_TRACE_BROKEN;
    if (hop->callee != NULL)
        j->marks->traces[hop->callee->trace].flags |= HX_TRACE_BROKEN;
    if (edge->expectation != NULL && strcmp(edge->expectation, "broken") == 0)
        hx_excuse(&j->checks, HX_CHECK_PROPAGATION, &where, "%s (claimed)", why);
    else
        hx_fail(&j->checks, HX_CHECK_PROPAGATION, &where, "%s", why);
}

/* Both ends were to be traced; a linked callee decides for itself. */
static bool hop_sampled(const struct hop *hop)
{
    if (hop->callee_untraced || (hop->caller != NULL && !hx_facts_sampled(hop->caller)))
        return false;
    if (hop->callee_foreign != NULL)
        return hop->has_context && (hop->context.flags & 1) != 0;
    if (hop->callee == NULL)
        return hop->caller != NULL;
    return hx_facts_sampled(hop->callee);
}

/* Who has no context cannot pass it on; who makes no span ties it to nothing. */
static bool nothing_to_tie(const struct hop *hop)
{
    struct hx_context came;

    if (hop->sent.len == 0 && hop->from_load)
        return true;
    if (hop->sent.len == 0 && hop->caller_untraced)
        return !hop->caller_propagates || !hx_context_parse(hop->passed, &came);
    return hop->callee_untraced;
}

/* Of a hop with an end that has no ledger: what nobody can say is inconclusive, unless the scenario
 * allows it. */
static void not_judged(struct hx_judgement *j, struct hx_edge *edge, const char *why)
{
    edge->not_judged++;
    if (!j->scenario->claims.allow_unknown)
        hx_unknown(&j->checks, HX_CHECK_PROPAGATION, 1, "%s: not judged: %s", edge->text, why);
}

static bool caller_is_lost(const struct hx_facts *facts, const struct hop *hop)
{
    return hop->caller_foreign != NULL && hop->unjoined == NULL && hop->has_context &&
           hop_sampled(hop) && hx_facts_foreign_span(facts, hop->context.trace_id,
                                                     hop->context.span_id) == HX_NONE;
}

static const char *wrongly_used_foreign(struct hx_judgement *j, struct hx_edge *edge,
                                        const struct hop *hop)
{
    bool unknown = false;
    const char *why = NULL;

    if (hop->callee_foreign != NULL && hop->has_context &&
        hop->callee_foreign->tracing.propagate_tracecontext)
        why = hx_foreign_used(j, hop->callee_foreign, &hop->context, hop->mode, &unknown);
    if (why == NULL && hop->unjoined != NULL)
        not_judged(j, edge, hx_foreign_why_unjoined(hop->unjoined));
    else if (unknown)
        not_judged(j, edge, "the callee has no ledger, and no span of it was received (lost, or "
                            "never made)");
    else if (why == NULL && caller_is_lost(j->facts, hop))
        not_judged(j, edge, "the caller has no ledger, and its span was not received");
    return why;
}

/* Which end of a sampled call the received spans do not show. */
static const char *lacking(const struct hop *hop)
{
    if (hop->caller != NULL && hop->caller->received == HX_NONE)
        return "the caller's span did not arrive";
    if (hop->callee == NULL && hop->callee_foreign == NULL)
        return "the callee made no span";
    if (hop->callee != NULL && hop->callee->received == HX_NONE)
        return "the callee's span did not arrive";
    return "both spans arrived, but are not joined";
}

static void note_lack(struct hx_judgement *j, struct hx_edge *edge, const struct hop *hop)
{
    if (edge->lacks != NULL)
        return;
    edge->lacks = lacking(hop);
    edge->lacks_span = row_of(j, hop);
}

static void judge_hop(struct hx_judgement *j, struct hx_edge *edge, struct hop *hop)
{
    const char *why;

    hop->mode = nothing_to_tie(hop) ? HX_EDGE_NONE : edge->mode;
    hop->companion = hop->entry->first != HX_NONE && hop->mode == HX_EDGE_BOTH;
    if (hop->companion)
        hop->mode = HX_EDGE_LINK;
    edge->tied += hop->mode != HX_EDGE_NONE;
    edge->calls++;
    edge->sampled += hop_sampled(hop);
    edge->redelivered += hop->entry->again;
    if (edge->first_span == HX_NONE)
        edge->first_span = row_of(j, hop);
    if (hop_sampled(hop) && joined(j->facts, hop))
        edge->complete++;
    else if (hop_sampled(hop))
        note_lack(j, edge, hop);
    if (hop->mode == HX_EDGE_NONE && hop->sent.len == 0 && hop->got.len == 0)
        return;
    hx_judged(&j->checks, HX_CHECK_PROPAGATION, 1);
    why = wrongly_sent(j->facts, hop);
    if (why == NULL)
        why = wrongly_received(hop);
    if (why == NULL)
        why = wrongly_used(j->facts, hop);
    if (why == NULL)
        why = wrongly_used_foreign(j, edge, hop);
    if (why != NULL)
        mark_broken(j, edge, hop, why);
}

/* Figures are of the measured phase; verdicts are of all. */
static void measure(struct hx_judgement *j, struct hx_edge *edge, const struct hop *hop)
{
    const struct hx_facts *facts = j->facts;
    const struct hx_fact_entry *entry = hop->entry;

    if (hx_facts_warmup(facts, entry->open->request))
        return;
    if (entry->load != HX_NONE) {
        const struct hx_fact_load *load = &facts->loads[entry->load];

        if (load->close != NULL)
            hx_edge_latency(j, edge, load->open->sent_mono_ns, load->close->end_mono_ns);
    } else if (entry->open->kind == HX_LED_ENTRY_KAFKA) {
        if (entry->close != NULL)
            hx_edge_latency(j, edge, facts->sends[entry->send].open->mono_ns,
                            entry->close->mono_ns);
    } else if (facts->sends[entry->send].close != NULL) {
        hx_edge_latency(j, edge, facts->sends[entry->send].open->mono_ns,
                        facts->sends[entry->send].close->mono_ns);
    }
}

static uint32_t caller_op(const struct hx_facts *facts, const struct hx_fact_send *send)
{
    if (send->entry == HX_NONE && hx_facts_foreign(facts, send->process))
        return hx_foreign_caller_op(facts->scenario, facts->processes[send->process].service,
                                    send->open);
    return send->entry != HX_NONE ? facts->entries[send->entry].open->op : HX_NONE;
}

/* Calls that never reached an entry are calls of their edge too. */
static void count_lost_calls(struct hx_judgement *j)
{
    for (size_t i = 0; i < j->facts->send_count; i++) {
        const struct hx_fact_send *send = &j->facts->sends[i];
        struct hx_edge *edge;

        if (send->open->topic != UINT32_MAX || send->arrivals > 0)
            continue;
        edge = hx_edge_of(j, caller_op(j->facts, send), send->open->to_op);
        if (edge == NULL)
            return;
        edge->calls++;
        edge->errors++;
    }
}

void hx_judge_propagation(struct hx_judgement *j)
{
    const struct hx_facts *facts = j->facts;

    hx_foreign_count_strays(j);
    for (size_t i = 0; i < facts->entry_count; i++) {
        const struct hx_fact_entry *entry = &facts->entries[i];
        struct hx_edge *edge;
        struct hop hop;

        if (entry->send == HX_NONE && entry->load == HX_NONE)
            continue; /* told by the checks of calls and ledger */
        look_at(facts, entry, &hop);
        edge = hx_edge_of(j, entry->send != HX_NONE ? caller_op(facts, &facts->sends[entry->send])
                                                    : HX_NONE, entry->open->op);
        if (edge == NULL)
            return;
        judge_hop(j, edge, &hop);
        edge->errors += entry->close != NULL && entry->close->outcome != HX_LED_OUTCOME_OK;
        measure(j, edge, &hop);
    }
    count_lost_calls(j);
}
