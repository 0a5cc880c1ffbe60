/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "harness/verify/tail/before_statement.h"
#include "harness/verify/tail/rules.h"
#include "sdk/base/text.h"

/* One statement: FUNCTION(...) [where CONDITION]. The function's arguments are read and valued
 * before the condition behind it is. */

enum { ITEMS_MAX = 64 };

struct arguments {
    struct hx_target target, from;
    struct hx_tail_value value;
    struct otl_view keys[ITEMS_MAX];
    size_t key_count;
    struct otl_view with; /* replacements, strategies */
    const void *pattern;
    char glob[HX_WALK_TEXT_MAX];
    int64_t number;
};

/* ---- values ---- */

/* How a part is written; what nobody knows here is unsure. */
static struct otl_view part_text(struct hx_statement *s, const struct hx_tail_value *value)
{
    char scratch[HX_WALK_SCRATCH];
    struct otl_view text;

    if (value->kind == HX_TAIL_NOTHING)
        return otl_view_str("<nil>");
    if (hx_walk_text(&s->walk, value, scratch, &text))
        return hx_draft_copy(s->draft, text);
    s->walk.ottl->unsure = true;
    return otl_view("", 0);
}

static bool parts_at(struct hx_statement *s, struct otl_view parts[ITEMS_MAX], size_t *ret_count)
{
    struct hx_walk *w = &s->walk;

    *ret_count = 0;
    do {
        struct hx_tail_value value = hx_walk_value(w, 0);
        if (w->wrong || *ret_count == ITEMS_MAX || value.kind == HX_TAIL_MOMENT ||
            value.kind == HX_TAIL_ID)
            return false;
        parts[(*ret_count)++] = part_text(s, &value);
    } while (hx_walk_eat(w, ","));
    return true;
}

/* Behind the word: ([VALUE, ...], "between"). */
static bool concat(struct hx_statement *s, struct hx_tail_value *ret)
{
    struct otl_view parts[ITEMS_MAX], between;
    struct hx_walk *w = &s->walk;
    size_t count, len = 0;
    char *text, *at;

    if (!hx_walk_eat(w, "(") || !hx_walk_eat(w, "[") || !parts_at(s, parts, &count) ||
        !hx_walk_eat(w, "]") || !hx_walk_eat(w, ","))
        return false;
    between = hx_walk_quoted(w, 1);
    for (size_t i = 0; i < count; i++)
        len += parts[i].len + (i > 0 ? between.len : 0);
    text = at = otl_arena_alloc(s->draft->arena, len + 1);
    s->draft->failed |= text == NULL;
    for (size_t i = 0; i < count && text != NULL; i++) {
        if (i > 0)
            at = (char *)memcpy(at, between.data, between.len) + between.len;
        if (parts[i].len > 0)
            memcpy(at, parts[i].data, parts[i].len);
        at += parts[i].len;
    }
    *ret = (struct hx_tail_value){.kind = w->failed ? HX_TAIL_NOTHING : HX_TAIL_TEXT,
                                  .text = otl_view(text, text != NULL ? len : 0)};
    return !w->wrong && hx_walk_eat(w, ")");
}

static bool value_at(struct hx_statement *s, struct hx_tail_value *ret)
{
    struct hx_walk *w = &s->walk;
    bool hash;

    w->failed = false; /* what fails is nothing, which sets nothing */
    if (hx_walk_eat(w, "Concat"))
        return concat(s, ret);
    hash = hx_walk_eat(w, "SHA256");
    if (hash && !hx_walk_eat(w, "("))
        return false;
    *ret = hx_walk_value(w, 0);
    if (ret->kind == HX_TAIL_TEXT || ret->kind == HX_TAIL_ID)
        ret->text = hx_draft_copy(s->draft, ret->text);
    if (hash && ret->kind == HX_TAIL_TEXT)
        *ret = hx_draft_sha256(s->draft, ret);
    else if (hash) /* fails */
        ret->kind = HX_TAIL_NOTHING;
    return !w->wrong && (!hash || hx_walk_eat(w, ")"));
}

/* ---- arguments ---- */

static bool text_at(struct hx_statement *s, struct otl_view *ret)
{
    *ret = hx_draft_copy(s->draft, hx_walk_quoted(&s->walk, 1));
    return !s->walk.wrong;
}

static bool key_at(struct hx_statement *s, struct arguments *ret)
{
    return ret->key_count < ITEMS_MAX && text_at(s, &ret->keys[ret->key_count++]);
}

