/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_FACTS_AGENTS_H
#define HX_FACTS_AGENTS_H

#include "harness/verify/facts/facts.h"

/*
 * Facts of agents (harness/scenario/agents.h), the Collectors between services and the recording
 * one: what arrived at their own sockets, by identity, and what they count as dropped.
 *
 * Life      as the facts that they are part of.
 */

/* One receipt at an agent of a span of a service without ledger. */
struct hx_fact_passing {
    uint8_t trace_id[16], span_id[8];
    uint32_t request; /* of the agent's tap */
};

struct hx_fact_agent {
    const struct hx_agent *agent;
    struct col_tap_reader tap;
    bool tap_open, tap_torn, tap_damaged;
    struct hx_fact_request *requests; /* of its tap; what a pipeline leaves behind is not filled */
    size_t request_count;
    uint64_t undecodable; /* requests */
    uint64_t strangers;   /* spans that no service behind it started */
    struct hx_fact_passing *passing; /* of services without ledger behind it */
    size_t passing_count, passing_cap;
    bool counted;         /* it left its numbers: */
    uint64_t dropped;     /* ... spans that it acknowledged and did not pass on */
};

/* One receipt of a span at its agent. */
struct hx_fact_taken {
    uint32_t request; /* of the agent's tap */
    uint32_t next;    /* another receipt of the same span */
};

/* The agent that the spans of this process go to; NULL: none, or an unknown process. */
const struct hx_agent *hx_facts_agent(const struct hx_facts *facts, uint32_t process);

/* The last step of loading; free is part of hx_facts_free(). */
OTEL_MUST_USE enum otel_err hx_facts_read_agents(struct hx_facts *facts, const char *dir,
                                                 struct otl_detail *reterr);
void hx_facts_free_agents(struct hx_facts *facts);

#endif
