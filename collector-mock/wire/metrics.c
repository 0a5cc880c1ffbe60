/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/metrics.h"

#include "collector-mock/wire/parse.h"
#include "collector-mock/wire/put.h"

/* Metric and what stands in it; points are in point.c. */

static bool is_data(uint32_t number)
{
    return number == COL_METRIC_GAUGE || number == COL_METRIC_SUM ||
           number == COL_METRIC_HISTOGRAM || number == COL_METRIC_EXPONENTIAL ||
           number == COL_METRIC_SUMMARY;
}

static bool take_point(const struct col_reader *r, struct col_metric *ret)
{
    struct col_point point;

    return col_take_item(r, &ret->points, "metric.data_points") &&
           (r->fault == NULL ||
            col_read_point(ret->kind, col_bytes_of(&r->field), &point, r->fault));
}

/* Gauge, Sum, Histogram, ExponentialHistogram or Summary. */
static bool take_data(const struct col_reader *outer, struct col_metric *ret)
{
    struct col_reader r;

    if (!col_take_wire(outer, COL_WIRE_BYTES, "metric.data"))
        return false;
    if (ret->kind != COL_METRIC_NONE)
        return col_fail(outer->fault, outer->tag, "metric.data", "twice");
    ret->kind = (enum col_metric_kind)outer->field.number;
    ret->data = col_bytes_of(&outer->field);
    col_reader_init(&r, col_cursor_of(ret->data), outer->fault);
    while (col_reader_next(&r)) {
        bool sum = ret->kind == COL_METRIC_SUM, good = true;
        bool aggregated = sum || ret->kind == COL_METRIC_HISTOGRAM ||
                          ret->kind == COL_METRIC_EXPONENTIAL;
        int32_t yes = 0;
        if (r.field.number == 1)
            good = take_point(&r, ret);
        else if (r.field.number == 2 && aggregated)
            good = col_take_i32(&r, &ret->temporality, "metric.aggregation_temporality");
        else if (r.field.number == 3 && sum)
            good = col_take_i32(&r, &yes, "metric.is_monotonic");
        if (!good)
            return false;
        if (r.field.number == 3 && sum)
            ret->monotonic = r.field.scalar != 0;
    }
    return col_reader_finish(&r, "metric.data");
}

static bool take_field(const struct col_reader *r, void *to)
{
    struct col_metric *ret = to;

    switch (r->field.number) {
    case 1:
        return col_take_text(r, &ret->name, "metric.name");
    case 2:
        return col_take_text(r, &ret->description, "metric.description");
    case 3:
        return col_take_text(r, &ret->unit, "metric.unit");
    case 12:
        return col_take_attribute(r, &ret->metadata);
    default:
        return !is_data(r->field.number) || take_data(r, ret);
    }
}

static bool read_metric(struct otl_view raw, struct col_metric *ret, struct col_fault *fault)
{
    static const struct col_shape shape = {sizeof(*ret), take_field, "metric"};
    bool good = col_read_message(raw, ret, &shape, fault);

    ret->raw = raw;
    return good;
}

bool col_metrics_next(struct col_traces *metrics, struct col_metric *ret)
{
    struct otl_view raw;

    if (!col_member_next(metrics, &raw) || !read_metric(raw, ret, &metrics->fault))
        return false;
    ret->resource = &metrics->resource;
    ret->scope = &metrics->scope;
    return true;
}

void col_metric_split(struct otl_view raw, struct col_metric *ret)
{
    (void)read_metric(raw, ret, NULL);
}

/* ---- a part of a metric ---- */

/* Which points are wanted: count of them after skipping some. */
struct part {
    uint64_t skip, count;
};

/* A walk over the fields of a message: the bytes of each that is to stay, whole. */
static bool next_kept(struct col_cursor *cursor, uint32_t filtered, struct part *part,
                      struct otl_view *ret)
{
    struct col_field field;
    const uint8_t *from = cursor->at;

    while (col_field_next(cursor, &field) == COL_NEXT_FIELD) {
        bool kept = field.number != filtered;
        if (!kept && part->skip > 0) {
            part->skip--;
        } else if (!kept && part->count > 0) {
            part->count--;
            kept = true;
        }
        *ret = otl_view((const char *)from, (size_t)(cursor->at - from));
        from = cursor->at;
        if (kept)
            return true;
    }
    return false;
}

static size_t data_size(const struct col_metric *metric, struct part part)
{
    struct col_cursor cursor = col_cursor_of(metric->data);
    struct otl_view field;
    size_t size = 0;

    while (next_kept(&cursor, 1, &part, &field))
        size += field.len;
    return size;
}

static enum otel_err put_data(const struct col_metric *metric, struct part part,
                              struct otl_buf *out)
{
    struct col_cursor cursor = col_cursor_of(metric->data);
    enum otel_err err = col_put_head(out, metric->kind, data_size(metric, part));
    struct otl_view field;

    while (err == OTEL_OK && next_kept(&cursor, 1, &part, &field))
        err = otl_buf_append(out, field.data, field.len);
    return err;
}

enum otel_err col_metric_cut(const struct col_metric *metric, uint64_t first, uint64_t count,
                             struct otl_buf *out)
{
    const struct part part = {first, count};
    struct part none = {UINT64_MAX, 0};
    struct col_cursor cursor = col_cursor_of(metric->raw);
    enum otel_err err = OTEL_OK;
    struct otl_view field;

    while (err == OTEL_OK && next_kept(&cursor, metric->kind, &none, &field))
        err = otl_buf_append(out, field.data, field.len);
    return err == OTEL_OK && metric->kind != COL_METRIC_NONE ? put_data(metric, part, out) : err;
}
