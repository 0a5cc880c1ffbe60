/* SPDX-License-Identifier: Apache-2.0 */
/* Is there anything to judge, is it whole, and did what was sent arrive? */
#include <inttypes.h>

#include "harness/verify/judge/judge.h"

/* Does any service make spans of its own, or may it (a program that is not ours)? */
static bool asks_for_spans(const struct hx_scenario *scenario)
{
    for (size_t i = 0; i < scenario->operation_count; i++) {
        const struct hx_operation *op = &scenario->operations[i];
        const struct hx_service *service = op->service;
        bool untraced = false;

        if (service->foreign != NULL)
            return true;
        for (size_t k = 0; k < service->route_count; k++)
            untraced |= service->routes[k].op == op->entry && !service->routes[k].span;
        if (service->tracing.enabled && service->tracing.instrumented && !untraced)
            return true;
    }
    return false;
}

/* Is anything claimed that only spans can show? Without a list of checks all are. */
static bool claims_spans(const struct hx_claims *claims)
{
    static const enum hx_check_id OTHERS[] = {HX_CHECK_LEDGER, HX_CHECK_TAP, HX_CHECK_CALLS,
                                              HX_CHECK_MESSAGES, HX_CHECK_CLEAN_STOP};
    size_t others = 0;

    for (size_t i = 0; claims->checks != NULL && i < claims->check_count; i++)
        for (size_t k = 0; k < sizeof OTHERS / sizeof OTHERS[0]; k++)
            others += hx_check_by_name(claims->checks[i]) == OTHERS[k];
    return claims->checks == NULL || others < claims->check_count ||
           claims->required_count + claims->forbidden_count + claims->broken_count > 0 ||
           claims->spans_per_request_min > 0 || claims->partial_traces || *claims->namer != '\0' ||
           *claims->critical_path != '\0';
}

static void judge_without_spans(struct hx_judgement *j)
{
    if (claims_spans(&j->scenario->claims))
        hx_unknown(&j->checks, HX_CHECK_NOT_EMPTY, 1,
                   "the scenario asks for no span, so none can prove anything");
    else
        hx_observed(&j->checks, HX_CHECK_NOT_EMPTY,
                    "%zu requests; the scenario neither asks for a span nor claims one",
                    j->facts->load_count);
}

static void judge_presence(struct hx_judgement *j)
{
    const struct hx_facts *facts = j->facts;
    uint64_t sampled = 0;

    for (size_t i = 0; i < facts->trace_count; i++)
        sampled += facts->traces[i].sampled;
    hx_observed(&j->checks, HX_CHECK_NOT_EMPTY, "%zu requests, %" PRIu64
                " sampled spans started, %zu spans received", facts->load_count, sampled,
                facts->received_count);
    hx_judged(&j->checks, HX_CHECK_NOT_EMPTY, 1);
    if (facts->load_count == 0)
        hx_fail(&j->checks, HX_CHECK_NOT_EMPTY, HX_NOWHERE, "no request was made");
    else if (!asks_for_spans(j->scenario))
        judge_without_spans(j);
    else if (facts->span_count == 0)
        hx_fail(&j->checks, HX_CHECK_NOT_EMPTY, HX_NOWHERE, "no span was started");
    else if (sampled > 0 && facts->received_count == 0)
        hx_fail(&j->checks, HX_CHECK_NOT_EMPTY, HX_NOWHERE, "no span was received");
    else if (facts->received_count == 0)
        hx_unknown(&j->checks, HX_CHECK_NOT_EMPTY, 1,
                   "no span was sampled, so none can prove anything");
}

static void judge_ledger(struct hx_judgement *j)
{
    const struct hx_facts *facts = j->facts;
    const struct hx_led_problem *problems;
    size_t count;

    problems = hx_led_reader_problems(facts->ledger, &count);
    hx_judged(&j->checks, HX_CHECK_LEDGER, hx_led_reader_segments(facts->ledger));
    for (size_t i = 0; i < count && i < HX_LED_PROBLEM_MAX; i++)
        hx_unknown(&j->checks, HX_CHECK_LEDGER, 1, "%s, byte %zu: %s", problems[i].file,
                   problems[i].offset, problems[i].text);
    if (facts->dangling > 0)
        hx_unknown(&j->checks, HX_CHECK_LEDGER, facts->dangling,
                   "%" PRIu64 " rows name a row that is not there", facts->dangling);
    if (hx_led_reader_segments(facts->ledger) == 0)
        hx_unknown(&j->checks, HX_CHECK_LEDGER, 1, "there is no ledger");
    hx_observed(&j->checks, HX_CHECK_LEDGER, "%zu segments of %zu processes, %zu problems",
                hx_led_reader_segments(facts->ledger), facts->process_count, count);
}

