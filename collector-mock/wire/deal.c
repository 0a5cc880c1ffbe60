/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/deal.h"

#include <string.h>

#include "collector-mock/wire/put.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

/* Fields of all three storeys: a head (resource, scope), the members, a schema_url. */
enum { RESOURCE_SPANS = 1, HEAD = 1, MEMBERS = 2, SCHEMA_URL = 3, TRACE_ID = 1, FIRST_ROOM = 512 };

struct heads {
    struct otl_view head, tail; /* with tag and length; empty: absent */
};

void col_deal_init(struct col_deal *deal, unsigned owners, size_t max)
{
    memset(deal, 0, sizeof(*deal));
    deal->owners = owners;
    for (unsigned i = 0; i < owners; i++) {
        otl_buf_init(&deal->parts[i].out, max);
        otl_buf_init(&deal->parts[i].scopes, max);
        otl_buf_init(&deal->parts[i].spans, max);
    }
}

void col_deal_fini(struct col_deal *deal)
{
    for (unsigned i = 0; i < deal->owners; i++) {
        otl_buf_fini(&deal->parts[i].out);
        otl_buf_fini(&deal->parts[i].scopes);
        otl_buf_fini(&deal->parts[i].spans);
    }
    otl_mem_free(deal->whose);
    memset(deal, 0, sizeof(*deal));
}

unsigned col_deal_owner(const uint8_t trace_id[16], unsigned owners)
{
    uint64_t a, b;

    memcpy(&a, trace_id, 8);
    memcpy(&b, trace_id + 8, 8);
    return (unsigned)((otl_random_mix(a, b) & UINT32_MAX) * owners >> 32);
}

/* Of a field of wire type 2: an unknown one may be of another. */
static struct col_cursor inside(const struct col_field *field)
{
    struct col_cursor cursor = {field->data, field->data + field->scalar};

    return cursor;
}

/* The last trace id counts, as everywhere in protobuf. */
static unsigned owner_of(const struct col_deal *deal, struct col_cursor span)
{
    static const uint8_t none[16];
    const uint8_t *id = none;
    struct col_field field;

    while (col_field_next(&span, &field) == COL_NEXT_FIELD)
        if (field.number == TRACE_ID && field.scalar == 16)
            id = field.data;
    return col_deal_owner(id, deal->owners);
}

static bool remember(struct col_deal *deal, size_t at, unsigned owner)
{
    if (at == deal->whose_room) {
        size_t room = at > 0 ? at * 2 : FIRST_ROOM;
        uint8_t *grown = otl_mem_realloc(deal->whose, room);
        if (grown == NULL)
            return false;
        deal->whose = grown;
        deal->whose_room = room;
    }
    deal->whose[at] = (uint8_t)owner;
    return true;
}

/* The owner of each span into whose; *ret_only as in col_deal(). */
static enum otel_err find_owners(struct col_deal *deal, struct col_cursor request,
                                 unsigned *ret_only)
{
    struct col_field group, scope, span;
    unsigned only = deal->owners;
    size_t count = 0;
    bool several = false;

    while (col_field_next(&request, &group) == COL_NEXT_FIELD) {
        struct col_cursor scopes;
        if (group.number != RESOURCE_SPANS)
            continue;
        scopes = inside(&group);
        while (col_field_next(&scopes, &scope) == COL_NEXT_FIELD) {
            struct col_cursor spans;
            if (scope.number != MEMBERS)
                continue;
            spans = inside(&scope);
            while (col_field_next(&spans, &span) == COL_NEXT_FIELD) {
                unsigned owner;
                if (span.number != MEMBERS)
                    continue;
                owner = owner_of(deal, inside(&span));
                if (!remember(deal, count++, owner))
                    return OTEL_ERR_MEMORY;
                several = several || (only != deal->owners && only != owner);
                only = owner;
            }
        }
    }
    *ret_only = several ? deal->owners : only;
    return OTEL_OK;
}

static struct heads heads_of(struct col_cursor group)
{
    struct heads heads = {otl_view("", 0), otl_view("", 0)};
    const uint8_t *start = group.at;
    struct col_field field;

    for (; col_field_next(&group, &field) == COL_NEXT_FIELD; start = group.at) {
        struct otl_view raw = otl_view((const char *)start, (size_t)(group.at - start));
        if (field.number == HEAD)
            heads.head = raw;
        else if (field.number == SCHEMA_URL)
            heads.tail = raw;
    }
    return heads;
}

static enum otel_err put_group(struct otl_buf *out, uint32_t number, const struct heads *heads,
                               struct otl_buf *members)
{
    size_t len = heads->head.len + members->len + heads->tail.len;
    enum otel_err err = col_put_head(out, number, len);

    if (err == OTEL_OK)
        err = otl_buf_append(out, heads->head.data, heads->head.len);
    if (err == OTEL_OK)
        err = otl_buf_append(out, members->data, members->len);
    if (err == OTEL_OK)
        err = otl_buf_append(out, heads->tail.data, heads->tail.len);
    otl_buf_reset(members);
    return err;
}

static enum otel_err cut_scope(struct col_deal *deal, struct col_cursor scope, size_t *at)
{
    const struct heads heads = heads_of(scope);
    const uint8_t *start = scope.at;
    enum otel_err err = OTEL_OK;
    struct col_field field;

    for (; err == OTEL_OK && col_field_next(&scope, &field) == COL_NEXT_FIELD; start = scope.at) {
        struct col_deal_part *part;
        if (field.number != MEMBERS)
            continue;
        part = &deal->parts[deal->whose[(*at)++]];
        part->count++;
        err = otl_buf_append(&part->spans, start, (size_t)(scope.at - start));
    }
    for (unsigned i = 0; i < deal->owners && err == OTEL_OK; i++)
        if (deal->parts[i].spans.len > 0)
            err = put_group(&deal->parts[i].scopes, MEMBERS, &heads, &deal->parts[i].spans);
    return err;
}

static enum otel_err cut_resource(struct col_deal *deal, struct col_cursor group, size_t *at)
{
    const struct heads heads = heads_of(group);
    enum otel_err err = OTEL_OK;
    struct col_field field;

    while (err == OTEL_OK && col_field_next(&group, &field) == COL_NEXT_FIELD)
        if (field.number == MEMBERS)
            err = cut_scope(deal, inside(&field), at);
    for (unsigned i = 0; i < deal->owners && err == OTEL_OK; i++)
        if (deal->parts[i].scopes.len > 0)
            err = put_group(&deal->parts[i].out, RESOURCE_SPANS, &heads, &deal->parts[i].scopes);
    return err;
}

enum otel_err col_deal(struct col_deal *deal, struct otl_view request, unsigned *ret_only)
{
    struct col_cursor cursor = {(const uint8_t *)request.data,
                                (const uint8_t *)request.data + request.len};
    enum otel_err err = find_owners(deal, cursor, ret_only);
    struct col_field field;
    size_t at = 0;

    if (err != OTEL_OK || *ret_only != deal->owners)
        return err;
    for (unsigned i = 0; i < deal->owners; i++) {
        otl_buf_reset(&deal->parts[i].out);
        otl_buf_reset(&deal->parts[i].scopes); /* of one that failed */
        otl_buf_reset(&deal->parts[i].spans);
        deal->parts[i].count = 0;
    }
    while (err == OTEL_OK && col_field_next(&cursor, &field) == COL_NEXT_FIELD)
        if (field.number == RESOURCE_SPANS)
            err = cut_resource(deal, inside(&field), &at);
    return err;
}
