/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "harness/verify/tail/before.h"
#include "harness/verify/tail/ottl_walk.h"
#include "harness/verify/tail/rules.h"

/* transform: statements FUNCTION(...) [where CONDITION], walked anew for every span as conditions
 * are. Checked once over a span without anything. */

struct statement {
    struct hx_walk walk;
    struct hx_draft *draft;
    struct hx_before *before;
    bool dry; /* only looked through */
};

struct target {
    char what[24]; /* "attributes", or a field */
    enum hx_tail_where where;
    char key[256];
};

static bool target_at(struct statement *s, struct target *ret)
{
    static const char *const fields[] = {"name", "kind", "status.code", "status.message",
                                         "trace_state"};
    struct hx_walk *w = &s->walk;

    memset(ret, 0, sizeof(*ret));
    ret->where = w->of_resource ? HX_TAIL_RESOURCE : HX_TAIL_SPAN;
    if (hx_walk_eat(w, "resource.attributes"))
        ret->where = HX_TAIL_RESOURCE;
    else if (hx_walk_eat(w, "span.attributes"))
        ret->where = HX_TAIL_SPAN;
    else if (!hx_walk_eat(w, "attributes")) {
        (void)hx_walk_prefix(w, "span.");
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && !w->of_resource; i++)
            if (hx_walk_eat(w, fields[i])) {
                strncpy(ret->what, fields[i], sizeof(ret->what) - 1);
                return true;
            }
        return false;
    }
    strncpy(ret->what, "attributes", sizeof(ret->what) - 1);
    return true;
}

static bool quoted_at(struct statement *s, char *ret, size_t size)
{
    struct otl_view text = hx_walk_quoted(&s->walk, 1);

    if (s->walk.wrong || text.len >= size || memchr(text.data, '\0', text.len) != NULL)
        return false;
    memcpy(ret, text.data, text.len);
    ret[text.len] = '\0';
    return true;
}

static void assign(struct statement *s, const struct target *target,
                   const struct hx_tail_value *value)
{
    struct hx_tail_span *span = &s->draft->span;
    bool text = value->kind == HX_TAIL_TEXT;

    if (value->kind == HX_TAIL_NOTHING)
        return; /* nil sets nothing */
    if (strcmp(target->what, "attributes") == 0)
        hx_draft_set(s->draft, target->where, otl_view_str(target->key), value);
    else if (strcmp(target->what, "name") == 0 && text)
        span->name = hx_draft_copy(s->draft, value->text);
    else if (strcmp(target->what, "status.message") == 0 && text)
        span->status_message = hx_draft_copy(s->draft, value->text);
    else if (strcmp(target->what, "trace_state") == 0 && text)
        span->trace_state = hx_draft_copy(s->draft, value->text);
    else if (strcmp(target->what, "kind") == 0 && value->kind == HX_TAIL_INT)
        span->kind = (int32_t)value->integer;
    else if (strcmp(target->what, "status.code") == 0 && value->kind == HX_TAIL_INT)
        span->status = (int32_t)value->integer;
}

/* The value is known before the condition behind it is. */
static bool set(struct statement *s, struct target *target, struct hx_tail_value *ret)
{
    if (!target_at(s, target))
        return false;
    if (strcmp(target->what, "attributes") == 0 &&
        !(hx_walk_eat(&s->walk, "[") && quoted_at(s, target->key, sizeof(target->key)) &&
          hx_walk_eat(&s->walk, "]")))
        return false;
    if (!hx_walk_eat(&s->walk, ","))
        return false;
    *ret = hx_walk_value(&s->walk, 0);
    if (ret->kind == HX_TAIL_TEXT)
        ret->text = hx_draft_copy(s->draft, ret->text);
    return !s->walk.wrong && hx_walk_eat(&s->walk, ")");
}

enum verb { SET, DELETE_KEY, DELETE_MATCHING, KEEP_KEYS, KEEP_MATCHING, VERBS };
enum { KEYS_MAX = 32 };

struct arguments {
    struct target target;
    struct hx_tail_value value;
    char keys[KEYS_MAX][128];
    size_t key_count;
    void *pattern;
};

static bool read_keys(struct statement *s, enum verb verb, struct arguments *ret)
{
    bool list = verb == KEEP_KEYS;

    if (!target_at(s, &ret->target) || strcmp(ret->target.what, "attributes") != 0 ||
        !hx_walk_eat(&s->walk, ",") || (list && !hx_walk_eat(&s->walk, "[")))
        return false;
    do {
        if (ret->key_count == KEYS_MAX ||
            !quoted_at(s, ret->keys[ret->key_count], sizeof(ret->keys[0])))
            return false;
        ret->key_count++;
    } while (list && hx_walk_eat(&s->walk, ","));
    if (verb == DELETE_MATCHING || verb == KEEP_MATCHING) {
        ret->pattern = hx_pattern_new(ret->keys[0]);
        if (ret->pattern == NULL)
            return false;
    }
    return (!list || hx_walk_eat(&s->walk, "]")) && hx_walk_eat(&s->walk, ")");
}

