/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/tail/store.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector-mock/wire/put.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

enum { FIRST_SLOTS = 256, RESOURCE_SPANS = 1, SCOPE_SPANS = 2, SCOPE = 1 };

enum otel_err col_tail_store_init(struct col_tail_store *store)
{
    memset(store, 0, sizeof(*store));
    store->seed = otl_random_os_seed();
    store->slots = otl_mem_zalloc(FIRST_SLOTS * sizeof(*store->slots));
    store->slot_count = store->slots != NULL ? FIRST_SLOTS : 0;
    return store->slots != NULL ? OTEL_OK : OTEL_ERR_MEMORY;
}

void col_tail_store_fini(struct col_tail_store *store)
{
    otl_mem_free(store->slots);
    col_tail_cells_fini(&store->cells);
    memset(store, 0, sizeof(*store));
}

/* ---- contexts ---- */

static size_t context_len(const struct col_tail_context *context)
{
    return (size_t)context->resource_head + context->scope_head;
}

static uint64_t hash_heads(uint64_t seed, const struct col_tail_heads *heads)
{
    const struct otl_view *parts = &heads->resource_head;
    uint64_t hash = seed;

    for (size_t i = 0; i < 2; i++)
        hash = XXH3_64bits_withSeed(parts[i].len > 0 ? parts[i].data : "", parts[i].len,
                                    hash + parts[i].len);
    return hash;
}

static bool same(const struct col_tail_context *context, const struct col_tail_heads *heads)
{
    const struct otl_view *parts = &heads->resource_head;
    const uint32_t lens[] = {context->resource_head, context->scope_head};
    const uint8_t *at = context->bytes;

    for (size_t i = 0; i < 2; i++) {
        if (parts[i].len != lens[i] || (lens[i] > 0 && memcmp(at, parts[i].data, lens[i]) != 0))
            return false;
        at += lens[i];
    }
    return true;
}

/* The attributes of the Resource message inside its field. */
static void split_resource(struct col_tail_context *context)
{
    struct col_cursor cursor = {context->bytes, context->bytes + context->resource_head};
    struct col_field field;

    memset(&context->attributes, 0, sizeof(context->attributes));
    if (col_field_next(&cursor, &field) == COL_NEXT_FIELD)
        col_resource_split(otl_view((const char *)field.data, (size_t)field.scalar),
                           &context->attributes);
}

static struct col_tail_context *new_context(const struct col_tail_heads *heads)
{
    const struct otl_view *parts = &heads->resource_head;
    size_t len = parts[0].len + parts[1].len;
    struct col_tail_context *context = otl_mem_alloc(sizeof(*context) + len);
    uint8_t *at;

    if (context == NULL)
        return NULL;
    at = context->bytes;
    for (size_t i = 0; i < 2; i++) {
        if (parts[i].len > 0)
            memcpy(at, parts[i].data, parts[i].len);
        at += parts[i].len;
    }
    context->resource_head = (uint32_t)parts[0].len;
    context->scope_head = (uint32_t)parts[1].len;
    split_resource(context);
    return context;
}

/* More slots make chains short; without memory for them the chains grow. */
static void grow_slots(struct col_tail_store *store)
{
    uint32_t count = store->slot_count * 2;
    struct col_tail_context **slots = otl_mem_zalloc(count * sizeof(*slots));

    if (slots == NULL)
        return;
    for (uint32_t i = 0; i < store->slot_count; i++) {
        struct col_tail_context *context = store->slots[i], *next;
        for (; context != NULL; context = next) {
            next = context->next;
            context->next = slots[context->hash & (count - 1)];
            slots[context->hash & (count - 1)] = context;
        }
    }
    otl_mem_free(store->slots);
    store->slots = slots;
    store->slot_count = count;
}

enum otel_err col_tail_context_get(struct col_tail_store *store,
                                   const struct col_tail_heads *heads,
                                   struct col_tail_context **ret)
{
    uint64_t hash = hash_heads(store->seed, heads);
    struct col_tail_context *context = store->slots[hash & (store->slot_count - 1)];

    while (context != NULL && (context->hash != hash || !same(context, heads)))
        context = context->next;
    if (context == NULL) {
        context = new_context(heads);
        if (context == NULL)
            return OTEL_ERR_MEMORY;
        context->hash = hash;
        context->refs = 0;
        if (store->context_count++ >= store->slot_count)
            grow_slots(store);
        context->next = store->slots[hash & (store->slot_count - 1)];
        store->slots[hash & (store->slot_count - 1)] = context;
        store->bytes += sizeof(*context) + context_len(context);
    }
    context->refs++;
    *ret = context;
    return OTEL_OK;
}

void col_tail_context_drop(struct col_tail_store *store, struct col_tail_context *context)
{
    struct col_tail_context **link = &store->slots[context->hash & (store->slot_count - 1)];

    if (--context->refs > 0)
        return;
    while (*link != context)
        link = &(*link)->next;
    *link = context->next;
    store->context_count--;
    store->bytes -= sizeof(*context) + context_len(context);
    otl_mem_free(context);
}

/* ---- pieces ---- */

enum otel_err col_tail_piece_new(struct col_tail_store *store, struct col_tail_context *context,
                                 uint32_t len, struct col_tail_piece **ret)
{
    struct col_tail_piece *piece = col_tail_cells_alloc(&store->cells, sizeof(*piece) + len);

    if (piece == NULL)
        return OTEL_ERR_MEMORY;
    piece->next = NULL;
    piece->context = context;
    piece->len = len;
    piece->spans = 0;
    piece->first = false;
    context->refs++;
    store->bytes += sizeof(*piece) + len;
    *ret = piece;
    return OTEL_OK;
}

