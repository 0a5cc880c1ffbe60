/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "sdk/base/mem.h"

/* What stands before what, so that no two lists are the same bytes. */
enum mark {
    MARK_EXTRA = 0xf3,
    MARK_KEY,
    MARK_EMPTY,
    MARK_BYTES,
    MARK_STRING,
    MARK_TRUE,
    MARK_FALSE,
    MARK_INT,
    MARK_DOUBLE,
    MARK_MAP,
    MARK_MAP_END,
    MARK_LIST,
    MARK_LIST_END
};

struct entry {
    struct col_attribute attribute;
    size_t index;
};

/* ---- bytes ---- */

static enum otel_err put_mark(struct otl_buf *out, enum mark mark)
{
    return otl_buf_append_byte(out, (uint8_t)mark);
}

static enum otel_err put_text(struct otl_buf *out, enum mark mark, struct otl_view text)
{
    enum otel_err err = put_mark(out, mark);

    return err == OTEL_OK && text.len > 0 ? otl_buf_append(out, text.data, text.len) : err;
}

static enum otel_err put_number(struct otl_buf *out, enum mark mark, uint64_t bits)
{
    uint8_t little[8];
    enum otel_err err = put_mark(out, mark);

    for (int i = 0; i < 8; i++)
        little[i] = (uint8_t)(bits >> (8 * i));
    return err == OTEL_OK ? otl_buf_append(out, little, sizeof(little)) : err;
}

static enum otel_err put_map(struct otl_buf *out, const struct col_list *list);

static enum otel_err put_value(struct otl_buf *out, const struct col_value *value)
{
    enum otel_err err;
    struct col_value item;
    struct col_list list;
    uint64_t bits;

    switch (value->kind) {
    case COL_VALUE_STRING:
        return put_text(out, MARK_STRING, value->text);
    case COL_VALUE_BYTES:
        return put_text(out, MARK_BYTES, value->text);
    case COL_VALUE_BOOL:
        return put_mark(out, value->boolean ? MARK_TRUE : MARK_FALSE);
    case COL_VALUE_INT:
        return put_number(out, MARK_INT, (uint64_t)value->integer);
    case COL_VALUE_DOUBLE:
        memcpy(&bits, &value->real, sizeof(bits));
        return put_number(out, MARK_DOUBLE, bits);
    case COL_VALUE_KVLIST:
        err = put_mark(out, MARK_MAP);
        if (err == OTEL_OK)
            err = put_map(out, &value->list);
        return err == OTEL_OK ? put_mark(out, MARK_MAP_END) : err;
    case COL_VALUE_ARRAY:
        err = put_mark(out, MARK_LIST);
        list = value->list;
        while (err == OTEL_OK && col_value_next(&list, &item))
            err = put_value(out, &item);
        return err == OTEL_OK ? put_mark(out, MARK_LIST_END) : err;
    case COL_VALUE_EMPTY:
        break;
    }
    return put_mark(out, MARK_EMPTY);
}

static int order(struct otl_view a, struct otl_view b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int by_bytes = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;

    return by_bytes != 0 ? by_bytes : (a.len > b.len) - (a.len < b.len);
}

static int by_key(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    int by_text = order(left->attribute.key, right->attribute.key);

    return by_text != 0 ? by_text : (left->index > right->index) - (left->index < right->index);
}

static enum otel_err put_map(struct otl_buf *out, const struct col_list *list)
{
    struct entry *entries = otl_mem_alloc((list->count + 1) * sizeof(*entries));
    struct col_list rest = *list;
    enum otel_err err = OTEL_OK;
    size_t count = 0, first = 0;

