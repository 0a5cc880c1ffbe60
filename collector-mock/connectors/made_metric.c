/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/connectors/made_metric.h"

#include <string.h>

#include "collector-mock/wire/metrics.h"
#include "collector-mock/wire/put.h"

/* A message may stand inside another only behind its length: room is left for it, and what is too
 * much of that closed. */

enum { ROOM = 5 };

struct writer {
    struct otl_buf *out;
    enum otel_err err; /* the first one sticks */
};

static void put(struct writer *w, const void *data, size_t len)
{
    if (w->err == OTEL_OK && len > 0)
        w->err = otl_buf_append(w->out, data, len);
}

static void put_tag(struct writer *w, uint32_t number, enum col_wire_type wire)
{
    if (w->err == OTEL_OK)
        w->err = col_put_varint(w->out, number << 3 | (uint32_t)wire);
}

static void put_fixed(struct writer *w, uint64_t value)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    put(w, bytes, sizeof(bytes));
}

static void put_real(struct writer *w, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    put_fixed(w, bits);
}

static void member_fixed(struct writer *w, uint32_t number, uint64_t value)
{
    put_tag(w, number, COL_WIRE_FIXED64);
    put_fixed(w, value);
}

static void member_real(struct writer *w, uint32_t number, double value)
{
    put_tag(w, number, COL_WIRE_FIXED64);
    put_real(w, value);
}

static void member_varint(struct writer *w, uint32_t number, uint64_t value)
{
    put_tag(w, number, COL_WIRE_VARINT);
    if (w->err == OTEL_OK)
        w->err = col_put_varint(w->out, value);
}

static void member_bytes(struct writer *w, uint32_t number, const void *data, size_t len)
{
    if (w->err == OTEL_OK)
        w->err = col_put_head(w->out, number, len);
    put(w, data, len);
}

/* Returns where its content begins. */
static size_t open_message(struct writer *w, uint32_t number)
{
    static const uint8_t room[ROOM];

    put_tag(w, number, COL_WIRE_BYTES);
    put(w, room, sizeof(room));
    return w->out->len;
}

static void close_message(struct writer *w, size_t at)
{
    uint8_t length[COL_VARINT_MAX];
    size_t len = w->out->len - at, head;

    if (w->err != OTEL_OK)
        return;
    head = col_varint_write(len, length);
    memcpy(w->out->data + at - ROOM, length, head);
    memmove(w->out->data + at - ROOM + head, w->out->data + at, len);
    w->out->len -= ROOM - head;
}

static void put_labels(struct writer *w, uint32_t number, const struct col_made_label *labels,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t pair = open_message(w, number), value;
        member_bytes(w, 1, labels[i].name.data, labels[i].name.len);
        value = open_message(w, 2);
        if (labels[i].value.data != NULL)
            member_bytes(w, 1, labels[i].value.data, labels[i].value.len);
        else
            member_varint(w, 2, 1);
        close_message(w, value);
        close_message(w, pair);
    }
}

static void put_exemplars(struct writer *w, uint32_t number, const struct col_made_point *point,
                          uint64_t wall_ns)
{
    for (size_t i = 0; i < point->exemplar_count; i++) {
        const struct col_made_exemplar *exemplar = &point->exemplars[i];
        size_t at = open_message(w, number);
        member_fixed(w, 2, wall_ns);
        member_real(w, 3, exemplar->value);
        member_bytes(w, 4, exemplar->span_id, sizeof(exemplar->span_id));
        member_bytes(w, 5, exemplar->trace_id, sizeof(exemplar->trace_id));
        close_message(w, at);
    }
}

static void put_sum_point(struct writer *w, const struct col_made_batch *batch,
                          const struct col_made_point *point)
{
    member_fixed(w, 2, point->start_wall_ns);
    member_fixed(w, 3, batch->wall_ns);
    put_exemplars(w, 5, point, batch->wall_ns);
    member_fixed(w, 6, point->count);
    put_labels(w, 7, point->labels, point->label_count);
}