static bool keys_at(struct hx_statement *s, struct arguments *ret)
{
    if (!hx_walk_eat(&s->walk, "["))
        return false;
    if (hx_walk_eat(&s->walk, "]"))
        return true;
    do
        if (!key_at(s, ret))
            return false;
    while (hx_walk_eat(&s->walk, ","));
    return hx_walk_eat(&s->walk, "]");
}

static bool pattern_at(struct hx_statement *s, struct arguments *ret)
{
    struct hx_walk *w = &s->walk;
    const char *at;

    (void)hx_walk_eat(w, "");
    at = w->at;
    (void)hx_walk_quoted(w, 1);
    ret->pattern = w->wrong ? NULL : hx_walk_pattern(w, at, w->texts[1]);
    return ret->pattern != NULL;
}

static bool number_at(struct hx_statement *s, struct arguments *ret)
{
    struct hx_tail_value value = hx_walk_value(&s->walk, 0);

    ret->number = value.integer;
    return !s->walk.wrong && value.kind == HX_TAIL_INT && value.integer >= 0;
}

static bool map_at(struct hx_statement *s, struct hx_target *ret)
{
    return hx_target_at(s, ret) && ret->field == NULL && !ret->keyed &&
           hx_walk_eat(&s->walk, ",");
}

/* A path that has one value. */
static bool path_at(struct hx_statement *s, struct hx_target *ret)
{
    return hx_target_at(s, ret) && (ret->field != NULL || ret->keyed) &&
           hx_walk_eat(&s->walk, ",");
}

/* ---- functions: read ---- */

static bool read_set(struct hx_statement *s, struct arguments *ret)
{
    return path_at(s, &ret->target) && (!s->strict || hx_target_takes_next(s, &ret->target)) &&
           value_at(s, &ret->value);
}

static bool read_replace(struct hx_statement *s, struct arguments *ret)
{
    const char *from = s->walk.at;

    ret->value = hx_walk_value(&s->walk, 0);
    if (ret->value.kind == HX_TAIL_TEXT)
        ret->value.text = hx_draft_copy(s->draft, ret->value.text);
    s->walk.at = from;
    return !s->walk.wrong && path_at(s, &ret->target) && pattern_at(s, ret) &&
           hx_walk_eat(&s->walk, ",") && text_at(s, &ret->with);
}

static bool glob_at(struct hx_statement *s, struct arguments *ret)
{
    struct otl_view glob = hx_walk_quoted(&s->walk, 1);

    if (s->walk.wrong || !hx_glob_is_known(glob) || !hx_walk_eat(&s->walk, ","))
        return false;
    memcpy(ret->glob, glob.data, glob.len);
    ret->glob[glob.len] = '\0';
    return true;
}

/* What it makes of a text is one of its own; a target of other words would fail. */
static bool read_match(struct hx_statement *s, struct arguments *ret)
{
    const char *from = s->walk.at;

    ret->value = hx_walk_value(&s->walk, 0);
    if (ret->value.kind == HX_TAIL_TEXT)
        ret->value.text = hx_draft_copy(s->draft, ret->value.text);
    s->walk.at = from;
    return !s->walk.wrong && path_at(s, &ret->target) &&
           (!s->strict || hx_target_takes_next(s, &ret->target)) && glob_at(s, ret) &&
           text_at(s, &ret->with);
}

/* What they make of the map depends on what is in it. */
static bool read_matches(struct hx_statement *s, struct arguments *ret)
{
    bool good = map_at(s, &ret->target) && glob_at(s, ret) && text_at(s, &ret->with);

    s->walk.saw |= 1u << ret->target.where;
    return good;
}

static bool read_patterns(struct hx_statement *s, struct arguments *ret)
{
    bool good = map_at(s, &ret->target);
    struct otl_view mode = good ? hx_walk_quoted(&s->walk, 1) : otl_view("", 0);

    ret->number = otl_view_is(mode, "key");
    good = good && !s->walk.wrong && (ret->number != 0 || otl_view_is(mode, "value"));
    s->walk.saw |= 1u << ret->target.where;
    return good && hx_walk_eat(&s->walk, ",") && pattern_at(s, ret) &&
           hx_walk_eat(&s->walk, ",") && text_at(s, &ret->with);
}

static bool read_key(struct hx_statement *s, struct arguments *ret)
{
    return map_at(s, &ret->target) && key_at(s, ret);
}

static bool read_keys(struct hx_statement *s, struct arguments *ret)
{
    return map_at(s, &ret->target) && keys_at(s, ret);
}

