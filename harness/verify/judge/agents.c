/* SPDX-License-Identifier: Apache-2.0 */
/* Services behind an agent: what it acknowledged, what it passed on, what it says it dropped. By
 * identity at both sockets; only which of the missing it dropped its numbers cannot say. */
#include <inttypes.h>
#include <string.h>

#include "harness/verify/judge/agents.h"

struct seen { /* of one span */
    uint32_t taken;    /* receipts at the agent, */
    uint32_t promised; /* ... of which it acknowledged so many */
    uint32_t arrived;  /* receipts at the recording collector, */
    uint32_t settled;  /* ... of which that one acknowledged so many to the agent */
};

struct sums { /* of one agent, receipts */
    uint64_t promised, missing, unsettled;
};

static struct seen look_at(const struct hx_facts *facts, const struct hx_fact_agent *agent,
                           uint32_t span)
{
    struct seen seen = {0};

    for (uint32_t at = facts->taken_first[span]; at != HX_NONE; at = facts->taken[at].next) {
        seen.taken++;
        seen.promised += agent->requests[facts->taken[at].request].success;
    }
    for (uint32_t at = facts->spans[span].received; at != HX_NONE; at = facts->received[at].next) {
        const struct hx_fact_request *request = &facts->requests[facts->received[at].request];

        seen.arrived++;
        seen.settled += request->success && !request->unsent;
    }
    return seen;
}

/* ---- copies --------------------------------------------------------------------------------- */

/* Sent twice by the service though the agent had answered. Returns how often. */
static uint32_t judge_sender(struct hx_judgement *j, const struct hx_fact_agent *agent,
                             uint32_t span)
{
    const struct hx_facts *facts = j->facts;
    uint32_t before = facts->taken_first[span], at = facts->taken[before].next, wrong = 0;

    for (; at != HX_NONE; before = at, at = facts->taken[at].next) {
        const struct hx_fact_request *earlier = &agent->requests[facts->taken[before].request];
        const struct hx_fact_request *later = &agent->requests[facts->taken[at].request];

        if (hx_retry_of(earlier, later))
            continue;
        wrong++;
        hx_fail(&j->checks, HX_CHECK_DUPLICATES, HX_AT_SPAN(span),
                "received again by the agent %s, request %" PRIu64
                ", though the first was answered with %u",
                agent->agent->name, later->number, (unsigned)earlier->status);
    }
    return wrong;
}

static void judge_copies(struct hx_judgement *j, const struct hx_fact_agent *agent, uint32_t span,
                         const struct seen *seen)
{
    uint32_t wrong = judge_sender(j, agent, span);
    uint32_t copies = seen->arrived > 1 ? seen->arrived - 1 : 0;

    if (seen->settled > seen->taken) {
        wrong += seen->settled - seen->taken;
        hx_fail(&j->checks, HX_CHECK_DUPLICATES, HX_AT_SPAN(span),
                "the agent %s received it %u times and passed it on %u times, acknowledged",
                agent->agent->name, (unsigned)seen->taken, (unsigned)seen->settled);
    }
    j->books.duplicated += wrong;
    j->books.retry_duplicates += copies > wrong ? copies - wrong : 0;
}

/* ---- losses --------------------------------------------------------------------------------- */

static void judge_span(struct hx_judgement *j, const struct hx_fact_agent *agent, uint32_t span,
                       struct sums *sums)
{
    struct seen seen = look_at(j->facts, agent, span);

    if (seen.taken == 0) {
        if (seen.arrived > 0 && agent->tap_open)
            hx_fail(&j->checks, HX_CHECK_AGENTS, HX_AT_SPAN(span),
                    "received by the collector, but not by the agent %s on the way",
                    agent->agent->name);
        return;
    }
    judge_copies(j, agent, span, &seen);
    hx_judged(&j->checks, HX_CHECK_AGENTS, seen.promised);
    sums->promised += seen.promised;
    if (seen.arrived == 0)
        sums->missing += seen.promised;
    else if (seen.promised > seen.settled)
        sums->unsettled += seen.promised - seen.settled;
}

/* What services without ledger sent by way of it: they stand in no books, but what the agent
 * acknowledged of them it has passed on or dropped as well. */
