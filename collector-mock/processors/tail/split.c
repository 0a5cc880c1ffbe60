/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "collector-mock/processors/tail/tail.h"
#include "collector-mock/wire/put.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

/* A request is checked before it comes here: its fields are only found again. */

enum { FIRST_ROOM = 64, SPANS_FIELD = 2, NO_ITEM = UINT32_MAX };
enum { TRACE_ID = 1, PARENT_ID = 4, ATTRIBUTES = 9 }; /* fields of a span */

/* The array with room for one more; NULL: no memory, it stays as it was. */
static void *grow(void *array, uint32_t *room, uint32_t count, size_t size)
{
    uint32_t wanted = *room > 0 ? *room * 2 : FIRST_ROOM;
    void *grown;

    if (count < *room)
        return array;
    grown = *room <= UINT32_MAX / 4 ? otl_mem_realloc(array, wanted * size) : NULL;
    if (grown != NULL)
        *room = wanted;
    return grown;
}

/* ---- groups by trace id ---- */

static uint32_t slot_of(const struct col_tail_split *split, const uint8_t id[16])
{
    uint64_t a, b;

    memcpy(&a, id, 8);
    memcpy(&b, id + 8, 8);
    return (uint32_t)(otl_random_mix(a, b) >> 32) & (split->slot_count - 1);
}

static void put_slot(struct col_tail_split *split, uint32_t group)
{
    uint32_t slot = slot_of(split, split->groups[group].id);

    while (split->stamps[slot] == split->stamp)
        slot = (slot + 1) & (split->slot_count - 1);
    split->stamps[slot] = split->stamp;
    split->slots[slot] = group;
}

static enum otel_err grow_slots(struct col_tail_split *split)
{
    uint32_t count = split->slot_count > 0 ? split->slot_count * 2 : FIRST_ROOM * 2;
    uint32_t *slots = otl_mem_realloc(split->slots, count * sizeof(*slots));
    uint64_t *stamps;

    if (slots == NULL)
        return OTEL_ERR_MEMORY;
    split->slots = slots;
    stamps = otl_mem_zalloc(count * sizeof(*stamps));
    if (stamps == NULL)
        return OTEL_ERR_MEMORY;
    otl_mem_free(split->stamps);
    split->stamps = stamps;
    split->slot_count = count;
    for (uint32_t i = 0; i < split->group_count; i++)
        put_slot(split, i);
    return OTEL_OK;
}

static enum otel_err group_of(struct col_tail_split *split, const uint8_t id[16], uint32_t *ret)
{
    struct col_tail_group *group, *groups;
    uint32_t slot;

    if (split->group_count * 2 >= split->slot_count && grow_slots(split) != OTEL_OK)
        return OTEL_ERR_MEMORY;
    for (slot = slot_of(split, id); split->stamps[slot] == split->stamp;
         slot = (slot + 1) & (split->slot_count - 1)) {
        if (memcmp(split->groups[split->slots[slot]].id, id, 16) != 0)
            continue;
        *ret = split->slots[slot];
        return OTEL_OK;
    }
    groups = grow(split->groups, &split->group_room, split->group_count, sizeof(*groups));
    if (groups == NULL)
        return OTEL_ERR_MEMORY;
    split->groups = groups;
    group = &split->groups[split->group_count];
    memset(group, 0, sizeof(*group));
    memcpy(group->id, id, 16);
    group->first = group->last = NO_ITEM;
    split->stamps[slot] = split->stamp;
    split->slots[slot] = split->group_count;
    *ret = split->group_count++;
    return OTEL_OK;
}

/* ---- spans ---- */

/* Past the fields in short form that come next and are no id; attributes before all. */
static void skip_others(struct col_cursor *span)
{
    const uint8_t *at = span->at, *end = span->end;

    while (end - at >= 2 && at[0] < 0x80) {
        size_t left = (size_t)(end - at), len = 2 + (size_t)at[1];
        if (at[0] == (ATTRIBUTES << 3 | COL_WIRE_BYTES)) {
            if (at[1] >= 0x80 || len > left)
                break;
            at += len;
            continue;
        }
        if ((at[0] & 7) == COL_WIRE_FIXED64)
            len = 9;
        else if ((at[0] & 7) == COL_WIRE_VARINT)
            len = 2;
        else if ((at[0] & 7) != COL_WIRE_BYTES)
            break;
        if (at[0] >> 3 == TRACE_ID || at[0] >> 3 == PARENT_ID || len > left ||
            (len != 9 && at[1] >= 0x80))
            break;
        at += len;
    }
    span->at = at;
}

/* Trace id and whether it is a root; fields may stand in any order. */
static void read_ids(struct col_cursor span, uint8_t id[16], bool *ret_root)
{
    static const uint8_t none[8];
    struct col_field field;

    memset(id, 0, 16);
    *ret_root = true;
    while (col_field_next(&span, &field) == COL_NEXT_FIELD) {
        if (field.number == TRACE_ID && field.scalar == 16)
            memcpy(id, field.data, 16);
        else if (field.number == PARENT_ID)
            *ret_root = field.scalar != 8 || memcmp(field.data, none, 8) == 0;
        skip_others(&span);
    }
}

static enum otel_err add_span(struct col_tail_split *split, const struct col_field *field)
{
    struct col_cursor cursor = {field->data, field->data + field->scalar};
    struct col_tail_item *item, *items;
    struct col_tail_group *group;
    uint32_t at = split->item_count, n;
    uint8_t id[16];
    bool root;

