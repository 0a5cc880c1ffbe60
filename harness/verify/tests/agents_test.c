/* SPDX-License-Identifier: Apache-2.0 */
/* A service behind an agent: what is lost, repeated or invented between the two sockets is caught
 * by name, and what the agent itself counts as dropped is explained. */
#include <stdio.h>

#include "harness/verify/tests/players.h"

/* The n-th (from 0) request of the service behind the agent. */
static struct w_request *request_of(struct world *w, unsigned n)
{
    struct w_request *request = w->requests;

    for (;; request++)
        if (request->process == w->agent_of && n-- == 0)
            return request;
}

static uint64_t spans_in(const struct world *w, const struct w_request *request)
{
    uint64_t count = 0;

    for (uint32_t i = request->first; i != UINT32_MAX; i = w->spans[i].next)
        count++;
    return count;
}

static void passes_all_on(struct world *w)
{
    world_agent(w, W_ORDER);
}

static void loses_in_silence(struct world *w)
{
    world_agent(w, W_ORDER);
    request_of(w, 1)->times = 0;
}

static void loses_and_counts(struct world *w)
{
    loses_in_silence(w);
    w->agent_counts = spans_in(w, request_of(w, 1));
}

static void loses_one_more_than_it_counts(struct world *w)
{
    loses_and_counts(w);
    w->agent_counts--;
}

static void counts_what_it_passed_on(struct world *w)
{
    world_agent(w, W_ORDER);
    w->agent_counts = 5;
}

/* The answer was lost: it may believe that they did not arrive. */
static void counts_what_was_not_acknowledged_to_it(struct world *w)
{
    world_agent(w, W_ORDER);
    request_of(w, 1)->unsent = true;
    w->agent_counts = spans_in(w, request_of(w, 1));
}

static void sends_again_what_was_not_acknowledged(struct world *w)
{
    world_agent(w, W_ORDER);
    request_of(w, 1)->times = 2;
    request_of(w, 1)->unanswered = true;
}

static void passes_on_twice(struct world *w)
{
    world_agent(w, W_ORDER);
    request_of(w, 1)->times = 2;
}

static void is_sent_again_what_it_refused(struct world *w)
{
    world_agent(w, W_ORDER);
    request_of(w, 1)->at_agent = 2;
    request_of(w, 1)->first_refused = true;
    w->closes[W_ORDER].export_requests++;
}

/* The service repeats it, and the agent passes on both. */
static void is_sent_twice(struct world *w)
{
    world_agent(w, W_ORDER);
    request_of(w, 1)->at_agent = 2;
    request_of(w, 1)->times = 2;
}

static void is_passed_by(struct world *w)
{
    world_agent(w, W_ORDER);
    request_of(w, 1)->at_agent = 0;
}

static void never_arrives_at_the_agent(struct world *w)
{
    world_agent(w, W_ORDER);
    request_of(w, 1)->at_agent = 0;
    request_of(w, 1)->times = 0;
}

static void never_sent(struct world *w)
{
    world_agent(w, W_ORDER);
    world_span(w, OP_PROCESS, 7)->wire.gone = true;
}

static void hears_of_others(struct world *w)
{
    world_agent(w, W_ORDER);
    for (size_t i = 0; i < w->request_count; i++)
        if (w->requests[i].process == W_GATEWAY)
            w->requests[i].at_agent = 1;
}

static void says_nothing(struct world *w)
{
    world_agent(w, W_ORDER);
    w->agent_silent = true;
}

static void records_nothing(struct world *w)
{
    world_agent(w, W_ORDER);
    w->agent_blind = true;
}

static void answers_before_its_queue_is_asked(struct world *w)
{
    loses_and_counts(w);
    w->agent.acknowledges_first = true;
}

static void another_service_loses(struct world *w)
{
    world_agent(w, W_ORDER);
    w->agent_counts = 0;
    for (size_t i = 0; i < w->request_count; i++)
        if (w->requests[i].process == W_GATEWAY) {
            w->requests[i].times = 0;
            return;
        }
}

static const struct player PLAYERS[] = {
    {"passes_all_on", {0}, passes_all_on, "", NULL, NULL},
    {"loses_in_silence", {0}, loses_in_silence, "lost_unexplained,agents", NULL, NULL},
    {"loses_and_counts", {0}, loses_and_counts, "", NULL, NULL},
    {"loses_one_more_than_it_counts", {0}, loses_one_more_than_it_counts,
     "lost_unexplained,agents", NULL, NULL},
    {"counts_what_it_passed_on", {0}, counts_what_it_passed_on, "agents", NULL, NULL},
    {"counts_what_was_not_acknowledged_to_it", {0}, counts_what_was_not_acknowledged_to_it, "",
     NULL, NULL},
    {"sends_again_what_was_not_acknowledged", {0}, sends_again_what_was_not_acknowledged, "", NULL,
     NULL},
    {"passes_on_twice", {0}, passes_on_twice, "duplicates", NULL, NULL},
    {"is_sent_again_what_it_refused", {0}, is_sent_again_what_it_refused, "", NULL, NULL},
    {"is_sent_twice", {0}, is_sent_twice, "duplicates", NULL, NULL},
    {"is_passed_by", {0}, is_passed_by, "agents", NULL, NULL},
    {"never_arrives_at_the_agent", {0}, never_arrives_at_the_agent, "lost_after_ack", NULL, NULL},
    {"never_sent", {0}, never_sent, "lost_unexplained", NULL, NULL},
    {"hears_of_others", {0}, hears_of_others, "unexpected", NULL, NULL},
    {"says_nothing", {0}, says_nothing, "agents", NULL, NULL},
    {"records_nothing", {0}, records_nothing,
     "tap,lost_unexplained,lost_after_ack,process_killed,agents,counter_lies,duplicates", NULL,
     NULL},
    {"answers_before_its_queue_is_asked", {0}, answers_before_its_queue_is_asked, "", NULL, NULL},
    {"another_service_loses", {0}, another_service_loses, "lost_after_ack", NULL, NULL},
};

int main(void)
{
    return run_players("agents", PLAYERS, sizeof PLAYERS / sizeof *PLAYERS);
}