struct col_tail_piece *col_tail_piece_move(struct col_tail_store *store,
                                           struct col_tail_piece *piece)
{
    size_t size = sizeof(*piece) + piece->len;
    struct col_tail_piece *copy;

    if (!col_tail_cell_thin(&store->cells, piece, size))
        return piece;
    copy = col_tail_cells_alloc(&store->cells, size);
    if (copy == NULL)
        return piece;
    memcpy(copy, piece, size);
    col_tail_cells_free(&store->cells, piece, size);
    return copy;
}

void col_tail_pieces_free(struct col_tail_store *store, struct col_tail_piece *first)
{
    while (first != NULL) {
        struct col_tail_piece *next = first->next;
        store->bytes -= sizeof(*first) + first->len;
        col_tail_context_drop(store, first->context);
        col_tail_cells_free(&store->cells, first, sizeof(*first) + first->len);
        first = next;
    }
}

/* ---- the request ---- */

/* The scope itself, without the head of its field. */
static struct otl_view scope_of(const struct col_tail_context *context)
{
    const uint8_t *head = context->bytes + context->resource_head;
    struct col_cursor cursor = {head, head + context->scope_head};
    struct col_field field;

    return col_field_next(&cursor, &field) == COL_NEXT_FIELD
               ? otl_view((const char *)field.data, (size_t)field.scalar)
               : otl_view(NULL, 0);
}

static size_t scope_size(const struct col_tail_piece *piece, size_t more_len)
{
    const struct col_tail_context *context = piece->context;

    return piece->len + (more_len > 0 ? col_field_size(scope_of(context).len + more_len)
                                      : (size_t)context->scope_head);
}

/* The body of the ResourceSpans that begins with this piece; *ret_end: the piece behind it. */
static size_t resource_size(const struct col_tail_piece *piece, size_t more_len,
                            const struct col_tail_piece **ret_end)
{
    size_t size = piece->context->resource_head;

    do {
        size += col_field_size(scope_size(piece, more_len));
        piece = piece->next;
    } while (piece != NULL && !piece->first);
    *ret_end = piece;
    return size;
}

uint64_t col_tail_request_size(const struct col_tail_piece *first, size_t more_len)
{
    uint64_t size = 0;

    while (first != NULL)
        size += col_field_size(resource_size(first, more_len, &first));
    return size;
}

/* As the Collector encodes the spans: two bytes for each of these that is not there. */
static size_t spans_weight(const struct col_tail_piece *piece)
{
    static const unsigned always[] = {1, 2, 4, 15}; /* the ids and the status */
    struct col_cursor cursor = {piece->bytes, piece->bytes + piece->len};
    struct col_field span, field;
    size_t weight = 0;

    while (col_field_next(&cursor, &span) == COL_NEXT_FIELD) {
        struct col_cursor fields = {span.data, span.data + span.scalar};
        size_t len = (size_t)span.scalar;
        uint32_t there = 0;
        while (col_field_next(&fields, &field) == COL_NEXT_FIELD)
            there |= field.number < 32 ? 1u << field.number : 0;
        for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
            len += (there >> always[i] & 1) == 0 ? 2 : 0;
        weight += col_field_size(len);
    }
    return weight;
}

uint64_t col_tail_weight(const struct col_tail_piece *first, bool whole)
{
    uint64_t weight = 0;

    while (first != NULL) {
        size_t body = first->context->resource_head > 0 ? first->context->resource_head : 2;
        do {
            size_t scope = first->context->scope_head > 0 ? first->context->scope_head : 2;
            body += col_field_size(scope + spans_weight(first));
            first = first->next;
        } while (first != NULL && !first->first);
        weight += whole ? col_field_size(body) : body;
    }
    return weight;
}

static enum otel_err put_scope_head(const struct col_tail_context *context, struct otl_view more,
                                    struct otl_buf *out)
{
    struct otl_view scope;
    enum otel_err err;

    if (more.len == 0)
        return otl_buf_append(out, context->bytes + context->resource_head, context->scope_head);
    scope = scope_of(context);
    err = col_put_head(out, SCOPE, scope.len + more.len);
    if (err == OTEL_OK && scope.len > 0)
        err = otl_buf_append(out, scope.data, scope.len);
    return err == OTEL_OK ? otl_buf_append(out, more.data, more.len) : err;
}

static enum otel_err put_scope(const struct col_tail_piece *piece, struct otl_view more,
                               struct otl_buf *out)
{
    enum otel_err err = col_put_head(out, SCOPE_SPANS, scope_size(piece, more.len));

    if (err == OTEL_OK)
        err = put_scope_head(piece->context, more, out);
    if (err == OTEL_OK)
        err = otl_buf_append(out, piece->bytes, piece->len);
    return err;
}

enum otel_err col_tail_assemble(const struct col_tail_piece *first, struct otl_view more,
                                struct otl_buf *out)
{
    enum otel_err err = OTEL_OK;

    while (first != NULL && err == OTEL_OK) {
        const struct col_tail_context *context = first->context;
        const struct col_tail_piece *end;
        err = col_put_head(out, RESOURCE_SPANS, resource_size(first, more.len, &end));
        if (err == OTEL_OK)
            err = otl_buf_append(out, context->bytes, context->resource_head);
        for (; first != end && err == OTEL_OK; first = first->next)
            err = put_scope(first, more, out);
    }
    return err;
}
