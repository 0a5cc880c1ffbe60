/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "harness/verify/tail/ottl_walk.h"

/*
 * Conditions of the transformation language, read anew for every span: what is not decided yet is
 * evaluated while it is read, the rest is only stepped over. Slower than a tree, and nothing like
 * the collector's reading.
 */

enum { DEPTH_MAX = 32 };

/* ---- comparing ---- */

static int order_of(const struct hx_tail_value *a, const struct hx_tail_value *b, bool *ordered)
{
    double x = a->kind == HX_TAIL_REAL ? a->real : (double)a->integer;
    double y = b->kind == HX_TAIL_REAL ? b->real : (double)b->integer;
    size_t len = a->text.len < b->text.len ? a->text.len : b->text.len;
    bool numbers = (a->kind == HX_TAIL_INT || a->kind == HX_TAIL_REAL) &&
                   (b->kind == HX_TAIL_INT || b->kind == HX_TAIL_REAL);
    int text;

    *ordered = true;
    if (a->kind == b->kind &&
        (a->kind == HX_TAIL_INT || a->kind == HX_TAIL_BOOL || a->kind == HX_TAIL_MOMENT))
        return a->integer < b->integer ? -1 : a->integer > b->integer;
    if (numbers) {
        *ordered = x == x && y == y;
        return x < y ? -1 : x > y;
    }
    if (a->kind == HX_TAIL_TEXT && b->kind == HX_TAIL_TEXT) {
        text = len > 0 ? memcmp(a->text.data, b->text.data, len) : 0;
        return text != 0 ? text : a->text.len < b->text.len ? -1 : a->text.len > b->text.len;
    }
    *ordered = false;
    return 0;
}

/* Moments and ids are held against their own kind alone. */
static bool is_typed(enum hx_tail_kind kind)
{
    return kind == HX_TAIL_MOMENT || kind == HX_TAIL_ID;
}

static bool compared(const char *mark, const struct hx_tail_value *a,
                     const struct hx_tail_value *b)
{
    bool ordered;
    int order;

    if (is_typed(a->kind) || is_typed(b->kind)) {
        if (a->kind != b->kind || (a->kind == HX_TAIL_ID && a->text.len != b->text.len))
            return mark[0] == '!';
        if (a->kind == HX_TAIL_ID && mark[1] == '=' && (mark[0] == '=' || mark[0] == '!'))
            return (memcmp(a->text.data, b->text.data, a->text.len) == 0) == (mark[0] == '=');
        if (a->kind == HX_TAIL_ID)
            return false; /* ids have no order */
    }
    order = order_of(a, b, &ordered);
    if (!ordered) { /* two of nothing are equal, so <= and >= hold as well */
        bool both_nil = a->kind <= HX_TAIL_EMPTY && b->kind <= HX_TAIL_EMPTY;
        return mark[0] == '!' ? !both_nil : both_nil && mark[strlen(mark) - 1] == '=';
    }
    if (mark[0] == '=')
        return order == 0;
    if (mark[0] == '!')
        return order != 0;
    return (mark[0] == '<' ? order < 0 : order > 0) || (mark[1] == '=' && order == 0);
}

/* Whether it holds, or that it failed, which neither and nor or nor not makes good. A literal is
 * one of the last two: it settles and and or wherever it stands, or does not count there. */
enum { FAILED = -1, NO, YES, NEVER, ALWAYS };

static int comparison(struct hx_walk *w)
{
    static const char *const marks[] = {"==", "!=", "<=", ">=", "<", ">"};
    struct hx_tail_value left, right;

    w->failed = false;
    left = hx_walk_value(w, 0);
    for (size_t i = 0; i < 6 && !w->wrong; i++) {
        if (!hx_walk_eat(w, marks[i]))
            continue;
        right = hx_walk_value(w, 1);
        return w->failed ? FAILED : compared(marks[i], &left, &right);
    }
    w->wrong |= left.kind != HX_TAIL_BOOL;
    return left.integer != 0 ? ALWAYS : NEVER;
}

/* ---- functions ---- */