static bool read_pattern(struct hx_statement *s, struct arguments *ret)
{
    return map_at(s, &ret->target) && pattern_at(s, ret);
}

static bool read_truncate(struct hx_statement *s, struct arguments *ret)
{
    return map_at(s, &ret->target) && number_at(s, ret);
}

/* What it makes of the map depends on what is in it: it counts as a reader. */
static bool read_limit(struct hx_statement *s, struct arguments *ret)
{
    bool good = map_at(s, &ret->target) && number_at(s, ret) && hx_walk_eat(&s->walk, ",") &&
                keys_at(s, ret);

    s->walk.saw |= 1u << ret->target.where;
    return good;
}

static bool read_merge(struct hx_statement *s, struct arguments *ret)
{
    bool good = map_at(s, &ret->target) && map_at(s, &ret->from) && text_at(s, &ret->with);

    s->walk.saw |= 1u << ret->from.where;
    return good && (otl_view_is(ret->with, "insert") || otl_view_is(ret->with, "update") ||
                    otl_view_is(ret->with, "upsert"));
}

/* ---- functions: done ---- */

static void do_set(struct hx_statement *s, const struct arguments *arguments)
{
    hx_target_set(s, &arguments->target, &arguments->value);
}

static void do_replace(struct hx_statement *s, const struct arguments *arguments)
{
    struct hx_tail_value value = arguments->value;

    if (value.kind == HX_TAIL_TEXT && hx_draft_replace(s->draft, arguments->pattern, value.text,
                                                       arguments->with, &value.text))
        hx_target_set(s, &arguments->target, &value);
}

static bool glob_holds(struct hx_statement *s, const struct arguments *arguments,
                       const struct hx_tail_value *value)
{
    enum hx_glob_answer answer;

    if (value->kind != HX_TAIL_TEXT)
        return false;
    answer = hx_glob_answer(otl_view_str(arguments->glob), value->text);
    s->walk.ottl->unsure |= answer == HX_GLOB_UNSURE;
    return answer == HX_GLOB_YES;
}

static void do_match(struct hx_statement *s, const struct arguments *arguments)
{
    struct hx_tail_value value = {.kind = HX_TAIL_TEXT, .text = arguments->with};

    if (glob_holds(s, arguments, &arguments->value))
        hx_target_set(s, &arguments->target, &value);
}

static struct hx_draft_list *map_of(struct hx_statement *s, const struct hx_target *target)
{
    if (target->where == HX_TAIL_EVENT && s->walk.event >= hx_draft_events(s->draft))
        return NULL; /* no memory */
    return hx_draft_attributes(s->draft, target->where, s->walk.event);
}

static void do_matches(struct hx_statement *s, const struct arguments *arguments)
{
    struct hx_draft_list *list = map_of(s, &arguments->target);

    for (size_t i = 0; list != NULL && i < list->count; i++)
        if (glob_holds(s, arguments, &list->items[i].value))
            list->items[i].value.text = arguments->with;
}

/* Of keys that become one the value of the last, at the place of the first. */
static bool gather(struct hx_draft_list *list, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (otl_view_equal(list->items[i].key, list->items[at].key)) {
            list->items[i].value = list->items[at].value;
            hx_draft_remove(list, at);
            return true;
        }
    return false;
}

static void do_keys(struct hx_statement *s, const struct arguments *arguments,
                    struct hx_draft_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        (void)hx_draft_replace(s->draft, arguments->pattern, list->items[i].key, arguments->with,
                               &list->items[i].key);
    for (size_t i = 1; i < list->count;)
        i += !gather(list, i);
}

static void do_patterns(struct hx_statement *s, const struct arguments *arguments)
{
    struct hx_draft_list *list = map_of(s, &arguments->target);

    if (list != NULL && arguments->number != 0) {
        do_keys(s, arguments, list);
        return;
    }
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        struct hx_tail_value *value = &list->items[i].value;
        if (value->kind == HX_TAIL_TEXT)
            (void)hx_draft_replace(s->draft, arguments->pattern, value->text, arguments->with,
                                   &value->text);
    }
}

static bool is_named(const struct arguments *arguments, struct otl_view key)
{
    for (size_t i = 0; i < arguments->key_count; i++)
        if (otl_view_equal(arguments->keys[i], key))
            return true;
    return false;
}

