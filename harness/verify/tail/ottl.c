/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "harness/verify/tail/ottl_walk.h"
#include "sdk/base/text.h"

/*
 * Conditions of the transformation language, read anew for every span: what is not decided yet is
 * evaluated while it is read, the rest is only stepped over. Slower than a tree, and nothing like
 * the collector's reading.
 */

enum { PATTERNS_MAX = 32, DEPTH_MAX = 32 };

struct hx_ottl {
    const json_t *on_span, *on_event;
    struct {
        const char *at; /* where it stands */
        void *pattern;
    } patterns[PATTERNS_MAX];
    size_t pattern_count;
};

static void blanks(struct hx_walk *w)
{
    while (isspace((unsigned char)*w->at))
        w->at++;
}

bool hx_walk_eat(struct hx_walk *w, const char *what)
{
    size_t len = strlen(what);

    blanks(w);
    if (strncmp(w->at, what, len) != 0 ||
        (isalpha((unsigned char)*what) &&
         (isalnum((unsigned char)w->at[len]) || w->at[len] == '_' || w->at[len] == '.')))
        return false;
    w->at += len;
    return true;
}

static void must(struct hx_walk *w, const char *what)
{
    if (!hx_walk_eat(w, what))
        w->wrong = true;
}

struct otl_view hx_walk_quoted(struct hx_walk *w, int side)
{
    char *out = w->texts[side];
    size_t len = 0;

    blanks(w);
    if (*w->at != '"') {
        w->wrong = true;
        return otl_view("", 0);
    }
    for (w->at++; *w->at != '"' && *w->at != '\0' && len < HX_WALK_TEXT_MAX - 1; w->at++) {
        char c = *w->at;
        if (c == '\\' && w->at[1] != '\0') {
            c = *++w->at;
            c = (char)(c == 'n' ? '\n' : c == 't' ? '\t' : c);
        }
        out[len++] = c;
    }
    out[len] = '\0';
    w->wrong |= *w->at != '"';
    w->at += *w->at == '"';
    return otl_view(out, len);
}

/* ---- values ---- */

static struct hx_tail_value of_text(struct otl_view text)
{
    struct hx_tail_value value = {.kind = HX_TAIL_TEXT, .text = text};

    return value;
}

static struct hx_tail_value of_int(int64_t number)
{
    struct hx_tail_value value = {.kind = HX_TAIL_INT, .integer = number};

    return value;
}

static struct hx_tail_value of_number(struct hx_walk *w)
{
    struct hx_tail_value value = {.kind = HX_TAIL_INT};
    char *end, *real_end;

    value.integer = strtoll(w->at, &end, 10);
    value.real = strtod(w->at, &real_end);
    if (real_end > end)
        value.kind = HX_TAIL_REAL;
    w->wrong |= real_end == w->at;
    w->at = real_end;
    return value;
}

static struct hx_tail_value of_id(struct hx_walk *w, const void *id, size_t len, int side)
{
    otl_hex(id, len, w->texts[side]);
    return of_text(otl_view(w->texts[side], 2 * len));
}

static struct hx_tail_value attribute(struct hx_walk *w, enum hx_tail_where where, int side)
{
    must(w, "[");
    hx_walk_quoted(w, side);
    must(w, "]");
    return w->wrong ? (struct hx_tail_value){.kind = HX_TAIL_NOTHING}
                    : w->span->attribute(w->span, where, w->event < 0 ? 0 : (unsigned)w->event,
                                         w->texts[side]);
}

/* Words for numbers: those of statuses and of kinds. */
static bool constant(struct hx_walk *w, int64_t *ret)
{
    static const char *const status[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK",
                                         "STATUS_CODE_ERROR"};
    static const char *const kinds[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
                                        "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
                                        "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER"};

    for (*ret = 0; *ret < 3; ++*ret)
        if (hx_walk_eat(w, status[*ret]))
            return true;
    for (*ret = 0; *ret < 6; ++*ret)
        if (hx_walk_eat(w, kinds[*ret]))
            return true;
    return false;
}

static struct hx_tail_value span_value(struct hx_walk *w, int side)
{
    const struct hx_tail_span *span = w->span;

