/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "harness/verify/tail/before_statement.h"
#include "harness/verify/tail/rules.h"

/* transform: groups of statements, walked anew for every span as conditions are. Checked once over
 * a span without anything. */

static void begin_group(struct hx_statement *s, int context)
{
    s->reads = s->writes = s->mixed = s->gate_reads = 0;
    s->walk.context = (enum hx_tail_where)context;
    s->walk.event = 0;
}

/* The group is run for one thing after another: for each of the context that it says, or of the
 * deepest that its paths name. What is shared by several then is seen as those before have left
 * it; and what is done for each event is not done for spans without. */
static bool is_order_free(const struct hx_statement *s, bool said)
{
    unsigned all = s->reads | s->writes | s->gate_reads;
    int deepest = said ? (int)s->walk.context : HX_TAIL_EVENT;

    while (!said && deepest > 0 && (all >> deepest & 1) == 0)
        deepest--;
    for (int where = HX_TAIL_RESOURCE; where < HX_TAIL_SPAN && where < deepest; where++)
        if ((s->writes >> where & 1) != 0 &&
            (deepest == HX_TAIL_EVENT || ((s->mixed | s->reads | s->gate_reads) >> where & 1) != 0))
            return false;
    return true;
}

#define BY_ORDER "a resource or scope that is set for one span after another"
#define MAY_FAIL "error_mode propagate where a function can fail"

/* One of the conditions has to hold, if there are any. */
static const char *gate(struct hx_statement *s, const json_t *conditions, bool *ret_open)
{
    const json_t *item;
    bool good;
    size_t i;

    *ret_open = json_array_size(conditions) == 0;
    json_array_foreach(conditions, i, item) {
        *ret_open |= hx_before_holds(&s->walk, item, &good);
        s->gate_reads |= s->walk.saw;
        if (!good)
            return json_is_string(item) ? json_string_value(item) : "a condition";
    }
    return NULL;
}

/* On the span, or on the event at hand. texts: of them, those that are texts. */
static const char *walk_once(struct hx_statement *s, const json_t *conditions,
                             const json_t *texts)
{
    const json_t *item;
    const char *wrong;
    bool open;
    size_t i;

    wrong = gate(s, conditions, &open);
    if (wrong != NULL || (!open && !s->dry))
        return wrong;
    json_array_foreach(texts, i, item)
        if (json_is_string(item) && !hx_statement_run(s, json_string_value(item)) && s->dry)
            return json_string_value(item);
    return NULL;
}

static const char *walk_group(struct hx_statement *s, const json_t *group, const json_t *texts)
{
    const json_t *conditions = json_object_get(group, "conditions");
    int context = hx_before_context(group, texts);
    const char *wrong = NULL;
    unsigned events;

    if (context < 0)
        return json_string_value(json_object_get(group, "context"));
    begin_group(s, context);
    if (context < HX_TAIL_EVENT || s->dry) {
        wrong = walk_once(s, conditions, texts);
        if (wrong == NULL && !is_order_free(s, json_object_get(group, "context") != NULL))
            wrong = BY_ORDER;
        return wrong;
    }
    events = hx_draft_events(s->draft);
    for (s->walk.event = 0; s->walk.event < events; s->walk.event++)
        wrong = walk_once(s, conditions, texts);
    return wrong;
}

/* Statements without a group are one, behind the groups. */
static const char *walk_all(struct hx_statement *s, const json_t *groups)
{
    bool strict = s->strict;
    const char *wrong;
    const json_t *item;
    size_t i;

    json_array_foreach(groups, i, item) {
        if (!json_is_object(item))
            continue;
        s->strict = hx_before_propagates(item, strict);
        if (s->dry && s->strict && hx_before_may_refuse(item))
            return MAY_FAIL;
        wrong = walk_group(s, item, json_object_get(item, "statements"));
        if (wrong != NULL && s->dry)
            return wrong;
    }
    s->strict = strict;
    json_array_foreach(groups, i, item)
        if (s->dry && strict && json_is_string(item) && hx_before_may_refuse(item))
            return MAY_FAIL;
    return walk_group(s, NULL, groups);
}

static bool run(struct hx_before *before, const struct hx_stage *stage, struct hx_draft *draft)
{
    struct hx_statement s = {.walk = {.ottl = stage->ottl, .span = &draft->span},
                             .draft = draft,
                             .before = before};

    (void)walk_all(&s, json_object_get(stage->config, "trace_statements"));
    draft->span.guessed |= hx_ottl_unsure(stage->ottl);
    return true;
}

enum otel_err hx_before_statements(struct hx_before *before, struct hx_stage *stage)
{
    const json_t *groups = json_object_get(stage->config, "trace_statements");
    enum otel_err err = hx_ottl_load(before->arena, NULL, NULL, &stage->ottl, before->reterr);
    struct hx_statement s = {.walk = {.ottl = stage->ottl},
                             .before = before,
                             .dry = true,
                             .strict = hx_before_propagates(stage->config, before->old_errors)};
    struct hx_draft draft;
    const char *wrong;

    if (err != OTEL_OK)
        return err;
    hx_draft_begin(&draft, &hx_draft_nothing, &before->scratch);
    s.draft = &draft;
    s.walk.span = &draft.span;
    stage->run = run;
    wrong = walk_all(&s, groups);
    (void)hx_ottl_unsure(stage->ottl);
    return wrong == NULL ? OTEL_OK
                         : otl_detail_set(before->reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                                          "'%s' before tail_sampling changes spans, and '%.200s' "
                                          "is not predicted",
                                          stage->id, wrong);
}
