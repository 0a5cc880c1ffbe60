/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "harness/verify/tail/before_statement.h"
#include "sdk/base/text.h"

/* What statements set. */

enum takes { TEXT, NUMBER, COUNT, NANO, MOMENT, ID, ID_TEXT, KIND_TEXT };

struct hx_field {
    const char *word;
    enum hx_tail_where where;
    enum takes takes;
    size_t offset; /* in the span, or in the event */
};

#define SPAN(word, takes, member) {word, HX_TAIL_SPAN, takes, offsetof(struct hx_tail_span, member)}
#define SCOPE(word, member) {word, HX_TAIL_SCOPE, TEXT, offsetof(struct hx_tail_span, member)}
#define EVENT(word, takes, member)                                                                 \
    {word, HX_TAIL_EVENT, takes, offsetof(struct hx_tail_event, member)}

/* The trace id is not among them: the span would be of another trace. */
static const struct hx_field fields[] = {
    SPAN("name", TEXT, name),
    SPAN("kind", NUMBER, kind),
    SPAN("kind.string", KIND_TEXT, kind),
    SPAN("status.code", NUMBER, status),
    SPAN("status.message", TEXT, status_message),
    SPAN("trace_state", TEXT, trace_state),
    SPAN("start_time_unix_nano", NANO, start_ns),
    SPAN("end_time_unix_nano", NANO, end_ns),
    SPAN("start_time", MOMENT, start_ns),
    SPAN("end_time", MOMENT, end_ns),
    SPAN("span_id", ID, span_id),
    SPAN("span_id.string", ID_TEXT, span_id),
    SPAN("parent_span_id", ID, parent_span_id),
    SPAN("parent_span_id.string", ID_TEXT, parent_span_id),
    SPAN("dropped_attributes_count", COUNT, dropped_attributes),
    SPAN("dropped_events_count", COUNT, dropped_events),
    SPAN("dropped_links_count", COUNT, dropped_links),
    SCOPE("name", scope_name),
    SCOPE("version", scope_version),
    EVENT("name", TEXT, name),
    EVENT("time_unix_nano", NANO, time_ns),
    EVENT("time", MOMENT, time_ns),
    EVENT("dropped_attributes_count", COUNT, dropped_attributes),
};

static bool key_at(struct hx_walk *w, struct hx_target *ret)
{
    struct otl_view key = hx_walk_quoted(w, 1);

    if (w->wrong || key.len >= sizeof(ret->key) || memchr(key.data, '\0', key.len) != NULL)
        return false;
    memcpy(ret->key, key.data, key.len);
    ret->key[key.len] = '\0';
    ret->keyed = true;
    return hx_walk_eat(w, "]");
}

bool hx_target_at(struct hx_statement *s, struct hx_target *ret)
{
    struct hx_walk *w = &s->walk;

    memset(ret, 0, sizeof(*ret));
    (void)hx_walk_eat(w, "");
    ret->where = hx_walk_where(w);
    if (ret->where > w->context)
        return false;
    if (hx_walk_eat(w, "attributes"))
        return !hx_walk_eat(w, "[") || key_at(w, ret);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (fields[i].where == ret->where && hx_walk_eat(w, fields[i].word)) {
            ret->field = &fields[i];
            return true;
        }
    return false;
}

bool hx_target_takes_next(struct hx_statement *s, const struct hx_target *target)
{
    struct hx_walk *w = &s->walk;

    (void)hx_walk_eat(w, "");
    if (strncmp(w->at, "SHA256", 6) == 0)
        return false; /* of what is no text there is none */
    if (target->field == NULL)
        return true;
    if (target->field->takes == TEXT)
        return *w->at == '"' || strncmp(w->at, "Concat", 6) == 0;
    return (target->field->takes == NUMBER || target->field->takes == COUNT ||
            target->field->takes == NANO) &&
           (strncmp(w->at, "S", 1) == 0 || isdigit((unsigned char)*w->at));
}

/* ---- setting ---- */

static void set_attribute(struct hx_statement *s, const struct hx_target *target,
                          const struct hx_tail_value *value)
{
    struct hx_draft_list *list = hx_draft_attributes(s->draft, target->where, s->walk.event);
    struct otl_view key = otl_view_str(target->key);
    struct hx_tail_value empty = {.kind = HX_TAIL_EMPTY};
    bool typed = value->kind == HX_TAIL_MOMENT || value->kind == HX_TAIL_ID;

    if (!typed)
        hx_draft_set(s->draft, list, key, value);
    else if (hx_draft_find(list, key) == NULL) /* an attribute can be neither */
        hx_draft_set(s->draft, list, key, &empty);
}

static void set_id(uint8_t *id, const struct hx_tail_value *value, bool as_text)
{
    uint8_t bytes[8];

    if (!as_text && value->kind == HX_TAIL_ID && value->text.len == 8)
        memcpy(id, value->text.data, 8);
    if (as_text && value->kind == HX_TAIL_TEXT && value->text.len == 16 &&
        otl_unhex(value->text.data, 8, bytes))
        memcpy(id, bytes, 8);
}

static void set_kind(int32_t *kind, const struct hx_tail_value *value)
{
    for (int32_t i = 0; i < 6 && value->kind == HX_TAIL_TEXT; i++)
        if (otl_view_is(value->text, hx_walk_kinds[i]))
            *kind = i;
}

static void set_field(struct hx_draft *draft, const struct hx_field *field, void *at,
                      const struct hx_tail_value *value)
{
    switch (field->takes) {
    case TEXT:
        if (value->kind == HX_TAIL_TEXT)
            *(struct otl_view *)at = hx_draft_copy(draft, value->text);
        break;
    case NUMBER:
        if (value->kind == HX_TAIL_INT)
            *(int32_t *)at = (int32_t)value->integer;
        break;
    case COUNT:
        if (value->kind == HX_TAIL_INT)
            *(uint32_t *)at = (uint32_t)value->integer;
        break;
    case NANO:
        if (value->kind == HX_TAIL_INT)
            *(uint64_t *)at = (uint64_t)value->integer;
        break;
    case MOMENT:
        if (value->kind == HX_TAIL_MOMENT)
            *(uint64_t *)at = (uint64_t)value->integer;
        break;
    case ID:
    case ID_TEXT:
        set_id(at, value, field->takes == ID_TEXT);
        break;
    case KIND_TEXT:
        set_kind(at, value);
        break;
    }
}

void hx_target_set(struct hx_statement *s, const struct hx_target *target,
                   const struct hx_tail_value *value)
{
    char *base = (char *)&s->draft->span;

    if (value->kind == HX_TAIL_EMPTY) /* nothing, or bytes of no length */
        s->draft->span.guessed = true;
    if (value->kind == HX_TAIL_NOTHING || value->kind == HX_TAIL_EMPTY)
        return;
    if (target->where == HX_TAIL_EVENT && s->walk.event >= hx_draft_events(s->draft))
        return; /* no memory */
    if (target->field == NULL) {
        set_attribute(s, target, value);
        return;
    }
    if (target->where == HX_TAIL_EVENT)
        base = (char *)&s->draft->events[s->walk.event].now;
    set_field(s->draft, target->field, base + target->field->offset, value);
}