static void remove_those(struct hx_statement *s, const struct arguments *arguments, bool found_go)
{
    struct hx_draft_list *list = map_of(s, &arguments->target);

    for (size_t i = list != NULL ? list->count : 0; i-- > 0;) {
        struct otl_view key = list->items[i].key;
        bool found = arguments->pattern != NULL ? hx_pattern_in(arguments->pattern, key)
                                                : is_named(arguments, key);
        if (found == found_go)
            hx_draft_remove(list, i);
    }
}

static void do_delete(struct hx_statement *s, const struct arguments *arguments)
{
    remove_those(s, arguments, true);
}

static void do_keep(struct hx_statement *s, const struct arguments *arguments)
{
    remove_those(s, arguments, false);
}

/* The named ones have their places; the first of the others get what is left. */
static void do_limit(struct hx_statement *s, const struct arguments *arguments)
{
    struct hx_draft_list *list = map_of(s, &arguments->target);
    int64_t places = arguments->number;

    for (size_t i = 0; list != NULL && i < list->count; i++)
        places -= is_named(arguments, list->items[i].key);
    for (size_t i = 0; list != NULL && i < list->count;) {
        if (is_named(arguments, list->items[i].key) || places-- > 0)
            i++;
        else
            hx_draft_remove(list, i);
    }
}

static void do_truncate(struct hx_statement *s, const struct arguments *arguments)
{
    struct hx_draft_list *list = map_of(s, &arguments->target);

    for (size_t i = 0; list != NULL && i < list->count; i++) {
        struct hx_tail_value *value = &list->items[i].value;
        if (value->kind == HX_TAIL_TEXT && (int64_t)value->text.len > arguments->number)
            value->text.len = otl_utf8_prefix(value->text.data, (size_t)arguments->number);
    }
}

static void do_merge(struct hx_statement *s, const struct arguments *arguments)
{
    struct hx_draft_list *list = map_of(s, &arguments->target);
    const struct hx_draft_list *from = map_of(s, &arguments->from);

    for (size_t i = 0; list != NULL && from != NULL && i < from->count; i++) {
        struct hx_tail_attribute item = from->items[i];
        bool there = hx_draft_find(list, item.key) != NULL;
        if (!otl_view_is(arguments->with, there ? "insert" : "update"))
            hx_draft_set(s->draft, list, item.key, &item.value);
    }
}

static const struct {
    const char *word;
    bool (*read)(struct hx_statement *s, struct arguments *ret);
    void (*run)(struct hx_statement *s, const struct arguments *arguments);
} functions[] = {
    {"set", read_set, do_set},
    {"delete_key", read_key, do_delete},
    {"delete_matching_keys", read_pattern, do_delete},
    {"keep_keys", read_keys, do_keep},
    {"keep_matching_keys", read_pattern, do_keep},
    {"merge_maps", read_merge, do_merge},
    {"replace_pattern", read_replace, do_replace},
    {"replace_match", read_match, do_match},
    {"replace_all_matches", read_matches, do_matches},
    {"replace_all_patterns", read_patterns, do_patterns},
    {"truncate_all", read_truncate, do_truncate},
    {"limit", read_limit, do_limit},
};
enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

/* What others of the group have to know of it. */
static void note(struct hx_statement *s, enum hx_tail_where written)
{
    unsigned deeper = ~0u << (written + 1);

    s->reads |= s->walk.saw;
    s->writes |= 1u << written;
    if (((s->walk.saw | s->gate_reads) & deeper) != 0)
        s->mixed |= 1u << written;
}

bool hx_statement_run(struct hx_statement *s, const char *text)
{
    struct arguments arguments = {.key_count = 0};
    struct hx_walk *w = &s->walk;
    bool good, holds = true, failed, unsure = w->ottl->unsure;
    size_t i = 0;

    w->at = text;
    w->wrong = false;
    w->saw = 0;
    while (i < FUNCTIONS && !hx_walk_eat(w, functions[i].word))
        i++;
    good = i < FUNCTIONS && hx_walk_eat(w, "(") && functions[i].read(s, &arguments) &&
           hx_walk_eat(w, ")");
    if (good && hx_walk_eat(w, "where"))
        holds = hx_walk_any_of(w, &failed);
    good = good && hx_walk_ended(w) && !w->wrong;
    if (!good || (s->dry && arguments.target.where < HX_TAIL_SPAN)) {
        bool untouched = s->dry && !s->strict && hx_before_untouched(s->before, text);
        if (!good)
            w->ottl->unsure = unsure;
        if (!good || untouched)
            return untouched;
    }
    note(s, arguments.target.where);
    if (holds && !s->dry)
        functions[i].run(s, &arguments);
    return true;
}