static void judge_passing(struct hx_judgement *j, const struct hx_fact_agent *agent,
                          struct sums *sums)
{
    for (size_t i = 0; i < agent->passing_count; i++) {
        const struct hx_fact_passing *row = &agent->passing[i];
        uint32_t at = hx_facts_foreign_span(j->facts, row->trace_id, row->span_id);
        const struct hx_fact_request *request =
            at != HX_NONE ? &j->facts->requests[j->facts->received[at].request] : NULL;

        if (!agent->requests[row->request].success)
            continue;
        hx_judged(&j->checks, HX_CHECK_AGENTS, 1);
        sums->promised++;
        sums->missing += request == NULL;
        sums->unsettled += request != NULL && (!request->success || request->unsent);
    }
}

/* Dropped is what is missing, and it may be what arrived while no answer came back. */
static void judge_sums(struct hx_judgement *j, const struct hx_fact_agent *agent,
                       const struct sums *sums)
{
    const char *name = agent->agent->name;

    if (!agent->counted)
        hx_unknown(&j->checks, HX_CHECK_AGENTS, 1,
                   "the agent %s left no numbers of what it dropped", name);
    else if (sums->missing > agent->dropped)
        hx_fail(&j->checks, HX_CHECK_AGENTS, &(struct hx_where){.service = name},
                "the agent %s acknowledged %" PRIu64 " spans, of which %" PRIu64
                " did not arrive behind it; it counts %" PRIu64 " as dropped",
                name, sums->promised, sums->missing, agent->dropped);
    else if (agent->dropped > sums->missing + sums->unsettled)
        hx_fail(&j->checks, HX_CHECK_AGENTS, &(struct hx_where){.service = name},
                "the agent %s counts %" PRIu64 " spans as dropped, but %" PRIu64
                " are missing and %" PRIu64 " others were never acknowledged to it",
                name, agent->dropped, sums->missing, sums->unsettled);
    else
        j->books.reported_lost_counted += agent->dropped - sums->missing;
    if (agent->strangers > 0)
        hx_fail(&j->checks, HX_CHECK_UNEXPECTED, &(struct hx_where){.service = name},
                "the agent %s received %" PRIu64 " spans that no service behind it started", name,
                agent->strangers);
    if (agent->undecodable > 0)
        hx_fail(&j->checks, HX_CHECK_TAP, &(struct hx_where){.service = name},
                "%" PRIu64 " requests at the agent %s cannot be decoded", agent->undecodable,
                name);
}

void hx_judge_agents(struct hx_judgement *j)
{
    const struct hx_facts *facts = j->facts;
    uint64_t promised = 0, missing = 0, dropped = 0;
    struct sums sums[HX_MAX_AGENTS] = {{0}};

    if (facts->taken_first == NULL)
        return;
    for (uint32_t i = 0; i < facts->span_count; i++) {
        const struct hx_agent *agent = hx_facts_agent(facts, facts->spans[i].process);

        if (agent != NULL)
            judge_span(j, &facts->agents[agent->index], i, &sums[agent->index]);
    }
    for (size_t i = 0; i < j->scenario->agent_count; i++) {
        judge_passing(j, &facts->agents[i], &sums[i]);
        judge_sums(j, &facts->agents[i], &sums[i]);
        promised += sums[i].promised;
        missing += sums[i].missing;
        dropped += facts->agents[i].dropped;
    }
    hx_observed(&j->checks, HX_CHECK_AGENTS,
                "%" PRIu64 " acknowledged, %" PRIu64 " of them did not arrive behind, %" PRIu64
                " counted as dropped",
                promised, missing, dropped);
}

/* ---- for the fates -------------------------------------------------------------------------- */

bool hx_agent_promised(const struct hx_facts *facts, uint32_t span)
{
    const struct hx_agent *agent = hx_facts_agent(facts, facts->spans[span].process);

    return agent != NULL && look_at(facts, &facts->agents[agent->index], span).promised > 0;
}

enum hx_fate hx_agent_lost(struct hx_judgement *j, uint32_t span)
{
    struct hx_fact_span *row = &j->marks->spans[span];
    const struct hx_agent *agent = hx_facts_agent(j->facts, row->process);
    const struct hx_fact_agent *facts = &j->facts->agents[agent->index];

    if (j->agent_lost[agent->index] < facts->dropped) {
        j->agent_lost[agent->index]++;
        row->opinion = HX_OPINION_AGENT;
        return HX_FATE_LOST;
    }
    hx_fail(&j->checks, HX_CHECK_LOST_UNEXPLAINED, HX_AT_SPAN(span),
            "acknowledged by the agent %s, not received behind it, and not among the %" PRIu64
            " that it counts as dropped",
            agent->name, facts->dropped);
    return HX_FATE_UNEXPLAINED;
}