static void remove_keys(struct statement *s, enum verb verb, const struct arguments *arguments)
{
    struct hx_draft_list *list = hx_draft_attributes(s->draft, arguments->target.where);
    bool keep = verb == KEEP_KEYS || verb == KEEP_MATCHING;

    for (size_t i = list->count; i-- > 0;) {
        bool found = arguments->pattern != NULL &&
                     hx_pattern_in(arguments->pattern, list->items[i].key);
        for (size_t k = 0; k < arguments->key_count && arguments->pattern == NULL; k++)
            found |= otl_view_is(list->items[i].key, arguments->keys[k]);
        if (found != keep)
            hx_draft_remove(s->draft, arguments->target.where, i);
    }
}

/* False: it is not understood. */
static bool statement(struct statement *s, const char *text)
{
    static const char *const verbs[VERBS] = {"set", "delete_key", "delete_matching_keys",
                                             "keep_keys", "keep_matching_keys"};
    struct arguments arguments = {.key_count = 0};
    enum verb verb = SET;
    bool good, holds = true;

    s->walk.at = text;
    s->walk.wrong = false;
    while (verb < VERBS && !hx_walk_eat(&s->walk, verbs[verb]))
        verb++;
    good = verb < VERBS && hx_walk_eat(&s->walk, "(") &&
           (verb == SET ? set(s, &arguments.target, &arguments.value)
                        : read_keys(s, verb, &arguments));
    if (good && hx_walk_eat(&s->walk, "where"))
        holds = hx_walk_any_of(&s->walk);
    good = good && hx_walk_ended(&s->walk) && !s->walk.wrong;
    if (good && holds && !s->dry) {
        if (verb == SET)
            assign(s, &arguments.target, &arguments.value);
        else
            remove_keys(s, verb, &arguments);
    }
    hx_pattern_free(arguments.pattern);
    return good;
}

static const char *walk_all(struct statement *s, const json_t *groups)
{
    const json_t *group, *item;
    size_t i, k;

    json_array_foreach(groups, i, group) {
        const char *context = json_string_value(json_object_get(group, "context"));
        s->walk.of_resource = context != NULL && strcmp(context, "resource") == 0;
        if (json_is_string(group)) {
            if (!statement(s, json_string_value(group)))
                return json_string_value(group);
            continue;
        }
        if (context != NULL && strcmp(context, "span") != 0 && !s->walk.of_resource)
            return context;
        if (json_array_size(json_object_get(group, "conditions")) > 0)
            return "conditions";
        json_array_foreach(json_object_get(group, "statements"), k, item)
            if (!json_is_string(item) || !statement(s, json_string_value(item)))
                return json_is_string(item) ? json_string_value(item) : "a statement";
    }
    return NULL;
}

static bool run(struct hx_before *before, const struct hx_stage *stage, struct hx_draft *draft)
{
    struct statement s = {.walk = {.ottl = stage->on_span, .span = &draft->span, .event = -1},
                          .draft = draft,
                          .before = before};

    (void)walk_all(&s, json_object_get(stage->config, "trace_statements"));
    return true;
}

static bool nowhere(const struct hx_tail_span *span, enum hx_tail_where where, size_t n,
                    struct otl_view *ret_key, struct hx_tail_value *ret)
{
    (void)span;
    (void)where;
    (void)n;
    (void)ret_key;
    (void)ret;
    return false;
}

enum otel_err hx_before_statements(struct hx_before *before, struct hx_stage *stage)
{
    const struct hx_tail_span nothing = {.attribute_at = nowhere};
    const json_t *groups = json_object_get(stage->config, "trace_statements");
    enum otel_err err = hx_ottl_load(before->arena, NULL, NULL, &stage->on_span, before->reterr);
    struct statement s = {.walk = {.ottl = stage->on_span, .event = -1},
                          .before = before,
                          .dry = true};
    struct hx_draft draft;
    const char *wrong;

    if (err != OTEL_OK)
        return err;
    hx_draft_begin(&draft, &nothing, &before->scratch);
    s.draft = &draft;
    s.walk.span = &draft.span;
    stage->run = run;
    wrong = walk_all(&s, groups);
    return wrong == NULL ? OTEL_OK
                         : otl_detail_set(before->reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                                          "'%s' before tail_sampling changes spans, and '%.200s' "
                                          "is not predicted",
                                          stage->id, wrong);
}
