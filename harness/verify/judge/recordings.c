/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings that should be there and are not: what leans on them cannot be judged. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/verify/judge/agents.h"

enum leaning {
    LEDGER_PART = 1,  /* judges less than there was when a ledger is missing */
    LEDGER_WRONG = 2, /* ... and sees faults that are none */
    TAP_PART = 4,
    TAP_WRONG = 8     /* sees losses that are none when a part of the tap is missing */
};

static const uint8_t LEANINGS[HX_CHECK_COUNT] = {
    [HX_CHECK_NOT_EMPTY] = LEDGER_WRONG | TAP_WRONG,
    [HX_CHECK_CALLS] = LEDGER_WRONG,
    [HX_CHECK_MESSAGES] = LEDGER_WRONG,
    [HX_CHECK_CLEAN_STOP] = LEDGER_PART,
    [HX_CHECK_BOOKS] = LEDGER_PART,
    [HX_CHECK_LOST_UNEXPLAINED] = LEDGER_PART | TAP_WRONG,
    [HX_CHECK_LOST_AFTER_ACK] = LEDGER_PART | TAP_WRONG,
    [HX_CHECK_PROCESS_KILLED] = LEDGER_PART | TAP_WRONG,
    [HX_CHECK_AGENTS] = LEDGER_WRONG | TAP_WRONG,
    [HX_CHECK_COUNTER_LIES] = LEDGER_WRONG | TAP_PART,
    [HX_CHECK_DUPLICATES] = LEDGER_PART | TAP_PART,
    [HX_CHECK_ID_COLLISIONS] = LEDGER_PART | TAP_PART,
    [HX_CHECK_UNEXPECTED] = LEDGER_WRONG | TAP_PART,
    [HX_CHECK_CONTENT] = LEDGER_PART | TAP_PART,
    [HX_CHECK_IDENTITY] = LEDGER_PART | TAP_PART,
    [HX_CHECK_PARENTS] = LEDGER_WRONG | TAP_PART,
    [HX_CHECK_PROPAGATION] = LEDGER_WRONG | TAP_PART,
    [HX_CHECK_SAMPLING_DECISION] = LEDGER_WRONG,
    [HX_CHECK_WHOLE_TRACES] = LEDGER_WRONG,
    [HX_CHECK_SAMPLING_SHARE] = LEDGER_PART,
    [HX_CHECK_TRACE_ID_RANDOMNESS] = LEDGER_PART,
    [HX_CHECK_TRACES] = LEDGER_WRONG | TAP_WRONG,
    [HX_CHECK_RESOURCE] = LEDGER_WRONG | TAP_PART,
    [HX_CHECK_BAGGAGE] = LEDGER_WRONG,
    [HX_CHECK_DURATIONS] = LEDGER_PART | TAP_PART,
    [HX_CHECK_START_TIMES] = LEDGER_PART | TAP_PART,
    [HX_CHECK_CONTAINMENT] = LEDGER_PART | TAP_PART,
    [HX_CHECK_PIPELINE] = TAP_WRONG,
    [HX_CHECK_TAIL_SAMPLING] = TAP_WRONG,
    [HX_CHECK_PLAYER_ERRED] = LEDGER_WRONG,
};

/* ---- ledgers -------------------------------------------------------------------------------- */

static void add_missing(struct hx_judgement *j, const char *name)
{
    size_t used = strlen(j->missing);

    hx_unknown(&j->checks, HX_CHECK_LEDGER, 1, "there is no ledger of %s", name);
    snprintf(j->missing + used, sizeof j->missing - used, "%s%s",
             used > 0 ? ", " : "there is no ledger of ", name);
}