static void put_histogram_point(struct writer *w, const struct col_made_batch *batch,
                                const struct col_made_metric *metric,
                                const struct col_made_point *point)
{
    size_t packed;

    member_fixed(w, 2, point->start_wall_ns);
    member_fixed(w, 3, batch->wall_ns);
    member_fixed(w, 4, point->count);
    member_real(w, 5, point->sum);
    packed = open_message(w, 6);
    for (size_t i = 0; i <= metric->bound_count; i++)
        put_fixed(w, point->buckets[i]);
    close_message(w, packed);
    packed = open_message(w, 7);
    for (size_t i = 0; i < metric->bound_count; i++)
        put_real(w, metric->bounds[i]);
    close_message(w, packed);
    put_exemplars(w, 8, point, batch->wall_ns);
    put_labels(w, 9, point->labels, point->label_count);
}

/* sint32 */
static uint64_t zigzag(int32_t number)
{
    return (uint64_t)(((uint32_t)number << 1) ^ (number < 0 ? UINT32_MAX : 0));
}

static void put_exponential_point(struct writer *w, const struct col_made_batch *batch,
                                  const struct col_made_point *point)
{
    const struct col_exponential *it = point->exponential;
    size_t buckets, packed;

    put_labels(w, 1, point->labels, point->label_count);
    member_fixed(w, 2, point->start_wall_ns);
    member_fixed(w, 3, batch->wall_ns);
    member_fixed(w, 4, point->count);
    member_real(w, 5, point->sum);
    member_varint(w, 6, zigzag(it->len > 0 ? it->scale : 0));
    member_fixed(w, 7, it->zeros);
    buckets = open_message(w, 8);
    if (it->len > 0) {
        member_varint(w, 1, zigzag(it->offset));
        packed = open_message(w, 2);
        for (size_t i = 0; i < it->len && w->err == OTEL_OK; i++)
            w->err = col_put_varint(w->out, it->counts[i]);
        close_message(w, packed);
    }
    close_message(w, buckets);
    put_exemplars(w, 11, point, batch->wall_ns);
    member_real(w, 12, it->min);
    member_real(w, 13, it->max);
}

static void put_point(struct writer *w, const struct col_made_batch *batch,
                      const struct col_made_metric *metric, const struct col_made_point *point)
{
    switch (metric->kind) {
    case COL_MADE_SUM:
        put_sum_point(w, batch, point);
        break;
    case COL_MADE_HISTOGRAM:
        put_histogram_point(w, batch, metric, point);
        break;
    case COL_MADE_EXPONENTIAL:
        put_exponential_point(w, batch, point);
        break;
    }
}

static void put_metric(struct writer *w, const struct col_made_batch *batch,
                       const struct col_made_metric *metric)
{
    static const uint32_t fields[] = {[COL_MADE_SUM] = COL_METRIC_SUM,
                                      [COL_MADE_HISTOGRAM] = COL_METRIC_HISTOGRAM,
                                      [COL_MADE_EXPONENTIAL] = COL_METRIC_EXPONENTIAL};
    size_t data;

    member_bytes(w, 1, metric->name, strlen(metric->name));
    if (metric->unit[0] != '\0')
        member_bytes(w, 3, metric->unit, strlen(metric->unit));
    data = open_message(w, fields[metric->kind]);
    for (size_t i = 0; i < metric->point_count; i++) {
        size_t point = open_message(w, 1);
        put_point(w, batch, metric, &metric->points[i]);
        close_message(w, point);
    }
    member_varint(w, 2, batch->delta ? COL_TEMPORALITY_DELTA : COL_TEMPORALITY_CUMULATIVE);
    if (metric->kind == COL_MADE_SUM)
        member_varint(w, 3, 1);
    close_message(w, data);
}

enum otel_err col_made_encode(const struct col_made_batch *batch, struct otl_buf *out)
{
    struct writer w = {out, OTEL_OK};
    size_t group = open_message(&w, 1), resource = open_message(&w, 1), scope, name;

    put_labels(&w, 1, batch->resource, batch->resource_count);
    close_message(&w, resource);
    scope = open_message(&w, 2);
    name = open_message(&w, 1);
    member_bytes(&w, 1, batch->scope, strlen(batch->scope));
    close_message(&w, name);
    for (size_t i = 0; i < batch->metric_count; i++) {
        size_t metric = open_message(&w, 2);
        put_metric(&w, batch, &batch->metrics[i]);
        close_message(&w, metric);
    }
    close_message(&w, scope);
    close_message(&w, group);
    return w.err;
}
