/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/tail/before.h"

#include <ctype.h>
#include <string.h>

#include "harness/verify/tail/rules.h"
#include "harness/verify/tail/way.h"

enum { SCRATCH_MAX = 64 << 20 };

void hx_before_init(struct hx_before *before, struct otl_arena *arena)
{
    memset(before, 0, sizeof(*before));
    before->arena = arena;
    otl_arena_init(&before->scratch, SCRATCH_MAX);
}

void hx_before_fini(struct hx_before *before)
{
    for (size_t i = 0; i < before->count; i++)
        hx_ottl_fini(before->stages[i].ottl);
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

/* ---- what can fail ---- */

/* Something is calculated: a sign behind a value, or Int or Double. In quotes it does not count. */
static bool calculates(const char *text)
{
    bool quoted = false;
    char before = '\0'; /* what stands last, but for blanks */

    if (strstr(text, "Int(") != NULL || strstr(text, "Double(") != NULL)
        return true;
    for (; *text != '\0'; text++) {
        if (quoted && *text == '\\' && text[1] != '\0')
            text++;
        else if (*text == '"')
            quoted = !quoted;
        else if (!quoted && strchr("+-*/", *text) != NULL &&
                 (!isdigit((unsigned char)text[1]) || isalnum((unsigned char)before) ||
                  before == ']' || before == ')' || before == '_'))
            return true;
        if (!isspace((unsigned char)*text))
            before = *text;
    }
    return false;
}

bool hx_before_may_refuse(const json_t *tree)
{
    const char *text = json_string_value(tree), *key;
    bool found = text != NULL && (strstr(text, "HasPrefix") != NULL ||
                                  strstr(text, "HasSuffix") != NULL || calculates(text));
    const json_t *part;
    size_t i;

    json_array_foreach(tree, i, part)
        found = found || hx_before_may_refuse(part);
    json_object_foreach((json_t *)(uintptr_t)tree, key, part)
        found = found || hx_before_may_refuse(part);
    return found;
}

bool hx_before_propagates(const json_t *config, bool unset)
{
    const char *mode = json_string_value(json_object_get(config, "error_mode"));

    return mode != NULL ? strcmp(mode, "propagate") == 0 : unset;
}

/* ---- all of them ---- */

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
    if (hx_way_is(id, "filter"))
        return hx_before_filter(before, stage);
    if (hx_way_is(id, "attributes"))
        return hx_before_actions(before, stage, "actions");
    if (hx_way_is(id, "resource"))
        return hx_before_actions(before, stage, "attributes");
    if (hx_way_is(id, "probabilistic_sampler"))
        return hx_before_share(before, stage);
    if (hx_way_is(id, "transform"))
        return hx_before_statements(before, stage);
    return hx_before_refuse(before, stage, "what it makes of them");
}

const struct hx_tail_span *hx_before_run(struct hx_before *before, const struct hx_tail_span *span,
                                         struct hx_draft *draft)
{
    hx_draft_begin(draft, span, &before->scratch);
    for (size_t i = 0; i < before->count; i++)
        if (!before->stages[i].run(before, &before->stages[i], draft)) {
            before->dropped_at = i;
            return NULL;
        }
    draft->span.guessed |= draft->failed;
    draft->span.resized = true;
    return &draft->span;
}
