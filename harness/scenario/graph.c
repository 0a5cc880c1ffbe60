/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "harness/scenario/internal.h"
#include "harness/scenario/plan.h"

enum { SPANS_MAX = 10000, TEXT_SIZE = 320 };

static struct otl_yaml_pos step_pos(struct hx_loader *l, unsigned op)
{
    const struct hx_step *step = l->scenario->operations[op].step;

    return otl_yaml_value_pos(l->doc, l->maps[op],
                              step->kind == HX_STEP_CALL ? "call" : "publish");
}

static enum otel_err tell_cycle(struct hx_loader *l, const struct hx_plan_cycle *cycle)
{
    char text[TEXT_SIZE], name[160];
    size_t len = 0;

    for (size_t i = 0; i <= cycle->count && len < sizeof(text); i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " -> " : "",
                                hx_plan_entry_text(l->scenario, cycle->ops[i % cycle->count], name,
                                                   sizeof(name)));
    return otl_yaml_error(l->reterr, step_pos(l, cycle->via_op), "cycle without end: %s", text);
}

enum otel_err hx_check_graph(struct hx_loader *l)
{
    struct hx_plan_cycle cycle = {.count = 0};
    struct hx_plan *plan;
    enum otel_err err = hx_plan_new(l->scenario, &plan, &cycle);

    if (err == OTEL_ERR_ARGUMENT)
        return tell_cycle(l, &cycle);
    if (err != OTEL_OK)
        return err;
    for (unsigned i = 0; err == OTEL_OK && i < l->scenario->operation_count; i++)
        if (plan->spans[i] > SPANS_MAX)
            err = otl_yaml_error(l->reterr, otl_yaml_container_pos(l->doc, l->maps[i]),
                                 "one request here makes more than %d spans", SPANS_MAX);
    hx_plan_free(plan);
    return err;
}