    if (hx_walk_eat(w, "name"))
        return of_text(span->name);
    if (hx_walk_eat(w, "attributes"))
        return attribute(w, w->of_resource ? HX_TAIL_RESOURCE : HX_TAIL_SPAN, side);
    if (hx_walk_eat(w, "kind"))
        return of_int(span->kind);
    if (hx_walk_eat(w, "status.code"))
        return of_int(span->status);
    if (hx_walk_eat(w, "status.message"))
        return of_text(span->status_message);
    if (hx_walk_eat(w, "trace_state"))
        return of_text(span->trace_state);
    if (hx_walk_eat(w, "start_time_unix_nano"))
        return of_int((int64_t)span->start_ns);
    if (hx_walk_eat(w, "end_time_unix_nano"))
        return of_int((int64_t)span->end_ns);
    if (hx_walk_eat(w, "trace_id.string"))
        return of_id(w, span->trace_id, 16, side);
    if (hx_walk_eat(w, "span_id.string"))
        return of_id(w, span->span_id, 8, side);
    if (hx_walk_eat(w, "parent_span_id.string"))
        return of_id(w, span->parent_span_id, 8, side);
    w->wrong = true;
    return (struct hx_tail_value){.kind = HX_TAIL_NOTHING};
}

bool hx_walk_prefix(struct hx_walk *w, const char *what)
{
    blanks(w);
    if (strncmp(w->at, what, strlen(what)) != 0)
        return false;
    w->at += strlen(what);
    return true;
}

struct hx_tail_value hx_walk_value(struct hx_walk *w, int side)
{
    struct hx_tail_value value = {.kind = HX_TAIL_NOTHING};
    int64_t number;

    blanks(w);
    if (*w->at == '"')
        return of_text(hx_walk_quoted(w, side));
    if (*w->at == '-' || *w->at == '+' || isdigit((unsigned char)*w->at))
        return of_number(w);
    if (hx_walk_eat(w, "nil"))
        return value;
    if (hx_walk_eat(w, "true") || hx_walk_eat(w, "false")) {
        value.kind = HX_TAIL_BOOL;
        value.integer = w->at[-2] == 'u'; /* tr-u-e */
        return value;
    }
    if (constant(w, &number))
        return of_int(number);
    if (hx_walk_eat(w, "resource.attributes"))
        return attribute(w, HX_TAIL_RESOURCE, side);
    if (w->event >= 0 && (hx_walk_eat(w, "spanevent.name") || hx_walk_eat(w, "name")))
        return w->span->event_name(w->span, (unsigned)w->event);
    if (w->event >= 0 && (hx_walk_eat(w, "spanevent.attributes") || hx_walk_eat(w, "attributes")))
        return attribute(w, HX_TAIL_EVENT, side);
    (void)hx_walk_prefix(w, "span.");
    return span_value(w, side);
}

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
    if (a->kind == b->kind && (a->kind == HX_TAIL_INT || a->kind == HX_TAIL_BOOL))
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