static void judge_tap(struct hx_judgement *j)
{
    const struct hx_facts *facts = j->facts;

    hx_judged(&j->checks, HX_CHECK_TAP, facts->request_count + facts->tap_open);
    if (!facts->tap_open)
        hx_unknown(&j->checks, HX_CHECK_TAP, 1, "there is no tap");
    if (facts->tap_damaged)
        hx_unknown(&j->checks, HX_CHECK_TAP, 1, "byte %zu of the tap is no record",
                   facts->tap.at);
    if (facts->tap_torn)
        hx_unknown(&j->checks, HX_CHECK_TAP, 1, "the last record of the tap is cut off");
    for (size_t i = 0; i < facts->request_count; i++) {
        if (facts->requests[i].undecodable)
            hx_fail(&j->checks, HX_CHECK_TAP, HX_NOWHERE, "request %" PRIu64
                    " of %u spans cannot be decoded", facts->requests[i].number,
                    (unsigned)facts->requests[i].spans);
    }
    hx_observed(&j->checks, HX_CHECK_TAP, "%zu requests, %" PRIu64 " not readable",
                facts->request_count, facts->tap_undecodable);
}

/* ---- calls and messages --------------------------------------------------------------------- */

static unsigned groups_of(const struct hx_scenario *scenario, uint32_t topic)
{
    unsigned groups = 0;

    for (size_t i = 0; i < scenario->service_count; i++) {
        const struct hx_service *service = &scenario->services[i];

        for (size_t k = 0; k < service->consumer_count; k++)
            groups += service->consumers[k].topic->index == topic;
    }
    return groups;
}

static void judge_send(struct hx_judgement *j, const struct hx_fact_send *send)
{
    const struct hx_led_send *open = send->open;
    struct hx_where where = {.span = send->span != HX_NONE ? send->span + 1 : 0,
                             .request = open->request};
    unsigned groups;

    if (send->close == NULL)
        return;
    if (open->topic == UINT32_MAX) {
        if (send->close->status <= 0)
            return;
        hx_judged(&j->checks, HX_CHECK_CALLS, 1);
        if (send->arrivals == 0)
            hx_fail(&j->checks, HX_CHECK_CALLS, &where,
                    "answered with %d, but %s has no entry for it", (int)send->close->status,
                    hx_facts_op_name(j->facts, open->to_op));
        return;
    }
    if (send->close->outcome != HX_LED_OUTCOME_OK || open->topic >= j->scenario->topic_count)
        return;
    groups = groups_of(j->scenario, open->topic);
    hx_judged(&j->checks, HX_CHECK_MESSAGES, groups > 0);
    if (send->arrivals < groups)
        hx_fail(&j->checks, HX_CHECK_MESSAGES, &where,
                "message %s[%d]@%" PRId64 " was handled by %u of %u groups",
                j->scenario->topics[open->topic].name, (int)send->close->partition,
                send->close->offset, (unsigned)send->arrivals, groups);
}

static void judge_load(struct hx_judgement *j, const struct hx_fact_load *load)
{
    if (load->close == NULL || load->close->http_status == 0)
        return;
    hx_judged(&j->checks, HX_CHECK_CALLS, 1);
    if (load->entry == HX_NONE)
        hx_fail(&j->checks, HX_CHECK_CALLS, &(struct hx_where){.request = load->open->request},
                "answered with %u, but %s has no entry for it",
                (unsigned)load->close->http_status, hx_facts_op_name(j->facts, load->open->op));
}

void hx_judge_input(struct hx_judgement *j)
{
    judge_presence(j);
    judge_ledger(j);
    judge_tap(j);
    for (size_t i = 0; i < j->facts->load_count; i++)
        judge_load(j, &j->facts->loads[i]);
    for (size_t i = 0; i < j->facts->send_count; i++)
        judge_send(j, &j->facts->sends[i]);
}
