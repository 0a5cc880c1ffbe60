/* SPDX-License-Identifier: Apache-2.0 */
/* Did the services that are wrong on purpose err at all? A scenario whose planted error cannot
 * happen would prove nothing about the referee. */
#include <inttypes.h>

#include "harness/verify/judge/judge.h"

static bool is_broken(const struct hx_broken *broken)
{
    return broken->drop_context[0] != '\0' || broken->trust_malformed ||
           broken->sample_on_its_own || broken->swap_parents_every != 0 ||
           broken->lose_one_in != 0 || broken->lose_and_overcount != 0 ||
           broken->duplicate_every != 0 || broken->reuse_id_every != 0 ||
           broken->alter_every != 0 ||
           broken->clock_offset_ns != 0 || broken->clock_step_every != 0;
}

static void judge_service(struct hx_judgement *j, const struct hx_service *service)
{
    struct hx_where where = {.service = service->name};
    uint64_t errors = 0, open = 0;

    for (size_t i = 0; i < j->facts->process_count; i++) {
        const struct hx_fact_process *p = &j->facts->processes[i];

        if (p->service != service)
            continue;
        open += p->close == NULL;
        errors += p->close != NULL ? p->close->player_errors : 0;
    }
    hx_judged(&j->checks, HX_CHECK_PLAYER_ERRED, 1);
    if (errors == 0 && open > 0)
        hx_unknown(&j->checks, HX_CHECK_PLAYER_ERRED, 1,
                   "%" PRIu64 " processes of %s ended without a word", open, service->name);
    else if (errors == 0)
        hx_fail(&j->checks, HX_CHECK_PLAYER_ERRED, &where,
                "%s is asked to err (broken:), but never did", service->name);
}

void hx_judge_players(struct hx_judgement *j)
{
    for (size_t i = 0; i < j->scenario->service_count; i++)
        if (is_broken(&j->scenario->services[i].broken))
            judge_service(j, &j->scenario->services[i]);
}