static bool compared(const char *mark, const struct hx_tail_value *a,
                     const struct hx_tail_value *b)
{
    bool ordered;
    int order = order_of(a, b, &ordered);

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

static bool comparison(struct hx_walk *w)
{
    static const char *const marks[] = {"==", "!=", "<=", ">=", "<", ">"};
    struct hx_tail_value left = hx_walk_value(w, 0), right;

    for (size_t i = 0; i < 6 && !w->wrong; i++) {
        if (!hx_walk_eat(w, marks[i]))
            continue;
        right = hx_walk_value(w, 1);
        return compared(marks[i], &left, &right);
    }
    w->wrong |= left.kind != HX_TAIL_BOOL;
    return left.integer != 0;
}

/* ---- functions ---- */

static bool matches(struct hx_walk *w, struct otl_view text, const char *at, const char *pattern)
{
    struct hx_ottl *ottl = w->ottl;
    size_t i = 0;

    while (i < ottl->pattern_count && ottl->patterns[i].at != at)
        i++;
    if (i == ottl->pattern_count) {
        if (i == PATTERNS_MAX || (ottl->patterns[i].pattern = hx_pattern_new(pattern)) == NULL) {
            w->wrong = true;
            return false;
        }
        ottl->patterns[ottl->pattern_count++].at = at;
    }
    return hx_pattern_in(ottl->patterns[i].pattern, text);
}

static bool on_text(struct hx_walk *w, char which)
{
    struct hx_tail_value value;
    struct otl_view other;
    const char *at;
    bool result;

    must(w, "(");
    value = hx_walk_value(w, 0);
    must(w, ",");
    at = w->at;
    other = hx_walk_quoted(w, 1);
    must(w, ")");
    if (w->wrong)
        return false;
    result = which == 'M' && matches(w, value.text, at, w->texts[1]);
    if (value.kind != HX_TAIL_TEXT)
        return false;
    if (which == 'M')
        return result;
    if (other.len == 0 || other.len > value.text.len)
        return other.len == 0;
    return memcmp(value.text.data + (which == 'P' ? 0 : value.text.len - other.len), other.data,
                  other.len) == 0;
}

static bool is_kind(struct hx_walk *w, enum hx_tail_kind kind)
{
    struct hx_tail_value value;

    must(w, "(");
    value = hx_walk_value(w, 0);
    must(w, ")");
    return value.kind == kind;
}

static bool is_root(struct hx_walk *w)
{
    static const uint8_t none[8];

    must(w, "(");
    must(w, ")");
    return memcmp(w->span->parent_span_id, none, 8) == 0;
}

static bool term(struct hx_walk *w)
{
    bool result;

    if (++w->depth > DEPTH_MAX) {
        w->wrong = true;
        return false;
    }
    if (hx_walk_eat(w, "not")) {
        result = !term(w);
    } else if (hx_walk_eat(w, "(")) {
        result = hx_walk_any_of(w);
        must(w, ")");
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
    } else if (hx_walk_eat(w, "IsRootSpan")) {
        result = is_root(w);
    } else {
        result = comparison(w);
    }
    w->depth--;
    return result;
}

static bool all_of(struct hx_walk *w)
{
    bool result = term(w);

    while (!w->wrong && hx_walk_eat(w, "and"))
        result = term(w) && result;
    return result;
}

bool hx_walk_any_of(struct hx_walk *w)
{
    bool result = all_of(w);

    while (!w->wrong && hx_walk_eat(w, "or"))
        result = all_of(w) || result;
    return result;
}

bool hx_walk_ended(struct hx_walk *w)
{
    blanks(w);
    return *w->at == '\0';
}

/* ---- whole conditions ---- */

static bool one(struct hx_ottl *ottl, const struct hx_tail_span *span, const json_t *text,
                int event, bool *ret_wrong)
{
    struct hx_walk w = {.ottl = ottl, .span = span, .event = event};
    bool result;

    w.at = json_string_value(text) != NULL ? json_string_value(text) : "";
    result = hx_walk_any_of(&w);
    *ret_wrong = !hx_walk_ended(&w) || w.wrong;
    return result && !*ret_wrong;
}

bool hx_ottl_true(const struct hx_ottl *ottl, const struct hx_tail_span *span)
{
    struct hx_ottl *own = (struct hx_ottl *)(uintptr_t)ottl; /* remembers its patterns */
    const json_t *text;
    bool wrong;
    size_t i;

    json_array_foreach(ottl->on_span, i, text)
        if (one(own, span, text, -1, &wrong))
            return true;
    for (int event = 0; ottl->on_event != NULL &&
                        span->event_name(span, (unsigned)event).kind != HX_TAIL_NOTHING; event++)
        json_array_foreach(ottl->on_event, i, text)
            if (one(own, span, text, event, &wrong))
                return true;
    return false;
}

bool hx_ottl_event_true(const struct hx_ottl *ottl, const struct hx_tail_span *span,
                        unsigned event)
{
    struct hx_ottl *own = (struct hx_ottl *)(uintptr_t)ottl;
    const json_t *text;
    bool wrong;
    size_t i;

    json_array_foreach(ottl->on_event, i, text)
        if (one(own, span, text, (int)event, &wrong))
            return true;
    return false;
}

static struct hx_tail_value no_attribute(const struct hx_tail_span *span, enum hx_tail_where where,
                                         unsigned event, const char *key)
{
    (void)span;
    (void)where;
    (void)event;
    (void)key;
    return (struct hx_tail_value){.kind = HX_TAIL_NOTHING};
}

static struct hx_tail_value an_event(const struct hx_tail_span *span, unsigned event)
{
    (void)span;
    (void)event;
    return of_text(otl_view("", 0));
}

/* Walked once over a span without anything: what is not understood shows. */
static const json_t *misread(struct hx_ottl *ottl, const json_t *list, int event)
{
    struct hx_tail_span span = {.attribute = no_attribute, .event_name = an_event};
    const json_t *text;
    bool wrong;
    size_t i;

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

void hx_ottl_fini(struct hx_ottl *ottl)
{
    for (size_t i = 0; ottl != NULL && i < ottl->pattern_count; i++)
        hx_pattern_free(ottl->patterns[i].pattern);
}