    if (entries == NULL)
        return OTEL_ERR_MEMORY;
    while (count < list->count && col_attribute_next(&rest, &entries[count].attribute)) {
        entries[count].index = count;
        count++;
    }
    qsort(entries, count, sizeof(*entries), by_key);
    for (size_t i = 0; i < count && err == OTEL_OK; i++) {
        if (order(entries[first].attribute.key, entries[i].attribute.key) != 0)
            first = i;
        err = put_text(out, MARK_KEY, entries[i].attribute.key);
        if (err == OTEL_OK)
            err = put_value(out, &entries[first].attribute.value);
    }
    otl_mem_free(entries);
    return err;
}

/* ---- hashes ---- */

static uint64_t add(uint64_t hash, const void *data, size_t len)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
    return hash;
}

static uint64_t add_view(uint64_t hash, struct otl_view text)
{
    return text.len > 0 ? add(hash, text.data, text.len) : hash;
}

/* The sixteen bytes that stand for a list of attributes; of an empty one zeros. */
static enum otel_err add_attributes(struct otl_buf *scratch, const struct col_list *list,
                                    uint64_t *hash)
{
    enum otel_err err = OTEL_OK;
    uint64_t halves[2] = {0, 0};
    uint8_t little[16];

    otl_buf_reset(scratch);
    if (list->count > 0) {
        err = put_map(scratch, list);
        if (err == OTEL_OK)
            halves[0] = XXH64(scratch->data, scratch->len, 0);
        if (err == OTEL_OK)
            err = put_mark(scratch, MARK_EXTRA);
        if (err == OTEL_OK)
            halves[1] = XXH64(scratch->data, scratch->len, 0);
    }
    for (int i = 0; i < 16; i++)
        little[i] = (uint8_t)(halves[i / 8] >> (8 * (i % 8)));
    *hash = add(*hash, little, sizeof(little));
    return err;
}

static enum otel_err start(struct otl_buf *scratch, const struct col_resource *resource,
                           uint64_t *ret)
{
    *ret = 0xcbf29ce484222325ULL;
    return add_attributes(scratch, &resource->attributes, ret);
}

enum otel_err col_identity_of_resource(struct otl_buf *scratch,
                                       const struct col_resource *resource,
                                       char ret[COL_IDENTITY_TEXT])
{
    uint64_t hash;
    enum otel_err err = start(scratch, resource, &hash);

    if (err == OTEL_OK)
        snprintf(ret, COL_IDENTITY_TEXT, "resource/%" PRIx64, hash);
    return err;
}

/* As the Collector counts its types of metrics. */
static uint8_t type_of(enum col_metric_kind kind)
{
    switch (kind) {
    case COL_METRIC_GAUGE:
        return 1;
    case COL_METRIC_SUM:
        return 2;
    case COL_METRIC_HISTOGRAM:
        return 3;
    case COL_METRIC_EXPONENTIAL:
        return 4;
    case COL_METRIC_SUMMARY:
        return 5;
    case COL_METRIC_NONE:
        break;
    }
    return 0;
}

enum otel_err col_identity_of_stream(struct otl_buf *scratch, const struct col_metric *metric,
                                     const struct col_point *point, char ret[COL_IDENTITY_TEXT])
{
    bool histogram =
        metric->kind == COL_METRIC_HISTOGRAM || metric->kind == COL_METRIC_EXPONENTIAL;
    const uint8_t tail[3] = {type_of(metric->kind), metric->monotonic || histogram,
                             (uint8_t)metric->temporality};
    uint64_t hash;
    enum otel_err err = start(scratch, metric->resource, &hash);

    hash = add_view(hash, metric->scope->name);
    hash = add_view(hash, metric->scope->version);
    if (err == OTEL_OK)
        err = add_attributes(scratch, &metric->scope->attributes, &hash);
    hash = add_view(hash, metric->name);
    hash = add_view(hash, metric->unit);
    hash = add(hash, tail, sizeof(tail));
    if (err == OTEL_OK)
        err = add_attributes(scratch, &point->attributes, &hash);
    if (err == OTEL_OK)
        snprintf(ret, COL_IDENTITY_TEXT, "stream/%" PRIx64, hash);
    return err;
}
