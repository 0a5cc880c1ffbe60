/* SPDX-License-Identifier: Apache-2.0 */
/* Does every span carry the resource of the process that made it? */
#include <string.h>

#include "harness/verify/judge/judge.h"

static void wrong(struct hx_judgement *j, const struct hx_fact_process *p, const char *what,
                  struct otl_view got, const char *expected)
{
    hx_fail(&j->checks, HX_CHECK_RESOURCE, &(struct hx_where){.service = p->instance},
            "%s is '%.*s', expected '%s'", what, (int)(got.len < 100 ? got.len : 100),
            got.len > 0 ? got.data : "", expected);
}

static void judge_resource(struct hx_judgement *j, const struct hx_fact_resource *resource)
{
    const struct hx_fact_process *p;

    if (resource->process == HX_NONE)
        return; /* of spans that nobody started */
    p = &j->facts->processes[resource->process];
    if (p->service == NULL)
        return;
    if (!otl_view_is(resource->service, p->service->name))
        wrong(j, p, "service.name", resource->service, p->service->name);
    else if (!otl_view_is(resource->instance, p->instance))
        wrong(j, p, "service.instance.id", resource->instance, p->instance);
    else if (p->open != NULL && p->open->resource_hash != 0 &&
             p->open->resource_hash != resource->sum)
        hx_fail(&j->checks, HX_CHECK_RESOURCE, &(struct hx_where){.service = p->instance},
                "the attributes differ from those that were declared");
    if (!resource->sdk_named)
        hx_fail(&j->checks, HX_CHECK_RESOURCE, &(struct hx_where){.service = p->instance},
                "telemetry.sdk.name, .language or .version is missing");
}

/* Incarnations of one instance declare the same resource. */
static bool same_resource(const struct hx_facts *facts, uint32_t one, uint32_t other)
{
    const struct hx_fact_process *a = &facts->processes[one], *b = &facts->processes[other];

    return one == other || (strcmp(a->instance, b->instance) == 0 && a->open != NULL &&
                            b->open != NULL && a->open->resource_hash == b->open->resource_hash);
}

void hx_judge_resources(struct hx_judgement *j)
{
    const struct hx_facts *facts = j->facts;

    for (size_t i = 0; i < facts->resource_count; i++)
        judge_resource(j, &facts->resources[i]);
    for (uint32_t i = 0; i < facts->received_count; i++) {
        const struct hx_fact_received *row = &facts->received[i];

        if (row->span == HX_NONE)
            continue;
        hx_judged(&j->checks, HX_CHECK_RESOURCE, 1);
        if (!same_resource(facts, facts->resources[row->resource].process,
                           facts->spans[row->span].process))
            hx_fail(&j->checks, HX_CHECK_RESOURCE, HX_AT_RECEIVED(i),
                    "received under the resource of %s",
                    facts->processes[facts->resources[row->resource].process].instance);
    }
}