const void *hx_walk_pattern(struct hx_walk *w, const char *at, const char *text)
{
    struct hx_ottl *ottl = w->ottl;
    size_t i = 0;

    while (i < ottl->pattern_count && ottl->patterns[i].at != at)
        i++;
    if (i < ottl->pattern_count)
        return ottl->patterns[i].pattern;
    if (i < HX_OTTL_PATTERNS && (ottl->patterns[i].pattern = hx_pattern_new(text)) != NULL) {
        ottl->patterns[ottl->pattern_count++].at = at;
        return ottl->patterns[i].pattern;
    }
    w->wrong = true;
    return NULL;
}

static int on_text(struct hx_walk *w, char which)
{
    struct hx_tail_value value;
    struct otl_view other, text;
    char scratch[HX_WALK_SCRATCH];
    const void *pattern;
    const char *at;

    hx_walk_must(w, "(");
    w->failed = false;
    value = hx_walk_value(w, 0);
    hx_walk_must(w, ",");
    at = w->at;
    other = hx_walk_quoted(w, 1);
    hx_walk_must(w, ")");
    if (w->wrong)
        return 0;
    if (w->failed)
        return FAILED;
    if (which == 'M') { /* compiled even if nothing is matched: a wrong one shows */
        pattern = hx_walk_pattern(w, at, w->texts[1]);
        return pattern != NULL && hx_walk_text(w, &value, scratch, &text) &&
               hx_pattern_in(pattern, text);
    }
    if (value.kind != HX_TAIL_TEXT)
        return is_typed(value.kind) ? NO : FAILED;
    if (other.len == 0 || other.len > value.text.len)
        return other.len == 0;
    return memcmp(value.text.data + (which == 'P' ? 0 : value.text.len - other.len), other.data,
                  other.len) == 0;
}

static int is_kind(struct hx_walk *w, enum hx_tail_kind kind)
{
    struct hx_tail_value value;

    hx_walk_must(w, "(");
    w->failed = false;
    value = hx_walk_value(w, 0);
    hx_walk_must(w, ")");
    return w->failed ? FAILED : value.kind == kind;
}

static bool is_root(struct hx_walk *w)
{
    static const uint8_t none[8];

    w->saw |= 1u << HX_TAIL_SPAN;
    hx_walk_must(w, "(");
    hx_walk_must(w, ")");
    return memcmp(w->span->parent_span_id, none, 8) == 0;
}

static int any_of(struct hx_walk *w);

static int term(struct hx_walk *w)
{
    int result;

    if (++w->depth > DEPTH_MAX) {
        w->wrong = true;
        return 0;
    }
    if (hx_walk_eat(w, "not")) {
        result = term(w);
        result = result == FAILED ? FAILED : result ^ 1;
    } else if (hx_walk_is_calculated(w)) {
        result = comparison(w);
    } else if (hx_walk_eat(w, "(")) {
        result = any_of(w);
        hx_walk_must(w, ")");
    } else if (hx_walk_eat(w, "IsMatch")) {
        result = on_text(w, 'M');
    } else if (hx_walk_eat(w, "HasPrefix")) {
        result = on_text(w, 'P');
    } else if (hx_walk_eat(w, "HasSuffix")) {
        result = on_text(w, 'S');
    } else if (hx_walk_eat(w, "IsString")) {
        result = is_kind(w, HX_TAIL_TEXT);
    } else if (hx_walk_eat(w, "IsInt")) {
        result = is_kind(w, HX_TAIL_INT);
    } else if (hx_walk_eat(w, "IsDouble")) {
        result = is_kind(w, HX_TAIL_REAL);
    } else if (hx_walk_eat(w, "IsBool")) {
        result = is_kind(w, HX_TAIL_BOOL);
    } else if (hx_walk_eat(w, "IsMap") || hx_walk_eat(w, "IsList")) {
        result = is_kind(w, HX_TAIL_OTHER);
        w->ottl->unsure |= result == YES; /* a map, a list or bytes */
    } else if (hx_walk_eat(w, "IsRootSpan")) {
        result = is_root(w);
    } else {
        result = comparison(w);
    }
    w->depth--;
    return result;
}

