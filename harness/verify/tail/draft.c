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

static unsigned event_of(const struct hx_draft *draft, unsigned event)
{
    return draft->events != NULL ? draft->events[event] : event;
}

static struct hx_tail_value attribute(const struct hx_tail_span *span, enum hx_tail_where where,
                                      unsigned event, const char *key)
{
    struct hx_draft *draft = (struct hx_draft *)(uintptr_t)span->source;
    struct hx_draft_entry *entry;

    if (where == HX_TAIL_EVENT)
        return draft->events != NULL && event >= draft->event_count
                   ? nothing()
                   : draft->origin->attribute(draft->origin, where, event_of(draft, event), key);
    entry = hx_draft_find(draft, where, otl_view_str(key));
    return entry != NULL ? entry->value : nothing();
}

static bool attribute_at(const struct hx_tail_span *span, enum hx_tail_where where, size_t n,
                         struct otl_view *ret_key, struct hx_tail_value *ret)
{
    struct hx_draft *draft = (struct hx_draft *)(uintptr_t)span->source;
    const struct hx_draft_list *list = hx_draft_attributes(draft, where);

    if (n >= list->count)
        return false;
    *ret_key = list->items[n].key;
    *ret = list->items[n].value;
    return true;
}

static struct hx_tail_value event_name(const struct hx_tail_span *span, unsigned event)
{
    const struct hx_draft *draft = span->source;

    if (draft->events != NULL && event >= draft->event_count)
        return nothing();
    return draft->origin->event_name(draft->origin, event_of(draft, event));
}

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
    draft->span.event_name = event_name;
}

static void append(struct hx_draft *draft, struct hx_draft_list *list, struct otl_view key,
                   const struct hx_tail_value *value)
{
    if (list->count == list->room) {
        size_t room = list->room > 0 ? 2 * list->room : 16;
        struct hx_draft_entry *items = otl_arena_alloc(draft->arena, room * sizeof(*items));
        if (items == NULL) {
            draft->failed = true;
            return;
        }
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = (struct hx_draft_entry){key, *value};
}

struct hx_draft_list *hx_draft_attributes(struct hx_draft *draft, enum hx_tail_where where)
{
    struct hx_draft_list *list = where == HX_TAIL_RESOURCE ? &draft->resource : &draft->own;
    struct hx_tail_value value;
    struct otl_view key;

    if (!list->read) {
        list->read = true;
        for (size_t i = 0; draft->origin->attribute_at(draft->origin, where, i, &key, &value); i++)
            append(draft, list, key, &value);
    }
    return list;
}

struct hx_draft_entry *hx_draft_find(struct hx_draft *draft, enum hx_tail_where where,
                                     struct otl_view key)
{
    const struct hx_draft_list *list = hx_draft_attributes(draft, where);

    for (size_t i = 0; i < list->count; i++)
        if (otl_view_equal(list->items[i].key, key))
            return &list->items[i];
    return NULL;
}

struct otl_view hx_draft_copy(struct hx_draft *draft, struct otl_view text)
{
    char *copy = otl_arena_strndup(draft->arena, text.len > 0 ? text.data : "", text.len);

    draft->failed |= copy == NULL;
    return copy != NULL ? otl_view(copy, text.len) : otl_view("", 0);
}

void hx_draft_set(struct hx_draft *draft, enum hx_tail_where where, struct otl_view key,
                  const struct hx_tail_value *value)
{
    struct hx_draft_entry *entry = hx_draft_find(draft, where, key);
    struct hx_tail_value copy = *value;

    if (copy.kind == HX_TAIL_TEXT)
        copy.text = hx_draft_copy(draft, copy.text);
    if (entry != NULL)
        entry->value = copy;
    else
        append(draft, hx_draft_attributes(draft, where), hx_draft_copy(draft, key), &copy);
}

void hx_draft_remove(struct hx_draft *draft, enum hx_tail_where where, size_t at)
{
    struct hx_draft_list *list = hx_draft_attributes(draft, where);

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
