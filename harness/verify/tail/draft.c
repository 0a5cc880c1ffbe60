/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/tail/draft.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "sdk/base/text.h"

static struct hx_tail_value nothing(void)
{
    return (struct hx_tail_value){.kind = HX_TAIL_NOTHING};
}

/* Of events that nobody has touched, those that came. */
static const struct hx_draft_list *list_of(struct hx_draft *draft, enum hx_tail_where where,
                                           unsigned event)
{
    if (where == HX_TAIL_EVENT && event >= draft->event_count)
        return NULL;
    return hx_draft_attributes(draft, where, event);
}

static bool untouched(const struct hx_draft *draft, enum hx_tail_where where)
{
    return where == HX_TAIL_EVENT && draft->events == NULL;
}

static struct hx_tail_value attribute(const struct hx_tail_span *span, enum hx_tail_where where,
                                      unsigned event, const char *key)
{
    struct hx_draft *draft = (struct hx_draft *)(uintptr_t)span->source;
    const struct hx_draft_list *list;
    const struct hx_tail_attribute *found;

    if (untouched(draft, where))
        return draft->origin->attribute(draft->origin, where, event, key);
    list = list_of(draft, where, event);
    found = list != NULL ? hx_draft_find(list, otl_view_str(key)) : NULL;
    return found != NULL ? found->value : nothing();
}

static bool attribute_at(const struct hx_tail_span *span, enum hx_tail_where where, unsigned event,
                         size_t n, struct hx_tail_attribute *ret)
{
    struct hx_draft *draft = (struct hx_draft *)(uintptr_t)span->source;
    const struct hx_draft_list *list;

    if (untouched(draft, where))
        return draft->origin->attribute_at(draft->origin, where, event, n, ret);
    list = list_of(draft, where, event);
    if (list == NULL || n >= list->count)
        return false;
    *ret = list->items[n];
    return true;
}