/* Its incarnations are numbered without a gap; the last one is not known from here. */
static void look_for(struct hx_judgement *j, const struct hx_service *service, unsigned replica)
{
    uint64_t found = 0, highest = 0;
    char name[160];

    for (size_t i = 0; i < j->facts->process_count; i++) {
        const struct hx_fact_process *p = &j->facts->processes[i];

        if (p->service != service || p->open == NULL || p->open->replica != replica)
            continue;
        found++;
        if (p->open->incarnation > highest)
            highest = p->open->incarnation;
    }
    snprintf(name, sizeof name, "%.128s-%u", service->name, replica);
    if (found > 0 && found <= highest)
        snprintf(name + strlen(name), sizeof name - strlen(name), " (%" PRIu64
                 " of its %" PRIu64 " lives)", highest + 1 - found, highest + 1);
    if (found <= highest)
        add_missing(j, name);
}

static void look_for_load(struct hx_judgement *j)
{
    for (size_t i = 0; i < j->facts->process_count; i++) {
        const struct hx_led_process *open = j->facts->processes[i].open;

        if (open != NULL && open->service == UINT32_MAX)
            return;
    }
    add_missing(j, "the load client");
}

/* ---- what follows --------------------------------------------------------------------------- */

static void doubt(struct hx_judgement *j, unsigned part, unsigned wrong, const char *why)
{
    for (int i = 0; i < HX_CHECK_COUNT; i++) {
        enum hx_check_id id = (enum hx_check_id)i;

        if ((LEANINGS[i] & wrong) != 0)
            hx_doubt(&j->checks, id, why);
        if ((LEANINGS[i] & part) != 0 && hx_check_verdict(&j->checks, id) != HX_VERDICT_NONE)
            hx_unknown(&j->checks, id, 1, "%s", why);
    }
}

/* What was acknowledged there is not known. */
static void look_for_agents(struct hx_judgement *j)
{
    static const enum hx_check_id leaning[] = {HX_CHECK_TAP,           HX_CHECK_LOST_UNEXPLAINED,
                                               HX_CHECK_LOST_AFTER_ACK, HX_CHECK_PROCESS_KILLED,
                                               HX_CHECK_AGENTS,        HX_CHECK_COUNTER_LIES,
                                               HX_CHECK_DUPLICATES};

    for (size_t i = 0; i < j->scenario->agent_count; i++) {
        const struct hx_fact_agent *agent = &j->facts->agents[i];
        char why[200];

        if (agent->tap_open && !agent->tap_torn && !agent->tap_damaged)
            continue;
        snprintf(why, sizeof why, "the tap of the agent %.64s is not %s", agent->agent->name,
                 agent->tap_open ? "whole" : "there");
        for (size_t k = 0; k < sizeof leaning / sizeof *leaning; k++) {
            hx_doubt(&j->checks, leaning[k], why);
            hx_unknown(&j->checks, leaning[k], 1, "%s", why);
        }
        if (j->missing[0] == '\0')
            snprintf(j->missing, sizeof j->missing, "%s", why);
    }
}

void hx_judge_recordings(struct hx_judgement *j)
{
    const struct hx_facts *facts = j->facts;

    look_for_load(j);
    for (size_t i = 0; i < j->scenario->service_count; i++)
        for (unsigned k = 0; k < j->scenario->services[i].replicas; k++)
            look_for(j, &j->scenario->services[i], k);
    if (j->missing[0] != '\0')
        doubt(j, LEDGER_PART | LEDGER_WRONG, LEDGER_WRONG, j->missing);
    if (!facts->tap_open)
        doubt(j, TAP_PART | TAP_WRONG, TAP_WRONG, "there is no tap");
    else if (facts->tap_damaged || facts->tap_torn)
        doubt(j, facts->tap_damaged ? TAP_PART | TAP_WRONG : TAP_WRONG, TAP_WRONG,
              facts->tap_damaged ? "a part of the tap cannot be read"
                                 : "the end of the tap is cut off");
    look_for_agents(j);
    if (j->missing[0] == '\0' && (!facts->tap_open || facts->tap_damaged || facts->tap_torn))
        snprintf(j->missing, sizeof j->missing, "the tap is not whole");
}
