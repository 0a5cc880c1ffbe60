/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/tail/before.h"

#include <string.h>

#include "harness/verify/tail/rules.h"

enum { SCRATCH_MAX = 64 << 20 };

void hx_before_init(struct hx_before *before, struct otl_arena *arena)
{
    memset(before, 0, sizeof(*before));
    before->arena = arena;
    otl_arena_init(&before->scratch, SCRATCH_MAX);
}

void hx_before_fini(struct hx_before *before)
{
    for (size_t i = 0; i < before->count; i++) {
        hx_ottl_fini(before->stages[i].on_span);
        hx_ottl_fini(before->stages[i].on_event);
    }
    for (size_t i = 0; i < before->pattern_count; i++)
        hx_pattern_free(before->patterns[i].pattern);
    otl_arena_fini(&before->scratch);
    memset(before, 0, sizeof(*before));
}

const void *hx_before_pattern(struct hx_before *before, const json_t *text)
{
    size_t i = 0;

    while (i < before->pattern_count && before->patterns[i].text != text)
        i++;
    if (i < before->pattern_count)
        return before->patterns[i].pattern;
    if (i == HX_BEFORE_PATTERNS || !json_is_string(text))
        return NULL;
    before->patterns[i].text = text;
    before->patterns[i].pattern = hx_pattern_new(json_string_value(text));
    if (before->patterns[i].pattern != NULL)
        before->pattern_count++;
    return before->patterns[i].pattern;
}

enum otel_err hx_before_refuse(const struct hx_before *before, const struct hx_stage *stage,
                               const char *what)
{
    return otl_detail_set(before->reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                          "'%s' before tail_sampling changes spans, and %s is not predicted",
                          stage->id, what);
}

/* ---- filter ---- */

static bool filter(struct hx_before *before, const struct hx_stage *stage, struct hx_draft *draft)
{
    unsigned *left, count = 0, total = 0;

    (void)before;
    if (hx_ottl_true(stage->on_span, &draft->span))
        return false;
    if (stage->on_event == NULL)
        return true;
    while (draft->span.event_name(&draft->span, total).kind != HX_TAIL_NOTHING)
        total++;
    left = otl_arena_alloc(draft->arena, (total + 1) * sizeof(*left));
    if (left == NULL) {
        draft->failed = true;
        return true;
    }
    for (unsigned i = 0; i < total; i++)
        if (!hx_ottl_event_true(stage->on_event, &draft->span, i))
            left[count++] = draft->events != NULL ? draft->events[i] : i;
    draft->events = left;
    draft->event_count = count;
    return true;
}

static enum otel_err read_filter(struct hx_before *before, struct hx_stage *stage)
{
    const json_t *traces = json_object_get(stage->config, "traces"), *value;
    const json_t *events = json_object_get(traces, "spanevent");
    const char *key;
    enum otel_err err;

    json_object_foreach((json_t *)(uintptr_t)stage->config, key, value)
        if (strcmp(key, "traces") != 0 && strcmp(key, "error_mode") != 0)
            return hx_before_refuse(before, stage, key);
    json_object_foreach((json_t *)(uintptr_t)traces, key, value)
        if (strcmp(key, "span") != 0 && strcmp(key, "spanevent") != 0)
            return hx_before_refuse(before, stage, key);
    stage->run = filter;
    err = hx_ottl_load(before->arena, json_object_get(traces, "span"), NULL, &stage->on_span,
                       before->reterr);
    if (err == OTEL_OK && json_array_size(events) > 0)
        err = hx_ottl_load(before->arena, NULL, events, &stage->on_event, before->reterr);
    return err;
}

/* ---- all of them ---- */

static bool is(const char *id, const char *type)
{
    size_t len = strlen(type);

    return strncmp(id, type, len) == 0 && (id[len] == '\0' || id[len] == '/');
}

enum otel_err hx_before_add(struct hx_before *before, const char *id, const json_t *config,
                            struct otl_detail *reterr)
{
    struct hx_stage *stage;

    if (before->count == HX_BEFORE_STAGES)
        return otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                              "more than 16 processors before tail_sampling change spans");
    stage = &before->stages[before->count++];
    before->reterr = reterr;
    stage->id = id;
    stage->config = config;
    if (is(id, "filter"))
        return read_filter(before, stage);
    if (is(id, "attributes"))
        return hx_before_actions(before, stage, "actions");
    if (is(id, "resource"))
        return hx_before_actions(before, stage, "attributes");
    if (is(id, "probabilistic_sampler"))
        return hx_before_share(before, stage);
    if (is(id, "transform"))
        return hx_before_statements(before, stage);
    return hx_before_refuse(before, stage, "what it makes of them");
}

const struct hx_tail_span *hx_before_run(struct hx_before *before, const struct hx_tail_span *span,
                                         struct hx_draft *draft)
{
    hx_draft_begin(draft, span, &before->scratch);
    for (size_t i = 0; i < before->count; i++)
        if (!before->stages[i].run(before, &before->stages[i], draft))
            return NULL;
    draft->span.guessed |= draft->failed;
    draft->span.resized = true;
    return &draft->span;
}