static bool event_at(const struct hx_tail_span *span, unsigned event, struct hx_tail_event *ret)
{
    const struct hx_draft *draft = span->source;

    if (draft->events == NULL)
        return draft->origin->event_at(draft->origin, event, ret);
    if (event >= draft->event_count)
        return false;
    *ret = draft->events[event].now;
    return true;
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

static bool no_attribute_at(const struct hx_tail_span *span, enum hx_tail_where where,
                            unsigned event, size_t n, struct hx_tail_attribute *ret)
{
    (void)span;
    (void)where;
    (void)event;
    (void)n;
    (void)ret;
    return false;
}

static bool no_event(const struct hx_tail_span *span, unsigned event, struct hx_tail_event *ret)
{
    (void)span;
    (void)event;
    (void)ret;
    return false;
}

const struct hx_tail_span hx_draft_nothing = {
    .attribute = no_attribute, .attribute_at = no_attribute_at, .event_at = no_event};

void hx_draft_begin(struct hx_draft *draft, const struct hx_tail_span *origin,
                    struct otl_arena *arena)
{
    memset(draft, 0, sizeof(*draft));
    otl_arena_reset(arena);
    draft->arena = arena;
    draft->origin = origin;
    draft->span = *origin;
    draft->span.source = draft;
    draft->span.attribute = attribute;
    draft->span.attribute_at = attribute_at;
    draft->span.event_at = event_at;
}

static void append(struct hx_draft *draft, struct hx_draft_list *list,
                   const struct hx_tail_attribute *item)
{
    if (list->count == list->room) {
        size_t room = list->room > 0 ? 2 * list->room : 16;
        struct hx_tail_attribute *items = otl_arena_alloc(draft->arena, room * sizeof(*items));
        if (items == NULL) {
            draft->failed = true;
            return;
        }
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = *item;
}

unsigned hx_draft_events(struct hx_draft *draft)
{
    struct hx_tail_event event;
    unsigned count = 0;

    if (draft->events != NULL)
        return draft->event_count;
    while (draft->origin->event_at(draft->origin, count, &event))
        count++;
    draft->events = otl_arena_zalloc(draft->arena, (count + 1) * sizeof(*draft->events));
    draft->failed |= draft->events == NULL;
    if (draft->events == NULL)
        return 0;
    draft->event_count = count;
    for (unsigned i = 0; i < count; i++) {
        draft->events[i].number = i;
        (void)draft->origin->event_at(draft->origin, i, &draft->events[i].now);
    }
    return count;
}

struct hx_draft_list *hx_draft_attributes(struct hx_draft *draft, enum hx_tail_where where,
                                          unsigned event)
{
    struct hx_draft_list *list = where == HX_TAIL_RESOURCE ? &draft->resource
                                 : where == HX_TAIL_SCOPE  ? &draft->scope
                                 : where == HX_TAIL_SPAN   ? &draft->own
                                                           : &draft->events[event].attributes;
    unsigned number = where == HX_TAIL_EVENT ? draft->events[event].number : 0;
    struct hx_tail_attribute item;

    if (!list->read) {
        list->read = true;
        for (size_t i = 0; draft->origin->attribute_at(draft->origin, where, number, i, &item); i++)
            append(draft, list, &item);
    }
    return list;
}

struct hx_tail_attribute *hx_draft_find(const struct hx_draft_list *list, struct otl_view key)
{
    for (size_t i = 0; i < list->count; i++)
        if (otl_view_equal(list->items[i].key, key))
            return &list->items[i];
    return NULL;
}

struct otl_view hx_draft_copy(struct hx_draft *draft, struct otl_view text)
{
    char *copy = otl_arena_strndup(draft->arena, text.len > 0 ? text.data : "", text.len);

    draft->failed |= copy == NULL;
    draft->span.grown += text.len + 16;
    return copy != NULL ? otl_view(copy, text.len) : otl_view("", 0);
}

void hx_draft_set(struct hx_draft *draft, struct hx_draft_list *list, struct otl_view key,
                  const struct hx_tail_value *value)
{
    struct hx_tail_attribute *found = hx_draft_find(list, key), fresh = {key, *value};

    if (fresh.value.kind == HX_TAIL_TEXT)
        fresh.value.text = hx_draft_copy(draft, fresh.value.text);
    if (found != NULL) {
        found->value = fresh.value;
        return;
    }
    fresh.key = hx_draft_copy(draft, key);
    append(draft, list, &fresh);
}

void hx_draft_remove(struct hx_draft_list *list, size_t at)
{
    memmove(list->items + at, list->items + at + 1, (--list->count - at) * sizeof(*list->items));
}

bool hx_draft_text(struct hx_draft *draft, const struct hx_tail_value *value,
                   struct otl_view *ret)
{
    char text[64];

    switch (value->kind) {
    case HX_TAIL_TEXT:
        *ret = value->text;
        return true;
    case HX_TAIL_INT:
        snprintf(text, sizeof(text), "%lld", (long long)value->integer);
        break;
    case HX_TAIL_BOOL:
        snprintf(text, sizeof(text), "%s", value->integer != 0 ? "true" : "false");
        break;
    case HX_TAIL_EMPTY:
        text[0] = '\0';
        break;
    default: /* how a real number is written, and lists: not known here */
        return false;
    }
    *ret = hx_draft_copy(draft, otl_view_str(text));
    return true;
}

struct hx_tail_value hx_draft_sha256(struct hx_draft *draft, const struct hx_tail_value *value)
{
    struct hx_tail_value ret = {.kind = HX_TAIL_TEXT, .text = {"", 0}};
    unsigned char digest[EVP_MAX_MD_SIZE], bytes[8];
    uint64_t bits = (uint64_t)value->integer;
    struct otl_view in = otl_view((const char *)bytes, 8);
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned len = 0;

    if (value->kind == HX_TAIL_TEXT)
        in = value->text;
    else if (value->kind == HX_TAIL_BOOL)
        in.len = 1;
    else if (value->kind == HX_TAIL_REAL)
        memcpy(&bits, &value->real, 8);
    else if (value->kind != HX_TAIL_INT)
        return ret;
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(bits >> (8 * i));
    if (EVP_Digest(in.len > 0 ? in.data : "", in.len, digest, &len, EVP_sha256(), NULL) != 1) {
        draft->failed = true;
        return ret;
    }
    otl_hex(digest, len, hex);
    ret.text = hx_draft_copy(draft, otl_view(hex, 2 * len));
    return ret;
}
