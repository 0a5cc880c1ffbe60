/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "harness/verify/tail/before.h"
#include "harness/verify/tail/ottl_walk.h"

/* filter: conditions in lists by context, in groups, and the old include and exclude. */

static bool names_event(const char *text)
{
    static const char word[] = "spanevent.";

    for (; *text != '\0'; text++) {
        if (strncmp(text, word, sizeof(word) - 1) == 0)
            return true;
        if (*text != '"')
            continue;
        for (text++; *text != '"' && *text != '\0'; text++)
            text += *text == '\\' && text[1] != '\0';
        if (*text == '\0')
            return false;
    }
    return false;
}

static bool any_names_event(const json_t *texts)
{
    const json_t *text;
    size_t i;

    json_array_foreach(texts, i, text)
        if (json_is_string(text) && names_event(json_string_value(text)))
            return true;
    return false;
}

int hx_before_context(const json_t *group, const json_t *texts)
{
    static const char *const words[] = {"resource", "scope", "span", "spanevent"};
    const char *said = json_string_value(json_object_get(group, "context"));

    if (said == NULL)
        return any_names_event(texts) || any_names_event(json_object_get(group, "conditions"))
                   ? HX_TAIL_EVENT
                   : HX_TAIL_SPAN;
    for (int i = 0; i < 4; i++)
        if (strcmp(said, words[i]) == 0)
            return i;
    return -1;
}

bool hx_before_holds(struct hx_walk *w, const json_t *text, bool *ret_good)
{
    bool failed, holds;

    w->at = json_is_string(text) ? json_string_value(text) : "";
    w->wrong = false;
    w->saw = 0;
    holds = hx_walk_any_of(w, &failed);
    *ret_good = hx_walk_ended(w) && !w->wrong;
    return holds && *ret_good;
}

/* *ret_wrong: the first that is not understood, if there is one. */
static bool one_holds(struct hx_walk *w, const json_t *list, const json_t **ret_wrong)
{
    bool any = false, good;
    const json_t *text;
    size_t i;

    json_array_foreach(list, i, text) {
        if (json_is_object(text))
            continue;
        any |= hx_before_holds(w, text, &good);
        if (!good && *ret_wrong == NULL)
            *ret_wrong = text;
    }
    return any;
}

/* Of the conditions on events, or of the others: whether one holds. */
static bool asked(struct hx_walk *w, const json_t *config, bool on_event,
                  const json_t **ret_wrong)
{
    static const struct {
        const char *key;
        enum hx_tail_where context;
    } lists[] = {{"resource", HX_TAIL_RESOURCE}, {"span", HX_TAIL_SPAN},
                 {"spanevent", HX_TAIL_EVENT}};
    const json_t *traces = json_object_get(config, "traces"), *group;
    const json_t *groups = json_object_get(config, "trace_conditions");
    bool any = false;
    size_t i;

    for (i = 0; i < 3; i++) {
        w->context = lists[i].context;
        if ((w->context == HX_TAIL_EVENT) == on_event)
            any |= one_holds(w, json_object_get(traces, lists[i].key), ret_wrong);
    }
    json_array_foreach(groups, i, group) {
        const json_t *texts = json_object_get(group, "conditions");
        w->context = (enum hx_tail_where)hx_before_context(group, texts);
        if (json_is_object(group) && (w->context == HX_TAIL_EVENT) == on_event)
            any |= one_holds(w, texts, ret_wrong);
    }
    w->context = (enum hx_tail_where)hx_before_context(NULL, groups);
    if ((w->context == HX_TAIL_EVENT) == on_event)
        any |= one_holds(w, groups, ret_wrong);
    return any;
}

static bool run(struct hx_before *before, const struct hx_stage *stage, struct hx_draft *draft)
{
    struct hx_walk w = {.ottl = stage->ottl, .span = &draft->span};
    const json_t *spans = json_object_get(stage->config, "spans"), *wrong = NULL;
    unsigned count, left = 0;

    (void)hx_ottl_unsure(stage->ottl);
    if (json_is_object(spans) && !hx_before_matches(before, spans, draft))
        return false;
    if (asked(&w, stage->config, false, &wrong))
        return false;
    count = hx_draft_events(draft);
    for (w.event = 0; w.event < count; w.event++) {
        struct hx_draft_event event = draft->events[w.event];
        if (!asked(&w, stage->config, true, &wrong))
            draft->events[left++] = event; /* never above the one that is asked about */
    }
    draft->event_count = left;
    draft->span.guessed |= hx_ottl_unsure(stage->ottl);
    return true;
}

static const char *unknown_key(const json_t *config)
{
    static const char *const keys[] = {"error_mode", "traces", "trace_conditions", "spans",
                                       "metrics",    "logs",   "metric_conditions",
                                       "log_conditions"};
    const json_t *value;
    const char *key;

    json_object_foreach((json_t *)(uintptr_t)config, key, value) {
        size_t i = 0;
        while (i < sizeof(keys) / sizeof(keys[0]) && strcmp(keys[i], key) != 0)
            i++;
        if (i == sizeof(keys) / sizeof(keys[0]))
            return key;
    }
    json_object_foreach(json_object_get(config, "traces"), key, value)
        if (strcmp(key, "resource") != 0 && strcmp(key, "span") != 0 &&
            strcmp(key, "spanevent") != 0)
            return key;
    return NULL;
}

/* A condition that fails would take the request with it. */
static bool may_refuse(const struct hx_before *before, const json_t *config)
{
    bool strict = hx_before_propagates(config, before->old_errors);
    const json_t *group;
    size_t i;

    json_array_foreach(json_object_get(config, "trace_conditions"), i, group)
        if (hx_before_propagates(group, strict) && hx_before_may_refuse(group))
            return true;
    return strict && hx_before_may_refuse(json_object_get(config, "traces"));
}

enum otel_err hx_before_filter(struct hx_before *before, struct hx_stage *stage)
{
    const json_t *spans = json_object_get(stage->config, "spans"), *wrong = NULL, *group;
    const char *unknown = unknown_key(stage->config);
    enum otel_err err = hx_ottl_load(before->arena, NULL, NULL, &stage->ottl, before->reterr);
    struct hx_tail_span nothing = hx_draft_nothing;
    struct hx_walk w = {.ottl = stage->ottl, .span = &nothing};
    size_t i;

    if (err != OTEL_OK)
        return err;
    if (unknown != NULL)
        return hx_before_refuse(before, stage, unknown);
    json_array_foreach(json_object_get(stage->config, "trace_conditions"), i, group)
        if (hx_before_context(group, NULL) < 0)
            return hx_before_refuse(before, stage, "a context of another signal");
    if (may_refuse(before, stage->config))
        return hx_before_refuse(before, stage, "error_mode propagate where a function can fail");
    stage->run = run;
    (void)asked(&w, stage->config, false, &wrong);
    (void)asked(&w, stage->config, true, &wrong);
    if (wrong != NULL)
        return otl_detail_set(before->reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                              "the condition '%.200s' is not understood",
                              json_is_string(wrong) ? json_string_value(wrong) : "");
    return spans != NULL ? hx_before_match_check(before, stage, spans) : OTEL_OK;
}