/* and: settled by NEVER and NO; or: by ALWAYS and YES. What stands behind does not count then. */
static int joined(int left, int right, bool is_or)
{
    int settled = is_or ? ALWAYS : NEVER, nothing = is_or ? NEVER : ALWAYS;

    if (left == settled || right == settled)
        return settled;
    if (left == nothing || right == nothing)
        return left == nothing ? right : left;
    return left == (is_or ? NO : YES) ? right : left;
}

static int all_of(struct hx_walk *w)
{
    int result = term(w);

    while (!w->wrong && hx_walk_eat(w, "and"))
        result = joined(result, term(w), false);
    return result;
}

static int any_of(struct hx_walk *w)
{
    int result = all_of(w);

    while (!w->wrong && hx_walk_eat(w, "or"))
        result = joined(result, all_of(w), true);
    return result;
}

bool hx_walk_any_of(struct hx_walk *w, bool *ret_failed)
{
    int result = any_of(w);

    *ret_failed = result == FAILED;
    return result == YES || result == ALWAYS;
}

/* ---- whole conditions ---- */

static bool one(struct hx_ottl *ottl, const struct hx_tail_span *span, const json_t *text,
                int event, bool *ret_wrong)
{
    struct hx_walk w = {.ottl = ottl, .span = span,
                        .context = event < 0 ? HX_TAIL_SPAN : HX_TAIL_EVENT,
                        .event = event < 0 ? 0 : (unsigned)event};
    bool result, failed;

    w.at = json_string_value(text) != NULL ? json_string_value(text) : "";
    result = hx_walk_any_of(&w, &failed);
    *ret_wrong = !hx_walk_ended(&w) || w.wrong;
    return result && !*ret_wrong;
}

bool hx_ottl_true(const struct hx_ottl *ottl, const struct hx_tail_span *span)
{
    struct hx_ottl *own = (struct hx_ottl *)(uintptr_t)ottl; /* remembers its patterns */
    struct hx_tail_event there;
    const json_t *text;
    bool wrong;
    size_t i;

    json_array_foreach(ottl->on_span, i, text)
        if (one(own, span, text, -1, &wrong))
            return true;
    for (int event = 0;
         ottl->on_event != NULL && span->event_at(span, (unsigned)event, &there); event++)
        json_array_foreach(ottl->on_event, i, text)
            if (one(own, span, text, event, &wrong))
                return true;
    return false;
}

static bool an_event(const struct hx_tail_span *span, unsigned event, struct hx_tail_event *ret)
{
    (void)span;
    (void)event;
    *ret = (struct hx_tail_event){.name = otl_view("", 0)};
    return true;
}

/* Walked once over a span without anything: what is not understood shows. */
static const json_t *misread(struct hx_ottl *ottl, const json_t *list, int event)
{
    struct hx_tail_span span = hx_draft_nothing;
    const json_t *text;
    bool wrong;
    size_t i;

    span.event_at = an_event;
    json_array_foreach(list, i, text) {
        (void)one(ottl, &span, text, event, &wrong);
        if (wrong)
            return text;
    }
    return NULL;
}

enum otel_err hx_ottl_load(struct otl_arena *arena, const json_t *span, const json_t *event,
                           struct hx_ottl **ret, struct otl_detail *reterr)
{
    struct hx_ottl *ottl = otl_arena_zalloc(arena, sizeof(*ottl));
    const json_t *wrong;

    if (ottl == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    *ret = ottl; /* also on failure, so that its patterns are freed */
    ottl->on_span = span;
    ottl->on_event = json_array_size(event) > 0 ? event : NULL;
    wrong = misread(ottl, span, -1);
    if (wrong == NULL)
        wrong = misread(ottl, event, 0);
    if (wrong == NULL)
        return OTEL_OK;
    return otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                          "the condition '%.200s' is not understood", json_string_value(wrong));
}

bool hx_ottl_unsure(struct hx_ottl *ottl)
{
    bool unsure = ottl->unsure;

    ottl->unsure = false;
    return unsure;
}

void hx_ottl_fini(struct hx_ottl *ottl)
{
    for (size_t i = 0; ottl != NULL && i < ottl->pattern_count; i++)
        hx_pattern_free(ottl->patterns[i].pattern);
}
