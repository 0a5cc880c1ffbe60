/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_VERIFY_JUDGE_AGENTS_H
#define HX_VERIFY_JUDGE_AGENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/verify/facts/agents.h"
#include "harness/verify/judge/judge.h"

/*
 * Spans of services behind an agent (harness/scenario/agents.h), for the judges of delivery.
 *
 * Threads   one owner of the judgement.
 */

/* May the sender have believed, when it sent later, that earlier had not come through? */
bool hx_retry_of(const struct hx_fact_request *earlier, const struct hx_fact_request *later);

/* Did its agent acknowledge it? False without one. */
bool hx_agent_promised(const struct hx_facts *facts, uint32_t span);
/* Of a span that an agent acknowledged and that did not arrive: among those that the agent counts
 * as dropped, as long as there are such, or unexplained. */
enum hx_fate hx_agent_lost(struct hx_judgement *j, uint32_t span);

#endif