    read_ids(cursor, id, &root);
    items = grow(split->items, &split->item_room, at, sizeof(*items));
    if (items == NULL)
        return OTEL_ERR_MEMORY;
    split->items = items;
    if (group_of(split, id, &n) != OTEL_OK)
        return OTEL_ERR_MEMORY;
    split->item_count++;
    item = &split->items[at];
    item->data = field->data;
    item->len = (uint32_t)field->scalar;
    item->scope = split->scope_count - 1;
    item->next = NO_ITEM;
    group = &split->groups[n];
    *(group->last != NO_ITEM ? &split->items[group->last].next : &group->first) = at;
    group->last = at;
    group->spans++;
    group->root |= root;
    return OTEL_OK;
}

/* The head of a group message: its field 1, whole. */
static void read_head(struct col_cursor cursor, struct otl_view *head)
{
    const uint8_t *start = cursor.at;
    struct col_field field;

    *head = otl_view("", 0);
    for (; col_field_large(&cursor, SPANS_FIELD, &field) ||
           col_field_next(&cursor, &field) == COL_NEXT_FIELD;
         start = cursor.at)
        if (field.number == 1)
            *head = otl_view((const char *)start, (size_t)(cursor.at - start));
}

static enum otel_err split_scope(struct col_tail_split *split, struct col_cursor cursor,
                                 const struct col_tail_heads *resource)
{
    enum otel_err err = OTEL_OK;
    struct col_field field;
    struct col_tail_heads *scopes =
        grow(split->scopes, &split->scope_room, split->scope_count, sizeof(*scopes));

    if (scopes == NULL)
        return OTEL_ERR_MEMORY;
    split->scopes = scopes;
    split->scopes[split->scope_count] = *resource;
    read_head(cursor, &split->scopes[split->scope_count].scope_head);
    split->scope_count++;
    while (err == OTEL_OK && (col_field_large(&cursor, SPANS_FIELD, &field) ||
                              col_field_next(&cursor, &field) == COL_NEXT_FIELD))
        if (field.number == SPANS_FIELD)
            err = add_span(split, &field);
    return err;
}

enum otel_err col_tail_split_resource(struct col_tail_split *split,
                                      struct otl_view resource_spans)
{
    const uint8_t *start = (const uint8_t *)resource_spans.data;
    struct col_cursor cursor = {start, start + resource_spans.len};
    struct col_tail_heads resource;
    enum otel_err err = OTEL_OK;
    struct col_field field;

    split->item_count = split->group_count = split->scope_count = 0;
    split->stamp++;
    read_head(cursor, &resource.resource_head);
    while (err == OTEL_OK && col_field_next(&cursor, &field) == COL_NEXT_FIELD) {
        if (field.number == 2) {
            struct col_cursor scope = {field.data, field.data + field.scalar};
            err = split_scope(split, scope, &resource);
        }
    }
    return err;
}

bool col_tail_split_next(struct col_cursor *request, struct otl_view *ret)
{
    struct col_field field;

    while (col_field_next(request, &field) == COL_NEXT_FIELD) {
        if (field.number != 1)
            continue;
        *ret = otl_view((const char *)field.data, (size_t)field.scalar);
        return true;
    }
    return false;
}

void col_tail_split_fini(struct col_tail_split *split)
{
    otl_mem_free(split->items);
    otl_mem_free(split->groups);
    otl_mem_free(split->scopes);
    otl_mem_free(split->slots);
    otl_mem_free(split->stamps);
    memset(split, 0, sizeof(*split));
}

/* ---- pieces ---- */

/* The spans from item on that share its scope; *ret_end: the first that does not. */
static enum otel_err one_piece(const struct col_tail_split *split, uint32_t item,
                               struct col_tail_store *store, struct col_tail_piece **ret,
                               uint32_t *ret_end)
{
    uint32_t scope = split->items[item].scope, at;
    struct col_tail_context *context;
    struct col_tail_piece *piece;
    enum otel_err err;
    uint64_t len = 0;
    uint8_t *out;

    for (at = item; at != NO_ITEM && split->items[at].scope == scope; at = split->items[at].next)
        len += col_field_size(split->items[at].len);
    if (len > UINT32_MAX)
        return OTEL_ERR_MEMORY;
    err = col_tail_context_get(store, &split->scopes[scope], &context);
    if (err != OTEL_OK)
        return err;
    err = col_tail_piece_new(store, context, (uint32_t)len, &piece);
    col_tail_context_drop(store, context); /* the piece counts it */
    if (err != OTEL_OK)
        return err;
    out = piece->bytes;
    for (at = item; at != NO_ITEM && split->items[at].scope == scope; at = split->items[at].next) {
        *out++ = SPANS_FIELD << 3 | COL_WIRE_BYTES;
        out += col_varint_write(split->items[at].len, out);
        memcpy(out, split->items[at].data, split->items[at].len);
        out += split->items[at].len;
        piece->spans++;
    }
    *ret = piece;
    *ret_end = at;
    return OTEL_OK;
}

enum otel_err col_tail_split_pieces(const struct col_tail_split *split,
                                    const struct col_tail_group *group,
                                    struct col_tail_store *store,
                                    struct col_tail_piece **ret_first,
                                    struct col_tail_piece **ret_last)
{
    struct col_tail_piece *first = NULL, *last = NULL, *piece;
    uint32_t at = group->first;

    while (at != NO_ITEM) {
        if (one_piece(split, at, store, &piece, &at) != OTEL_OK) {
            col_tail_pieces_free(store, first);
            return OTEL_ERR_MEMORY;
        }
        piece->first = first == NULL;
        *(last != NULL ? &last->next : &first) = piece;
        last = piece;
    }
    *ret_first = first;
    *ret_last = last;
    return OTEL_OK;
}
